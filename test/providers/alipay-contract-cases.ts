import { expect } from 'vitest';
import { actAtAlipay } from './alipay-contract-buyer.ts';
import type { CallbackCase, PaymentState, Says, Started } from './contract-rig.ts';
import { aRefundOf, knowing, patient, query } from './contract-steps.ts';

const onPage = { flow: 'REDIRECT' } as const;
const onPhone = { flow: 'MOBILE_WEB' } as const;
const byCode = { flow: 'QR_CODE' } as const;
const nothing = async (): Promise<void> => undefined;
const open = (payment: Started) => actAtAlipay(payment, 'scan');
const pay = (payment: Started) => actAtAlipay(payment, 'pay');
const control = ({ rig, order }: Started, act: 'succeed' | 'finish' | 'close') =>
  rig.sandbox.control(`/control/alipay/trades/${order.paymentId}/${act}`);
const inFull = 1600n;

async function payAndRefund(payment: Started, amountMinor: bigint): Promise<void> {
  await pay(payment);
  const report = await query(payment);
  const order = knowing(payment.order, report);
  await payment.rig.provider.startRefund(aRefundOf({ ...payment, order, report }, { amountMinor }), patient());
}

async function payAndRefundInConsole(payment: Started, amountMinor: bigint): Promise<void> {
  await pay(payment);
  await payment.rig.refundInConsole(payment, amountMinor);
}

const sameClosed = (says: PaymentState['says']) => ({ says, whenClosed: says });
const isPaid = {
  ...{ status: 'SUCCEEDED', capturedMinor: inFull, nextAction: null, failure: null },
  providerPaymentId: expect.stringMatching(/^\d{28}$/),
};
const canceled = { whenClosed: { status: 'CANCELED', nextAction: null }, paidAfterwards: 'nothing' } as const;
const named = { providerPaymentId: expect.stringMatching(/^\d{28}$/) };
const page = expect.objectContaining({ kind: 'REDIRECT' });

/** Nobody can close what is not there yet, and whoever holds the link or the code can still pay. */
const unopened: readonly PaymentState[] = [onPage, onPhone, byCode].map((facts) => ({
  state: `${facts.flow} that nobody has opened`,
  facts,
  bring: nothing,
  ...sameClosed('payable'),
  paidAfterwards: 'all',
}));

const waiting: readonly PaymentState[] = [
  ...[onPage, onPhone, byCode].map(
    (facts): PaymentState => ({
      state: `${facts.flow} that was opened`,
      facts,
      bring: open,
      says: { ...named, status: 'ACTION_REQUIRED', failure: null, nextAction: facts.flow === 'QR_CODE' ? null : page },
      ...canceled,
    }),
  ),
  {
    state: 'a page where the balance was not sufficient',
    facts: onPage,
    bring: (payment) => actAtAlipay(payment, 'decline'),
    says: { ...named, status: 'ACTION_REQUIRED', capturedMinor: null, nextAction: page },
    ...canceled,
  },
];

const paid: readonly PaymentState[] = [
  ...[onPage, onPhone, byCode].map(
    (facts): PaymentState => ({
      state: `${facts.flow} that was paid`,
      facts,
      bring: pay,
      ...sameClosed(isPaid),
    }),
  ),
  {
    state: 'a trade that was paid and is finished',
    facts: onPage,
    async bring(payment) {
      await pay(payment);
      await control(payment, 'finish');
    },
    ...sameClosed(isPaid),
  },
  {
    state: 'a trade that was paid and given back in part in the console',
    facts: onPage,
    bring: (payment) => payAndRefundInConsole(payment, 300n),
    ...sameClosed(isPaid),
  },
  {
    state: 'a trade that was paid and given back whole in the console',
    facts: onPage,
    bring: (payment) => payAndRefundInConsole(payment, inFull),
    ...sameClosed(isPaid),
  },
  {
    state: 'a trade that was closed and paid in spite of it',
    facts: byCode,
    async bring(payment) {
      await open(payment);
      await payment.rig.provider.closePayment(payment.order, patient());
      await control(payment, 'succeed');
    },
    ...sameClosed(isPaid),
  },
  {
    state: 'a trade that was paid and whose time is up since',
    facts: onPage,
    async bring(payment) {
      await pay(payment);
      await payment.rig.advance(3_600_000);
    },
    ...sameClosed(isPaid),
  },
];

const ended: readonly PaymentState[] = [
  {
    state: 'a trade that was closed in the console',
    facts: onPage,
    async bring(payment) {
      await open(payment);
      await control(payment, 'close');
    },
    ...sameClosed({ status: 'CANCELED', capturedMinor: null, nextAction: null }),
    paidAfterwards: 'nothing',
  },
  ...[onPage, onPhone, byCode].map(
    (facts): PaymentState => ({
      state: `${facts.flow} that was opened and not paid in time`,
      facts,
      async bring(payment) {
        await open(payment);
        await payment.rig.advance(31 * 60_000);
      },
      ...sameClosed({ status: 'EXPIRED', capturedMinor: null, nextAction: null }),
      paidAfterwards: 'nothing',
    }),
  ),
  ...[onPage, onPhone, byCode].map(
    (facts): PaymentState => ({
      state: `${facts.flow} that nobody opened in time`,
      facts,
      bring: ({ rig }) => rig.advance(31 * 60_000),
      ...sameClosed('gone'),
      paidAfterwards: 'nothing',
    }),
  ),
];

export const alipayStates: readonly PaymentState[] = [...unopened, ...waiting, ...paid, ...ended];

const tells = (says: Says): CallbackCase['says'] => {
  return ({ order: { paymentId } }) => ({
    ...{ kind: 'payment', isCreation: false, report: { paymentId, amountMinor: inFull, currency: 'CNY', ...says } },
  });
};
/** A refund, and with it that the payment was paid. The amount is not told: only the sum of all refunds is. */
const tellsOfRefund = (refund: object): CallbackCase['says'] => {
  return ({ order: { paymentId } }) => ({
    ...{ kind: 'refund', paymentId, providerPaymentId: expect.stringMatching(/^\d{28}$/) },
    report: { status: 'SUCCEEDED', amountMinor: null, failure: null, ...refund },
    payment: { paymentId, status: 'SUCCEEDED', amountMinor: inFull, capturedMinor: inFull },
  });
};
const ours = { refundId: expect.stringMatching(/^rfd_/) };
const byHand = { refundId: null, providerRefundId: expect.stringMatching(/^HZ/) };

export const alipayCallbacks: readonly CallbackCase[] = [
  {
    type: 'trade_status_sync.TRADE_SUCCESS',
    what: 'in GBK that a payment with a Chinese name was paid',
    facts: { ...onPage, description: '两张票 誠乗乕 100%' },
    async bring(payment) {
      await payment.rig.fault({ target: 'callback', fault: 'gbk', times: 9 });
      await pay(payment);
    },
    says: tells(isPaid),
  },
  ...[onPage, onPhone, byCode].map(
    (facts): CallbackCase => ({
      type: 'trade_status_sync.TRADE_SUCCESS',
      what: `that ${facts.flow} was paid`,
      facts,
      bring: pay,
      says: tells(isPaid),
    }),
  ),
  ...[onPage, onPhone, byCode].map(
    (facts): CallbackCase => ({
      type: 'trade_status_sync.TRADE_SUCCESS',
      what: `that a part of ${facts.flow} went back, and not that it was paid again`,
      facts,
      bring: (payment) => payAndRefund(payment, 300n),
      says: tellsOfRefund(ours),
    }),
  ),
  {
    type: 'trade_status_sync.TRADE_SUCCESS',
    what: 'that a part was given back in the console',
    facts: onPage,
    bring: (payment) => payAndRefundInConsole(payment, 300n),
    says: tellsOfRefund(byHand),
  },
  {
    type: 'trade_status_sync.TRADE_CLOSED',
    what: 'that all went back, and not that it was never paid',
    facts: onPhone,
    bring: (payment) => payAndRefund(payment, inFull),
    says: tellsOfRefund(ours),
  },
  {
    type: 'trade_status_sync.TRADE_CLOSED',
    what: 'that all was given back in the console',
    facts: onPhone,
    bring: (payment) => payAndRefundInConsole(payment, inFull),
    says: tellsOfRefund(byHand),
  },
  {
    type: 'trade_status_sync.TRADE_CLOSED',
    what: 'that nobody paid in time',
    facts: onPhone,
    async bring(payment) {
      await open(payment);
      await payment.rig.advance(31 * 60_000);
    },
    says: tells({ status: 'EXPIRED', capturedMinor: null }),
  },
  {
    type: 'trade_status_sync.TRADE_FINISHED',
    what: 'that what was paid cannot be given back any more',
    facts: onPhone,
    async bring(payment) {
      await pay(payment);
      await control(payment, 'finish');
    },
    says: tells(isPaid),
  },
  {
    type: 'trade_status_sync.TRADE_FINISHED',
    what: 'that what cannot be given back was paid',
    facts: onPhone,
    async bring(payment) {
      await open(payment);
      await control(payment, 'finish');
    },
    says: tells(isPaid),
  },
];
