import { newId } from '../../src/domain/ids.ts';
import type { PaymentReport } from '../../src/domain/report.ts';
import type { PaymentOrder, PaymentProvider } from '../../src/providers/provider.ts';
import { createStripeProvider } from '../../src/providers/stripe/adapter.ts';
import {
  openReceiver,
  openRig,
  publishableKey,
  type Receiver,
  type Rig,
  secretKey,
  webhookSecret,
} from '../sandbox/rig.ts';

/** The adapter, on the real SDK, against a sandbox that ends with the test; and what a buyer or the network can do there. */
export type StripeRig = {
  readonly provider: PaymentProvider;
  readonly sandbox: Rig;
  /** Pays an embedded payment by one of Stripe's test cards. */
  pay(report: PaymentReport, card?: string): Promise<void>;
  /** Presses a button of the hosted page. */
  press(report: PaymentReport, action: 'pay' | 'decline', card?: string): Promise<void>;
  fault(rule: object): Promise<void>;
  /** Resolves once the sandbox has met the last of the faults it was told. */
  faultsAreMet(): Promise<void>;
  /** What the sandbox's ledger holds of a payment of ours. */
  ledger(order: PaymentOrder): Promise<LedgerOf>;
};
export type LedgerOf = {
  readonly paymentIntents: readonly { readonly id: string; readonly status: string; readonly amount: number }[];
  readonly checkoutSessions: readonly { readonly id: string; readonly status: string }[];
};

export const cards = {
  declined: 'pm_card_chargeDeclined',
  insufficientFunds: 'pm_card_chargeDeclinedInsufficientFunds',
  threeDSecure: 'pm_card_authenticationRequired',
};

export async function openStripeRig(given: { key?: string; receiver?: Receiver } = {}): Promise<StripeRig> {
  const sandbox = await openRig(given.receiver === undefined ? {} : { receiver: given.receiver });
  const provider = createStripeProvider({
    secretKey: given.key ?? secretKey,
    publishableKey,
    webhookSecrets: [webhookSecret],
    apiBase: sandbox.url,
    account: 'acct_rig.test',
    now: () => new Date(),
  });
  return {
    provider,
    sandbox,
    async pay(report, card = 'pm_card_visa') {
      const { nextAction } = report;
      if (nextAction?.kind !== 'CONFIRM_CARD') throw new Error('There is no card form to fill in.');
      const body = new URLSearchParams({ client_secret: nextAction.clientSecret, payment_method: card });
      const headers = { Authorization: `Bearer ${nextAction.publishableKey}` };
      const url = `${sandbox.url}/v1/payment_intents/${report.providerPaymentId}/confirm`;
      await (await fetch(url, { method: 'POST', headers, body })).text();
    },
    async press(report, action, card = '4242424242424242') {
      if (report.nextAction?.kind !== 'REDIRECT') throw new Error('There is no page to go to.');
      await (await sandbox.post(report.nextAction.url, { action, card })).text();
    },
    async fault(rule) {
      const { status } = await sandbox.control('POST', '/faults', rule);
      if (status !== 200) throw new Error('The sandbox does not know this fault.');
    },
    async faultsAreMet() {
      while ((await sandbox.control('GET', '/faults')).json.faults.length > 0);
    },
    async ledger({ paymentId }) {
      return (await sandbox.control('GET', `/ledger?payment_id=${paymentId}`)).json.stripe;
    },
  };
}

export { openReceiver };

export function anOrderToPay(facts: Partial<PaymentOrder> = {}): PaymentOrder {
  const createdAt = new Date();
  return {
    paymentId: newId('payment'),
    orderNumber: 'A-1',
    flow: 'EMBEDDED',
    amountMinor: 1000n,
    currency: 'EUR',
    captureMode: 'AUTOMATIC',
    description: 'Two tickets',
    returnUrl: 'https://shop.example/thanks',
    openId: null,
    buyerIp: null,
    createdAt,
    expiresAt: new Date(createdAt.getTime() + 30 * 60_000),
    providerPaymentId: null,
    providerReference: null,
    ...facts,
  };
}
