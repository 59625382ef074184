import { expect } from 'vitest';
import type { CallbackCase, PaymentState, Says, Started } from './contract-rig.ts';
import { aRefundOf, knowing, patient, query } from './contract-steps.ts';
import { actAtWechat } from './wechatpay-contract-buyer.ts';

const byCode = { flow: 'QR_CODE' } as const;
const onPhone = { flow: 'MOBILE_WEB' } as const;
const inWechat = { flow: 'IN_APP' } as const;
const everyFlow = [byCode, onPhone, inWechat] as const;
const nothing = async (): Promise<void> => undefined;
const pay = (payment: Started) => actAtWechat(payment, 'pay');
const control = ({ rig, order }: Started, act: 'succeed' | 'close') =>
  rig.sandbox.control(`/control/wechatpay/transactions/${order.paymentId}/${act}`);
const buyer = ({ rig, order }: Started, body: object) =>
  rig.sandbox.control(`/control/wechatpay/buyer/${order.paymentId}`, body);
const inFull = 1600n;

async function payAndRefund(payment: Started, amountMinor: bigint): Promise<void> {
  await pay(payment);
  const report = await query(payment);
  const order = knowing(payment.order, report);
  const { rig } = payment;
  await rig.provider.startRefund(aRefundOf({ ...payment, order, report }, { amountMinor }), patient());
  await rig.advance(15_000);
}

async function payAndRefundInConsole(payment: Started, end: 'succeed' | 'fail' | 'close'): Promise<void> {
  await payment.rig.fault({ fault: 'refund_pending_then_succeeded' });
  await pay(payment);
  const { providerRefundId } = await payment.rig.refundInConsole(payment, 300n);
  await payment.rig.sandbox.control(`/control/wechatpay/refunds/${providerRefundId}/${end}`);
}

const sameClosed = (says: PaymentState['says']) => ({ says, whenClosed: says });
const isPaid = {
  ...{ status: 'SUCCEEDED', capturedMinor: inFull, nextAction: null, failure: null },
  providerPaymentId: expect.stringMatching(/^\d{28}$/),
};
const canceled = { whenClosed: { status: 'CANCELED', nextAction: null }, paidAfterwards: 'nothing' } as const;
const waits = { status: 'ACTION_REQUIRED', capturedMinor: null, failure: null };

const waiting: readonly PaymentState[] = [
  ...everyFlow.map(
    (facts): PaymentState => ({
      state: `${facts.flow} that nobody has opened`,
      facts,
      bring: nothing,
      says: waits,
      ...canceled,
    }),
  ),
  ...everyFlow.map(
    (facts): PaymentState => ({
      state: `${facts.flow} whose buyer’s bank declined`,
      facts,
      bring: (payment) => actAtWechat(payment, 'decline'),
      says: waits,
      ...canceled,
    }),
  ),
  {
    state: 'a buyer who is just paying',
    facts: byCode,
    bring: (payment) => buyer(payment, { action: 'open' }),
    says: { status: 'PROCESSING', capturedMinor: null },
    ...canceled,
  },
  {
    state: 'a buyer who walked away',
    facts: byCode,
    async bring(payment) {
      await buyer(payment, { action: 'open' });
      await buyer(payment, { action: 'leave' });
    },
    says: waits,
    ...canceled,
  },
  {
    state: 'an order whose time is up, which does not close it',
    facts: byCode,
    bring: ({ rig }) => rig.advance(31 * 60_000),
    says: waits,
    whenClosed: { status: 'EXPIRED', nextAction: null },
    paidAfterwards: 'nothing',
  },
];

const paid: readonly PaymentState[] = [
  ...everyFlow.map(
    (facts): PaymentState => ({
      state: `${facts.flow} that was paid`,
      facts,
      bring: pay,
      ...sameClosed(isPaid),
    }),
  ),
  {
    state: 'an order that was paid with a coupon, as much as without one',
    facts: byCode,
    bring: (payment) => buyer(payment, { action: 'pay', coupon: 100 }),
    ...sameClosed(isPaid),
  },
  {
    state: 'an order that was paid and given back in part in the console',
    facts: byCode,
    bring: (payment) => payAndRefundInConsole(payment, 'succeed'),
    ...sameClosed(isPaid),
  },
  {
    state: 'an order that was paid and given back whole',
    facts: byCode,
    bring: (payment) => payAndRefund(payment, inFull),
    ...sameClosed(isPaid),
  },
  {
    state: 'an order that was closed and paid in spite of it',
    facts: byCode,
    async bring(payment) {
      await payment.rig.provider.closePayment(payment.order, patient());
      await control(payment, 'succeed');
    },
    ...sameClosed(isPaid),
  },
];

const ended: readonly PaymentState[] = [
  {
    state: 'an order that was closed in the console',
    facts: byCode,
    bring: (payment) => control(payment, 'close'),
    ...sameClosed({ status: 'CANCELED', capturedMinor: null, nextAction: null }),
    paidAfterwards: 'nothing',
  },
  {
    state: 'an order that was closed, and whose time is up since',
    facts: byCode,
    async bring(payment) {
      await control(payment, 'close');
      await payment.rig.advance(31 * 60_000);
    },
    ...sameClosed({ status: 'EXPIRED', capturedMinor: null, nextAction: null }),
    paidAfterwards: 'nothing',
  },
];

/** A bank that takes its time. Closing finds the buyer paying, and ends it. */
const processing: PaymentState = {
  state: 'a bank that takes its time',
  facts: byCode,
  async bring(payment) {
    await payment.rig.fault({ fault: 'processing_then_succeeded', ms: 60_000 });
    await pay(payment);
  },
  says: { status: 'PROCESSING', capturedMinor: null },
  ...canceled,
};

export const wechatpayStates: readonly PaymentState[] = [...waiting, ...paid, ...ended, processing];

const tells = (says: Says): CallbackCase['says'] => {
  return ({ order: { paymentId } }) => ({
    ...{ kind: 'payment', isCreation: false, report: { paymentId, amountMinor: inFull, currency: 'CNY', ...says } },
  });
};
const tellsOfRefund = (refund: object): CallbackCase['says'] => {
  return ({ order: { paymentId } }) => ({
    ...{ kind: 'refund', paymentId, providerPaymentId: expect.stringMatching(/^\d{28}$/) },
    report: { status: 'SUCCEEDED', amountMinor: 300n, currency: 'CNY', failure: null, ...refund },
    payment: { paymentId, status: 'SUCCEEDED', amountMinor: inFull, capturedMinor: inFull },
  });
};
const ours = { refundId: expect.stringMatching(/^rfd_/), providerRefundId: expect.stringMatching(/^\d+$/) };
const byHand = { refundId: null, providerRefundId: expect.stringMatching(/^console/) };

export const wechatpayCallbacks: readonly CallbackCase[] = [
  ...everyFlow.map(
    (facts): CallbackCase => ({
      type: 'TRANSACTION.SUCCESS',
      what: `that ${facts.flow} was paid`,
      facts,
      bring: pay,
      says: tells(isPaid),
    }),
  ),
  {
    type: 'TRANSACTION.SUCCESS',
    what: 'the whole amount where a coupon paid a part',
    facts: byCode,
    bring: (payment) => buyer(payment, { action: 'pay', coupon: 100 }),
    says: tells(isPaid),
  },
  {
    type: 'TRANSACTION.SUCCESS',
    what: 'that money came after closing',
    facts: byCode,
    async bring(payment) {
      await payment.rig.provider.closePayment(payment.order, patient());
      await control(payment, 'succeed');
    },
    says: tells(isPaid),
  },
  ...everyFlow.map(
    (facts): CallbackCase => ({
      type: 'REFUND.SUCCESS',
      what: `that a part of ${facts.flow} went back`,
      facts,
      bring: (payment) => payAndRefund(payment, 300n),
      says: tellsOfRefund(ours),
    }),
  ),
  {
    type: 'REFUND.SUCCESS',
    what: 'that all went back',
    facts: byCode,
    bring: (payment) => payAndRefund(payment, inFull),
    says: tellsOfRefund({ ...ours, amountMinor: inFull }),
  },
  {
    type: 'REFUND.SUCCESS',
    what: 'that a part was given back in the console',
    facts: byCode,
    bring: (payment) => payAndRefundInConsole(payment, 'succeed'),
    says: tellsOfRefund(byHand),
  },
  {
    type: 'REFUND.ABNORMAL',
    what: 'that the buyer’s card took no money back',
    facts: byCode,
    bring: (payment) => payAndRefundInConsole(payment, 'fail'),
    says: tellsOfRefund({ ...byHand, status: 'PENDING', failure: expect.objectContaining({ reason: 'abnormal' }) }),
  },
  {
    type: 'REFUND.CLOSED',
    what: 'that the money stays',
    facts: byCode,
    bring: (payment) => payAndRefundInConsole(payment, 'close'),
    says: tellsOfRefund({ ...byHand, status: 'FAILED', failure: expect.objectContaining({ reason: 'closed' }) }),
  },
];
