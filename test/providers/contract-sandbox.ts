import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/server.ts';
import { newId } from '../../src/domain/ids.ts';
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

/** A callback that came in by the real route, as its adapter judged it. */
export type Delivered = WebhookDelivery & { readonly verdict: VerifiedWebhook | WebhookRejection };

/** The route that callbacks come in by, on a port of its own. */
export type Entrance = {
  readonly url: string;
  readonly delivered: readonly Delivered[];
  /** How often it says that it cannot keep what it verified, as when the database is away. */
  failures: number;
  close(): Promise<void>;
};

/** A sandbox in virtual time that ends with the test, and an adapter that talks to it by its real SDK, over real connections. */
export type BaseRig = {
  readonly sandbox: Sandbox;
  readonly provider: PaymentProvider;
  readonly entrance: Entrance;
  now(): Date;
  /** Moves the one clock on; callbacks that are due by then have been posted when it resolves. */
  advance(ms: number): Promise<void>;
  fault(rule: object): Promise<void>;
  clearFaults(): Promise<void>;
  /** Resolves once the sandbox has met the last of the faults it was told. */
  faultsAreMet(): Promise<void>;
  /** Presses a button on a page of the sandbox; whether that was taken is for the ledger to say. */
  press(url: string, form: Readonly<Record<string, string>>): Promise<void>;
  /** Where the buyer stands who follows a link. */
  follow(url: string): Promise<string>;
};

export type Parts = { readonly sandbox: Sandbox; readonly now: () => Date; readonly webhookUrl: string };

const startsAt = new Date('2030-01-01T00:00:00.400Z');

/**
 * Opens what every rig is made of.
 * @param sidesOf the sandbox's sides, told where callbacks go.
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
  const server = createServer((request, response) => {
    const opened = provider();
    const parts = {
      providers: opened === undefined ? [] : [opened],
      away: [],
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
          return verdict.eventId;
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
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // a TCP server's address, once it listens
    delivered,
    failures: 0,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return entrance;
}

/** What an adapter says of a callback. Anything that it throws but a `WebhookRejectedError` is a bug. */
export function verdictOf(provider: PaymentProvider, delivery: WebhookDelivery): VerifiedWebhook | WebhookRejection {
  try {
    return provider.verifyWebhook(delivery);
  } catch (error) {
    if (error instanceof WebhookRejectedError) return error.reason;
    throw error;
  }
}

/** An order to pay that needs nothing of its buyer; it lives for half an hour. */
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
