import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { expect } from 'vitest';
import type { Answer } from '../../src/http/answer.ts';
import { handleWebhook } from '../../src/http/webhooks.ts';
import type {
  PaymentProvider,
  VerifiedWebhook,
  WebhookDelivery,
  WebhookMessage,
} from '../../src/providers/provider.ts';
import { routedAccounts } from '../support/routed-accounts.ts';
import type { Sent } from './callback-mutation.ts';
import type { ProviderContract } from './contract-rig.ts';
import type { Delivered } from './contract-sandbox.ts';
import { start } from './contract-steps.ts';

/** A callback as sent, and its message. */
export type Genuine = Sent & {
  readonly receivedAt: Date;
  readonly told: VerifiedWebhook;
  readonly message: WebhookMessage;
};

/** One callback of every kind that the provider sends, and variations. `casesMax` limits their number. */
export async function genuineOf(
  contract: ProviderContract,
  casesMax = Number.POSITIVE_INFINITY,
): Promise<{ readonly provider: PaymentProvider; readonly genuine: readonly [Genuine, ...Genuine[]] }> {
  const genuine: Genuine[] = [];
  let provider: PaymentProvider | undefined;
  const cases = contract.callbacks.slice(0, casesMax);
  for (const { facts, bring } of cases) {
    const rig = await contract.open();
    ({ provider } = rig);
    await bring(await start(contract, rig, facts));
    await rig.advance(0);
    genuine.push(...rig.entrance.delivered.flatMap((delivery) => genuineIn(rig.provider, delivery)));
  }
  const types = new Set(genuine.map(({ told }) => told.eventType));
  for (const { type } of cases) expect(types).toContain(type);
  const [first, ...others] = genuine;
  if (provider === undefined || first === undefined) throw new Error(`${contract.name} was expected to call back.`);
  return { provider, genuine: [first, ...others] };
}

/** Has only the headers that the adapter reads. */
function genuineIn(provider: PaymentProvider, { headers, body, receivedAt, verdict }: Delivered): Genuine[] {
  if (typeof verdict === 'string') return [];
  const isRead = ([name]: [string, string]) => name === 'content-type' || provider.webhookHeaders.includes(name);
  const message = provider.readWebhook(body, receivedAt);
  return [
    { headers: Object.fromEntries(Object.entries(headers).filter(isRead)), body, receivedAt, told: verdict, message },
  ];
}

/** The result of a callback at the real route. */
export type Outcome = {
  readonly provider: PaymentProvider;
  readonly status: number;
  readonly body: string;
  /** Null unless the adapter accepted it. */
  readonly told: VerifiedWebhook | null;
  /** Errors of ours that the route logged. */
  readonly error: unknown;
};

/** Passes a callback to the real route without a socket, so that headers are possible that a socket would reject. */
export function postToRoute(provider: PaymentProvider, { headers, body }: Sent, receivedAt: Date): Promise<Outcome> {
  const path = `/webhooks/${provider.name.toLowerCase()}`;
  const request = Object.assign(Readable.from([body]), {
    ...{ method: 'POST', url: path, headers, complete: true },
  }) as unknown as IncomingMessage; // the properties that the route reads
  const kept: { told: VerifiedWebhook | null; error: unknown } = { told: null, error: null };
  const silent = () => undefined;
  const parts = {
    ...{ accounts: routedAccounts(provider), now: () => receivedAt, failpoint: silent },
    log: {
      info: silent,
      warn: silent,
      error: (fields: object) => Object.assign(kept, { error: Object.values(fields)[0] }),
    },
    intake: {
      async receive(by: PaymentProvider, delivery: WebhookDelivery) {
        kept.told = by.verifyWebhook(delivery);
        return null;
      },
      apply: silent,
    },
  };
  return new Promise((resolve, reject) => {
    const response = {
      req: request,
      setHeader: () => response,
      replaceHeader: () => undefined,
      sendText: (status: number, _type: string, text: string) => resolve({ provider, status, body: text, ...kept }),
    };
    handleWebhook(parts, request, response as unknown as Answer, path).catch(reject); // the methods that the route calls
  });
}
