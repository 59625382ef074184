import { createHmac } from 'node:crypto';
import { expect } from 'vitest';
import { createStripeProvider } from '../../src/providers/stripe/adapter.ts';
import { publishableKey, secretKey, webhookSecret } from '../sandbox/rig.ts';
import type { FlowPromise, ProviderContract, ProviderRig, RigOptions } from './contract-rig.ts';
import { openBaseRig } from './contract-sandbox.ts';
import { payByCard, pressOnPage } from './stripe-contract-buyer.ts';
import { stripeCallbacks } from './stripe-contract-callbacks.ts';
import { stripeStates } from './stripe-contract-states.ts';

async function open({ key }: RigOptions = {}): Promise<ProviderRig> {
  const base = await openBaseRig(
    'stripe',
    (webhookUrl) => ({ stripe: { secretKey, publishableKey, webhookSecret, webhookUrl } }),
    ({ sandbox, now }) =>
      createStripeProvider({ ...configAt(sandbox.url), now, ...(key && { secretKey: 'sk_test_other' }) }),
  );
  const { sandbox, now } = base;
  return {
    ...base,
    stranger: createStripeProvider({ ...configAt(sandbox.url), now, secretKey: 'sk_live_other' }),
    visit: async () => undefined, // the payment exists after the start
    pay: (payment) =>
      payment.order.flow === 'REDIRECT' ? pressOnPage(payment, 'pay') : payByCard(payment, 'pm_card_visa'),
    truth({ paymentId }) {
      const { paymentIntents, checkoutSessions, refunds, totals } = sandbox.ledger(paymentId).stripe;
      const { charges = 0, captured = 0, refunded = 0, refundPending = 0 } = totals[paymentId] ?? {};
      return {
        made: checkoutSessions.length > 0 ? checkoutSessions.length : paymentIntents.length,
        charges,
        capturedMinor: BigInt(captured),
        refundedMinor: BigInt(refunded + refundPending),
        refunds: refunds.length,
      };
    },
    async refundInConsole({ order }, amountMinor) {
      const { providerPaymentId, paymentId } = order;
      const made = await sandbox.control('/control/stripe/refunds', {
        payment_intent: providerPaymentId,
        amount: Number(amountMinor),
      });
      return { refundId: null, paymentId, providerPaymentId, providerRefundId: String(made.id) };
    },
    async endRefund({ providerRefundId }, outcome) {
      await sandbox.control(`/control/stripe/refunds/${providerRefundId}/${outcome}`);
    },
  };
}

function configAt(apiBase: string) {
  return { secretKey, publishableKey, webhookSecrets: [webhookSecret], apiBase, account: 'acct_rig.test' };
}

const flows: readonly [FlowPromise, ...FlowPromise[]] = [
  {
    flow: 'EMBEDDED',
    needs: {},
    action: 'CONFIRM_CARD',
    madeBy: 'start',
    started: { providerPaymentId: expect.stringMatching(/^pi_/), providerReference: null },
    nextAction: { clientSecret: expect.stringContaining('_secret_'), publishableKey },
    isRenewed: false,
    operations: {
      ...{ start: 'payment_intents.create', query: 'payment_intents.retrieve', close: 'payment_intents.cancel' },
    },
  },
  {
    flow: 'REDIRECT',
    needs: { returnUrl: 'https://shop.example/thanks' },
    action: 'REDIRECT',
    madeBy: 'start',
    started: { providerPaymentId: null, providerReference: expect.stringMatching(/^cs_/) },
    nextAction: { url: expect.stringMatching(/^http/), expiresAt: expect.stringMatching(/Z$/) },
    isRenewed: false,
    operations: {
      start: 'checkout.sessions.create',
      query: 'checkout.sessions.retrieve',
      close: 'checkout.sessions.expire',
    },
  },
];

/** Cards at Stripe: embedded forms and hosted pages, with automatic and manual capture. */
export const stripeContract: ProviderContract = {
  name: 'STRIPE',
  open,
  price: { amountMinor: 1000n, currency: 'EUR' },
  flows,
  refusals: [
    ['an amount of nine digits', { amountMinor: 100_000_000n }, 'EUR'],
    ['an amount in thousandths that is no whole number of hundredths', { amountMinor: 5124n, currency: 'KWD' }, 'KWD'],
  ],
  amounts: [50n, 4999n, 99_999_999n],
  states: stripeStates,
  failedRefund: 'FAILED',
  refundOperations: { start: 'refunds.create', query: 'refunds.list' },
  spoiledAnswers: [], // Stripe does not sign answers
  callbacks: stripeCallbacks,
  callbackFlow: 'EMBEDDED',
  isDated: true,
  withheld: [/_secret_/, /billing_details|customer_details|receipt_email|payment_method_details/, /"url"/],
  withoutSignature: ({ headers: { 'stripe-signature': _signature, ...headers }, ...delivery }) => ({
    ...delivery,
    headers,
  }),
  signedContentOf({ headers, body }) {
    const parts = (headers['stripe-signature'] ?? '').split(',').map((part) => part.trim());
    const times = parts.filter((part) => part.startsWith('t='));
    const right = parts.find((part) => part === `v1=${signatureOver(times.join(), body)}`);
    return right === undefined ? null : `${times.join()} ${right} ${body.toString('latin1')}`;
  },
};

function signatureOver(time: string, body: Buffer): string {
  return createHmac('sha256', webhookSecret)
    .update(`${time.slice(2)}.`)
    .update(body)
    .digest('hex');
}
