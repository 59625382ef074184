import { expect } from 'vitest';
import type { CallbackCase, Says, Started } from './contract-rig.ts';
import { aRefundOf, knowing, patient, query } from './contract-steps.ts';
import { failedLater, payLater, pressOnPage, stripeOf } from './stripe-contract-buyer.ts';
import {
  cards,
  control,
  embedded,
  held,
  intentIdOf,
  nothing,
  onPage,
  pay,
  processing,
} from './stripe-contract-states.ts';

const tells = (says: Says, isCreation = false): CallbackCase['says'] => {
  return ({ order: { paymentId } }) => ({
    ...{ kind: 'payment', isCreation, report: { paymentId, amountMinor: 1000n, currency: 'EUR', ...says } },
  });
};
const ignores =
  (reason: string): CallbackCase['says'] =>
  () => ({ kind: 'ignored', reason });

async function payAndRefundInConsole(payment: Started): Promise<void> {
  await pay(payment);
  await payment.rig.refundInConsole(payment, 500n);
}

async function payAndRefund(payment: Started): Promise<void> {
  await pay(payment);
  const report = await query(payment);
  const order = knowing(payment.order, report);
  await payment.rig.provider.startRefund(aRefundOf({ ...payment, order, report }, { amountMinor: 500n }), patient());
}

export const stripeCallbacks: readonly CallbackCase[] = [
  {
    type: 'payment_intent.created',
    what: 'that a form waits for a card, which the answer has told',
    facts: embedded,
    bring: nothing,
    says: tells(
      {
        status: 'ACTION_REQUIRED',
        nextAction: expect.objectContaining({ kind: 'CONFIRM_CARD', clientSecret: expect.stringMatching(/_secret_/) }),
      },
      true,
    ),
  },
  {
    type: 'payment_intent.payment_failed',
    what: 'that an attempt failed',
    facts: embedded,
    bring: (payment) => pay(payment, cards.insufficientFunds),
    says: tells({
      status: 'ACTION_REQUIRED',
      failure: expect.objectContaining({ reason: 'insufficient_funds', attempt: expect.stringMatching(/^ch_/) }),
    }),
  },
  {
    type: 'payment_intent.requires_action',
    what: 'that the bank asks the buyer',
    facts: embedded,
    bring: (payment) => pay(payment, cards.threeDSecure),
    says: tells({ status: 'ACTION_REQUIRED', failure: null }),
  },
  {
    type: 'payment_intent.processing',
    what: 'that the bank takes its time',
    facts: embedded,
    bring: processing.bring,
    says: tells({ status: 'PROCESSING' }),
  },
  {
    type: 'payment_intent.amount_capturable_updated',
    what: 'that money is held',
    facts: { ...embedded, ...held },
    bring: (payment) => pay(payment),
    says: tells({ status: 'AUTHORIZED', capturedMinor: null }),
  },
  {
    type: 'payment_intent.succeeded',
    what: 'that a card paid',
    facts: embedded,
    bring: (payment) => pay(payment),
    says: tells({ status: 'SUCCEEDED', capturedMinor: 1000n, failure: null }),
  },
  {
    type: 'payment_intent.succeeded',
    what: 'how much of what was held was taken',
    facts: { ...embedded, ...held },
    async bring(payment) {
      await pay(payment);
      await stripeOf(payment).paymentIntents.capture(intentIdOf(payment), { amount_to_capture: 1 });
    },
    says: tells({ status: 'SUCCEEDED', capturedMinor: 1n }),
  },
  {
    type: 'payment_intent.canceled',
    what: 'that we closed it',
    facts: embedded,
    bring: ({ rig, order }) => rig.provider.closePayment(order, patient()),
    says: tells({ status: 'CANCELED' }),
  },
  {
    type: 'payment_intent.canceled',
    what: 'that what was held lapsed',
    facts: { ...embedded, ...held },
    async bring(payment) {
      await pay(payment);
      await control(payment, 'lapse');
    },
    says: tells({ status: 'EXPIRED' }),
  },
  {
    type: 'checkout.session.completed',
    what: 'that a page was paid',
    facts: onPage,
    bring: (payment) => pressOnPage(payment, 'pay'),
    says: tells({
      ...{ status: 'SUCCEEDED', capturedMinor: 1000n, providerPaymentId: expect.stringMatching(/^pi_/) },
      providerReference: expect.stringMatching(/^cs_/),
    }),
  },
  {
    type: 'payment_intent.succeeded',
    what: 'that the card of a page paid',
    facts: onPage,
    bring: (payment) => pressOnPage(payment, 'pay'),
    says: tells({ status: 'SUCCEEDED', capturedMinor: 1000n, providerPaymentId: expect.stringMatching(/^pi_/) }),
  },
  {
    type: 'checkout.session.completed',
    what: 'not that it was paid, for complete is not paid: the authorization comes by itself',
    facts: { ...onPage, ...held },
    bring: (payment) => pressOnPage(payment, 'pay'),
    says: tells({ status: 'PROCESSING', capturedMinor: null }),
  },
  {
    type: 'checkout.session.async_payment_succeeded',
    what: 'that the bank paid later',
    facts: onPage,
    bring: (payment) => payLater(payment, 'succeeded'),
    says: tells({ status: 'SUCCEEDED', capturedMinor: 1000n }),
  },
  {
    type: 'checkout.session.async_payment_failed',
    what: 'that what was paid later failed, and the page with it',
    facts: onPage,
    bring: (payment) => payLater(payment, 'failed'),
    says: tells({ status: 'FAILED', capturedMinor: null, nextAction: null, failure: failedLater }),
  },
  {
    type: 'checkout.session.expired',
    what: 'that a page is over',
    facts: onPage,
    bring: ({ rig, order }) => rig.provider.closePayment(order, patient()),
    says: tells({ status: 'EXPIRED', providerReference: expect.stringMatching(/^cs_/) }),
  },
  {
    type: 'charge.succeeded',
    what: 'nothing that we use',
    facts: embedded,
    bring: (payment) => pay(payment),
    says: ignores('type_not_used'),
  },
  {
    type: 'charge.failed',
    what: 'nothing that we use',
    facts: embedded,
    bring: (payment) => pay(payment, cards.declined),
    says: ignores('type_not_used'),
  },
  {
    type: 'refund.created',
    what: 'of a refund in the console its amount, and the payment by the provider’s id',
    facts: embedded,
    bring: payAndRefundInConsole,
    says: (payment) => ({
      ...{ kind: 'refund', paymentId: null, providerPaymentId: intentIdOf(payment) },
      report: {
        ...{ refundId: null, providerRefundId: expect.stringMatching(/^re_/), status: 'SUCCEEDED', amountMinor: 500n },
      },
    }),
  },
  {
    type: 'refund.created',
    what: 'of a refund of ours our ids',
    facts: embedded,
    bring: payAndRefund,
    says: (payment) => ({
      ...{ kind: 'refund', paymentId: payment.order.paymentId, providerPaymentId: intentIdOf(payment) },
      report: {
        ...{ refundId: expect.stringMatching(/^rfd_/), status: 'SUCCEEDED', amountMinor: 500n, currency: 'EUR' },
      },
    }),
  },
  {
    type: 'refund.failed',
    what: 'that what had gone back came back to us',
    facts: embedded,
    async bring(payment) {
      await pay(payment);
      const { providerRefundId } = await payment.rig.refundInConsole(payment, 500n);
      await payment.rig.sandbox.control(`/control/stripe/refunds/${providerRefundId}/fail`);
    },
    says: () => ({ kind: 'refund', report: { status: 'FAILED', amountMinor: 500n, failure: expect.any(Object) } }),
  },
  {
    type: 'charge.refunded',
    what: 'nothing of a refund, which would count twice',
    facts: embedded,
    bring: payAndRefundInConsole,
    says: ignores('type_not_used'),
  },
];
