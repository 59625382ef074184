import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/server.ts';
import { newId } from '../../src/domain/ids.ts';
import { Answer } from '../../src/http/answer.ts';
import { handleWebhook } from '../../src/http/webhooks.ts';
import {
  type PaymentOrder,
  type PaymentProvider,
  type VerifiedWebhook,
  type WebhookDelivery,
  WebhookRejectedError,
  type WebhookRejection,
} from '../../src/providers/provider.ts';
import { publishableKey, secretKey, webhookSecret } from '../sandbox/rig.ts';
import { routedAccounts } from '../support/routed-accounts.ts';

/** A callback that arrived through the real route, with the adapter's result. */
export type Delivered = WebhookDelivery & { readonly verdict: VerifiedWebhook | WebhookRejection };

/** The route for callbacks, on its own port. */
export type Entrance = {
  readonly url: string;
  readonly delivered: readonly Delivered[];
  /** How often the route fails to store a verified callback, as with an unavailable database. */
  failures: number;
  close(): Promise<void>;
};

/**
 * A sandbox in virtual time, which ends with the test, and an adapter that uses it through its real SDK and real
 * connections.
 */
export type BaseRig = {
  readonly sandbox: Sandbox;
  readonly provider: PaymentProvider;
  readonly entrance: Entrance;
  now(): Date;
  /** Advances the shared clock. Resolves after the callbacks that are due by then are posted. */
  advance(ms: number): Promise<void>;
  fault(rule: object): Promise<void>;
  clearFaults(): Promise<void>;
  /** Resolves after the sandbox has applied the last configured fault. */
  faultsAreMet(): Promise<void>;
  /** Presses a button on a sandbox page. The ledger shows whether it had an effect. */
  press(url: string, form: Readonly<Record<string, string>>): Promise<void>;
  /** The page that the buyer reaches by a link. */
  follow(url: string): Promise<string>;
};

export type Parts = { readonly sandbox: Sandbox; readonly now: () => Date; readonly webhookUrl: string };

const startsAt = new Date('2030-01-01T00:00:00.400Z');

/**
 * Opens the parts of every rig.
 *
 * @param sidesOf creates the sandbox's providers for a callback URL.
 */
export async function openBaseRig(
  name: string,
  sidesOf: (webhookUrl: string) => Partial<SandboxOptions>,
  make: (parts: Parts) => PaymentProvider,
): Promise<BaseRig> {
  const opened: { provider?: PaymentProvider; sandbox?: Sandbox } = {};
  const now = (): Date => opened.sandbox?.now() ?? startsAt;
  const entrance = await openEntrance(() => opened.provider, now);
  const webhookUrl = `${entrance.url}/webhooks/${name.toLowerCase()}`;
  const sandbox = await startSandbox({
    ...{ port: 0, dataDir: null, seed: 1, virtualTime: { startsAt } },
    stripe: { secretKey, publishableKey, webhookSecret, webhookUrl: null },
    ...sidesOf(webhookUrl),
  });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await sandbox.close();
    await entrance.close();
  };
  onTestFinished(close);
  const provider = make({ sandbox, now, webhookUrl });
  Object.assign(opened, { provider, sandbox });
  return {
    ...{ sandbox: { ...sandbox, close }, provider, entrance, now },
    advance: (ms) => sandbox.advance(ms),
    async fault(rule) {
      await sandbox.control('/control/faults', rule);
    },
    async clearFaults() {
      await (await fetch(`${sandbox.url}/control/faults`, { method: 'DELETE' })).text();
    },
    async faultsAreMet() {
      let left: unknown[];
      do left = (await (await fetch(`${sandbox.url}/control/faults`)).json()).faults;
      while (left.length > 0);
    },
    async press(url, form) {
      const body = new URLSearchParams(form);
      await (await fetch(new URL(url, sandbox.url), { method: 'POST', body, redirect: 'manual' })).text();
    },
    async follow(url) {
      const response = await fetch(new URL(url, sandbox.url));
      await response.text();
      return response.url;
    },
  };
}

async function openEntrance(provider: () => PaymentProvider | undefined, now: () => Date): Promise<Entrance> {
  const delivered: Delivered[] = [];
  const silent = () => undefined;
  const server = createServer({ ServerResponse: Answer }, (request, response) => {
    const opened = provider();
    const parts = {
      accounts: routedAccounts(...(opened === undefined ? [] : [opened])),
      ...{ now, failpoint: silent, log: { info: silent, warn: silent, error: silent } },
      intake: {
        receive: async (by: PaymentProvider, delivery: WebhookDelivery) => {
          const verdict = verdictOf(by, delivery);
          delivered.push({ ...delivery, verdict });
          if (typeof verdict === 'string') throw new WebhookRejectedError(verdict);
          if (entrance.failures > 0) {
            entrance.failures -= 1;
            throw new Error('The callback cannot be kept.');
          }
          return null;
        },
        apply: silent,
      },
    };
    handleWebhook(parts, request, response, new URL(request.url ?? '/', 'http://entrance').pathname).catch((error) => {
      response.destroy(error);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const entrance: Entrance = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // a listening TCP server has this address type
    delivered,
    failures: 0,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return entrance;
}

/** The adapter's result for a callback. Any error other than a `WebhookRejectedError` is a bug. */
export function verdictOf(provider: PaymentProvider, delivery: WebhookDelivery): VerifiedWebhook | WebhookRejection {
  try {
    return provider.verifyWebhook(delivery);
  } catch (error) {
    if (error instanceof WebhookRejectedError) return error.reason;
    throw error;
  }
}

/** An order without buyer fields. It expires after half an hour. */
export function anOrderAt(createdAt: Date, facts: Partial<PaymentOrder>): PaymentOrder {
  return {
    paymentId: newId('payment'),
    orderNumber: 'A-1',
    flow: 'REDIRECT',
    amountMinor: 1000n,
    currency: 'CNY',
    captureMode: 'AUTOMATIC',
    description: 'Two tickets',
    returnUrl: null,
    openId: null,
    buyerIp: null,
    createdAt,
    expiresAt: new Date(createdAt.getTime() + 30 * 60_000),
    providerPaymentId: null,
    providerReference: null,
    ...facts,
  };
}
