import { expect } from 'vitest';
import type { PaymentState, Started } from './contract-rig.ts';
import { failedLater, payByCard, payLater, pressOnPage, stripeOf } from './stripe-contract-buyer.ts';

export const embedded = { flow: 'EMBEDDED' } as const;
export const onPage = { flow: 'REDIRECT' } as const;
export const held = { captureMode: 'MANUAL' } as const;
export const nothing = async (): Promise<void> => undefined;
export const intentIdOf = ({ report }: Started): string => report.providerPaymentId ?? '';
export const control = (payment: Started, act: string, body: object = {}) =>
  payment.rig.sandbox.control(`/control/stripe/payment_intents/${intentIdOf(payment)}/${act}`, body);
export const pay = (payment: Started, card = 'pm_card_visa') => payByCard(payment, card);
const expire = (payment: Started) => stripeOf(payment).checkout.sessions.expire(payment.report.providerReference ?? '');

export const cards = {
  declined: 'pm_card_chargeDeclined',
  insufficientFunds: 'pm_card_chargeDeclinedInsufficientFunds',
  threeDSecure: 'pm_card_authenticationRequired',
};

const canceled = { whenClosed: { status: 'CANCELED', nextAction: null }, paidAfterwards: 'nothing' } as const;
const expired = { whenClosed: { status: 'EXPIRED', nextAction: null }, paidAfterwards: 'nothing' } as const;
const sameClosed = (says: PaymentState['says']) => ({ says, whenClosed: says });
const form = expect.objectContaining({ kind: 'CONFIRM_CARD' });
const page = expect.objectContaining({ kind: 'REDIRECT' });

const open: readonly PaymentState[] = [
  {
    state: 'a card form that nobody has filled in',
    facts: embedded,
    bring: nothing,
    says: { status: 'ACTION_REQUIRED', failure: null, nextAction: form },
    ...canceled,
  },
  {
    state: 'a declined card',
    facts: embedded,
    bring: (payment) => pay(payment, cards.declined),
    says: {
      status: 'ACTION_REQUIRED',
      failure: {
        ...{ reason: 'card_declined', message: 'Your card was declined.', providerCode: 'generic_decline' },
        attempt: expect.stringMatching(/^ch_/),
      },
      nextAction: form,
    },
    ...canceled,
  },
  {
    state: 'a card without funds',
    facts: embedded,
    bring: (payment) => pay(payment, cards.insufficientFunds),
    says: { status: 'ACTION_REQUIRED', failure: expect.objectContaining({ reason: 'insufficient_funds' }) },
    ...canceled,
  },
  {
    state: 'a card that is expired',
    facts: embedded,
    bring: (payment) => pay(payment, 'pm_card_chargeDeclinedExpiredCard'),
    says: { status: 'ACTION_REQUIRED', failure: expect.objectContaining({ reason: 'expired_card' }) },
    ...canceled,
  },
  {
    state: 'a card with a wrong code',
    facts: embedded,
    bring: (payment) => pay(payment, 'pm_card_chargeDeclinedIncorrectCvc'),
    says: { status: 'ACTION_REQUIRED', failure: expect.objectContaining({ reason: 'incorrect_cvc' }) },
    ...canceled,
  },
  {
    state: 'a bank that asks the buyer',
    facts: embedded,
    bring: (payment) => pay(payment, cards.threeDSecure),
    says: { status: 'ACTION_REQUIRED', failure: null },
    ...canceled,
  },
  {
    state: 'a page that nobody has visited',
    facts: onPage,
    bring: nothing,
    says: { status: 'ACTION_REQUIRED', providerPaymentId: null, nextAction: page },
    ...expired,
  },
  {
    state: 'a page where a card was declined',
    facts: onPage,
    bring: (payment) => pressOnPage(payment, 'decline'),
    says: {
      status: 'ACTION_REQUIRED',
      providerPaymentId: expect.stringMatching(/^pi_/),
      failure: expect.objectContaining({ reason: 'card_declined' }),
      nextAction: page,
    },
    ...expired,
  },
];

const authorized: readonly PaymentState[] = [
  {
    state: 'a card that is held',
    facts: { ...embedded, ...held },
    bring: (payment) => pay(payment),
    says: { status: 'AUTHORIZED', capturedMinor: null },
    ...canceled,
  },
  {
    state: 'a card that is held by a page',
    facts: { ...onPage, ...held },
    bring: (payment) => pressOnPage(payment, 'pay'),
    says: { status: 'AUTHORIZED', capturedMinor: null, providerPaymentId: expect.any(String) },
    ...canceled,
  },
];

const paid: readonly PaymentState[] = [
  {
    state: 'a card that paid',
    facts: embedded,
    bring: (payment) => pay(payment),
    ...sameClosed({ status: 'SUCCEEDED', capturedMinor: 1000n, nextAction: null, failure: null }),
  },
  {
    state: 'a card that paid after another was declined',
    facts: embedded,
    async bring(payment) {
      await pay(payment, cards.declined);
      await pay(payment);
    },
    ...sameClosed({ status: 'SUCCEEDED', capturedMinor: 1000n, failure: null }),
  },
  {
    state: 'a hold that was captured in part',
    facts: { ...embedded, ...held },
    async bring(payment) {
      await pay(payment);
      await stripeOf(payment).paymentIntents.capture(intentIdOf(payment), { amount_to_capture: 600 });
    },
    ...sameClosed({ status: 'SUCCEEDED', amountMinor: 1000n, capturedMinor: 600n }),
  },
  {
    state: 'a page that was paid',
    facts: onPage,
    bring: (payment) => pressOnPage(payment, 'pay'),
    ...sameClosed({
      ...{ status: 'SUCCEEDED', capturedMinor: 1000n, nextAction: null },
      ...{ providerPaymentId: expect.stringMatching(/^pi_/), providerReference: expect.stringMatching(/^cs_/) },
    }),
  },
  {
    state: 'a form that was canceled and paid in spite of it',
    facts: embedded,
    async bring(payment) {
      await stripeOf(payment).paymentIntents.cancel(intentIdOf(payment));
      await control(payment, 'succeed');
    },
    ...sameClosed({ status: 'SUCCEEDED', capturedMinor: 1000n }),
  },
];

const ended: readonly PaymentState[] = [
  {
    state: 'a form that was canceled',
    facts: embedded,
    bring: (payment) => stripeOf(payment).paymentIntents.cancel(intentIdOf(payment)),
    ...sameClosed({ status: 'CANCELED', capturedMinor: null, nextAction: null }),
    paidAfterwards: 'nothing',
  },
  {
    state: 'a hold that lapsed',
    facts: { ...embedded, ...held },
    async bring(payment) {
      await pay(payment);
      await control(payment, 'lapse');
    },
    ...sameClosed({ status: 'EXPIRED', capturedMinor: null }),
    paidAfterwards: 'nothing',
  },
  {
    state: 'a page that expired',
    facts: onPage,
    bring: expire,
    ...sameClosed({ status: 'EXPIRED', nextAction: null }),
    paidAfterwards: 'nothing',
  },
  {
    state: 'a page that expired by the clock',
    facts: onPage,
    bring: ({ rig }) => rig.advance(24 * 3_600_000),
    ...sameClosed({ status: 'EXPIRED', nextAction: null }),
    paidAfterwards: 'nothing',
  },
  {
    state: 'a page that expired after a declined card',
    facts: onPage,
    async bring(payment) {
      await pressOnPage(payment, 'decline');
      await expire(payment);
    },
    ...sameClosed({ status: 'EXPIRED', nextAction: null }),
    paidAfterwards: 'nothing',
  },
];

/** A bank that takes its time is waited for. */
export const processing: PaymentState = {
  state: 'a bank that takes its time',
  facts: embedded,
  async bring(payment) {
    await payment.rig.fault({ fault: 'processing_then_succeeded' });
    await pay(payment);
  },
  says: { status: 'PROCESSING', capturedMinor: null },
  whenClosed: { status: 'PROCESSING' },
};

/** By a method that is settled days later, the page being complete since. */
const failedLaterOnPage: PaymentState = {
  state: 'a page that was complete, and whose bank refused later',
  facts: onPage,
  bring: (payment) => payLater(payment, 'failed'),
  says: { status: 'FAILED', capturedMinor: null, nextAction: null, failure: failedLater },
  whenClosed: { status: 'FAILED', nextAction: null },
  paidAfterwards: 'nothing',
};

export const stripeStates: readonly PaymentState[] = [
  ...open,
  ...authorized,
  ...paid,
  ...ended,
  processing,
  failedLaterOnPage,
];
