import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { onTestFinished } from 'vitest';
import { type SandboxOptions, startSandbox } from '../../sandbox/server.ts';

export const secretKey = 'sk_test_rig';
export const publishableKey = 'pk_test_rig';
export const webhookSecret = 'whsec_rig';

/** A received callback. This file computes `verified`. */
export type Received = {
  readonly event: { id: string; type: string; data: { object: Record<string, unknown> } };
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly signedAt: number;
  readonly verified: boolean;
};

/** A webhook receiver. It responds as `answerWith` says. Default: 200. */
export type Receiver = {
  readonly url: string;
  readonly received: readonly Received[];
  answerWith: (received: Received) => number;
  /** Resolves when `fits` is true for the received callbacks. */
  until(fits: (received: readonly Received[]) => boolean): Promise<readonly Received[]>;
  types(): string[];
};

export async function openReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const watchers = new Set<() => void>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const one = judge(body, request.headers);
      received.push(one);
      response.statusCode = receiver.answerWith(one);
      response.end();
      for (const watch of watchers) watch();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    answerWith: () => 200,
    until: (fits) =>
      new Promise((resolve) => {
        const watch = (): void => {
          if (!fits(received)) return;
          watchers.delete(watch);
          resolve(received);
        };
        watchers.add(watch);
        watch();
      }),
    types: () => received.map(({ event }) => event.type),
  };
  return receiver;
}

/** Reads a callback and checks its signature. */
export function judge(body: string, headers: IncomingHttpHeaders): Received {
  const header = String(headers['stripe-signature']);
  const parts = header.split(',').map((part) => part.split('='));
  const signedAt = parts.find(([name]) => name === 't')?.[1] ?? '';
  const right = createHmac('sha256', webhookSecret).update(`${signedAt}.${body}`).digest('hex');
  const verified = parts.some(([name, value]) => name === 'v1' && value === right);
  return { event: JSON.parse(body), headers, body, signedAt: Number(signedAt), verified };
}

export type Rig = {
  readonly url: string;
  readonly stripe: Stripe;
  readonly control: (method: string, path: string, body?: unknown) => Promise<Answer>;
  readonly confirm: (intent: Stripe.PaymentIntent, params: Record<string, string>) => Promise<Answer>;
  readonly post: (path: string, form: Record<string, string>) => Promise<Response>;
  readonly close: () => Promise<void>;
};
// biome-ignore lint/suspicious/noExplicitAny: responses have many shapes
export type Answer = { readonly status: number; readonly json: any };

/** Starts a sandbox for one test, and connects the real SDK without retries. */
export async function openRig(
  options: { receiver?: Receiver; dataDir?: string; seed?: number; webhookSecret?: string } = {},
): Promise<Rig> {
  const settings: SandboxOptions = {
    port: 0,
    dataDir: options.dataDir ?? null,
    seed: options.seed ?? 1,
    stripe: {
      secretKey,
      publishableKey,
      webhookSecret: options.webhookSecret ?? webhookSecret,
      webhookUrl: options.receiver?.url ?? null,
    },
  };
  const sandbox = await startSandbox(settings);
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await sandbox.close();
    isOpen = false;
  };
  onTestFinished(close);
  return {
    url: sandbox.url,
    stripe: stripeAt(sandbox.url),
    close,
    async control(method, path, body) {
      const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
      return read(await fetch(`${sandbox.url}/control${path}`, init));
    },
    async confirm(intent, params) {
      const body = new URLSearchParams({ client_secret: intent.client_secret ?? '', ...params });
      const headers = { Authorization: `Bearer ${publishableKey}` };
      return read(
        await fetch(`${sandbox.url}/v1/payment_intents/${intent.id}/confirm`, { method: 'POST', headers, body }),
      );
    },
    post: (path, form) =>
      fetch(new URL(path, sandbox.url), { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' }),
  };
}

export function stripeAt(url: string, key = secretKey, timeoutMs = 5000): Stripe {
  const { hostname, port } = new URL(url);
  return new Stripe(key, {
    apiVersion: '2026-10-28.endive',
    host: hostname,
    port,
    protocol: 'http',
    telemetry: false,
    maxNetworkRetries: 0,
    timeout: timeoutMs,
  });
}

export async function read(response: Response): Promise<Answer> {
  return { status: response.status, json: await response.json() };
}

export const tenDollars = {
  amount: 1000,
  currency: 'usd',
  allowed_payment_method_types: ['card'],
  metadata: { payment_id: 'pay_rig' },
} satisfies Stripe.PaymentIntentCreateParams;

/** A succeeded payment. */
export async function paidIntent(rig: Rig, card = 'pm_card_visa'): Promise<Stripe.PaymentIntent> {
  return rig.stripe.paymentIntents.create({ ...tenDollars, confirm: true, payment_method: card });
}

/** The Stripe error of a call. */
export async function refusal(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  const outcome = await call.then(
    () => null,
    (error: unknown) => error,
  );
  if (outcome instanceof Stripe.errors.StripeError) return outcome;
  throw new Error('The call was expected to end with a Stripe error.', { cause: outcome });
}
