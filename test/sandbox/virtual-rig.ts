import Stripe from 'stripe';
import { onTestFinished } from 'vitest';
import type { CallbackRequest } from '../../sandbox/callback-post.ts';
import type { InProcessRequest } from '../../sandbox/in-process.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/server.ts';
import { judge, publishableKey, type Received, secretKey, webhookSecret } from './rig.ts';

export const startsAt = new Date('2030-01-01T00:00:00Z');
export const startSeconds = startsAt.getTime() / 1000;
export const minuteMs = 60_000;
export const dayMs = 24 * 60 * minuteMs;

/** A sandbox in virtual time without a port, the real SDK connected in process, and the received callbacks. */
export type VirtualRig = {
  readonly sandbox: Sandbox;
  readonly stripe: Stripe;
  readonly received: readonly Received[];
  /** The response to the next callbacks. Default: 200. */
  answerWith: number;
  types(): string[];
  fault(rule: object): Promise<unknown>;
};

export async function openVirtualRig(options: Partial<SandboxOptions> = {}): Promise<VirtualRig> {
  const received: Received[] = [];
  const sandbox = await startSandbox({
    port: null,
    dataDir: null,
    seed: 1,
    stripe: { secretKey, publishableKey, webhookSecret, webhookUrl: 'http://merchant.invalid/hook' },
    virtualTime: { startsAt },
    unansweredRequests: 'status-599',
    post: async ({ headers, body }: CallbackRequest) => {
      received.push(judge(body, { 'stripe-signature': headers['Stripe-Signature'] ?? '' }));
      return { status: rig.answerWith, body: '' };
    },
    ...options,
  });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await sandbox.close();
    isOpen = false;
  };
  onTestFinished(close);
  const rig: VirtualRig = {
    sandbox: { ...sandbox, close },
    stripe: stripeAtDoor(sandbox),
    received,
    answerWith: 200,
    types: () => received.map(({ event }) => event.type),
    fault: (rule) => sandbox.control('/control/faults', rule),
  };
  return rig;
}

function stripeAtDoor(sandbox: Sandbox): Stripe {
  const throughDoor = async (url: string, init: RequestInit): Promise<Response> => {
    const { pathname, search } = new URL(url);
    const answer = await sandbox.request({
      method: init.method as InProcessRequest['method'], // the SDK sends GET and POST
      path: pathname + search,
      headers: Object.fromEntries(new Headers(init.headers)),
      body: typeof init.body === 'string' ? init.body : '',
    });
    if (typeof answer === 'string') throw new Error(answer);
    if (answer.headers['x-sandbox-unanswered'] !== undefined) throw new Error('unanswered');
    return new Response(answer.body, { status: answer.status, headers: answer.headers });
  };
  return new Stripe(secretKey, {
    apiVersion: '2026-10-28.endive',
    host: new URL(sandbox.url).hostname,
    protocol: 'http',
    telemetry: false,
    maxNetworkRetries: 0,
    httpClient: Stripe.createFetchHttpClient(throughDoor as typeof fetch),
  });
}
