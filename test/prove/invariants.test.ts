import { expect, test } from 'vitest';
import type { AlipayLedger } from '../../sandbox/alipay/ledger-report.ts';
import { History } from './history.ts';
import { findLostWebhooks, findWebhooksOutOfSequence } from './hook-invariants.ts';
import { findDifferencesFromLedger, findDoubles, findFailuresWithoutWord, findOpenAtEnd } from './ledger-invariants.ts';
import { type LedgerView, viewOfAlipay, viewOfStripe, viewOfWechatpay } from './ledger-view.ts';
import { findMisheard, findRowsThatEventsDoNotTell } from './log-invariants.ts';
import {
  findAmountsOutOfBounds,
  findClosedOrdersWithMoney,
  findForgottenLateMoney,
  findMoneyWithoutPlace,
  findSurplusKept,
  findWrongSums,
} from './money-invariants.ts';
import type { DeliveryRow, EventRow, Snapshot } from './rows.ts';
import { findWrongSales } from './sales-invariants.ts';
import {
  findAppliedWithoutTrace,
  findBelievedForgeries,
  findForgotten,
  findKeysWithTwoMeanings,
  findLostCallbacks,
  findUnreviewed,
  type KeyedCall,
} from './traffic-invariants.ts';

const at = new Date('2030-01-01T00:00:00.000Z');

const order = {
  id: 'ord_1',
  currency: 'EUR',
  status: 'CONFIRMED',
  paymentStatus: 'PAID',
  version: 2,
  dueAt: null,
  reviewReasons: [],
} as const;
const payment = {
  id: 'pay_1',
  orderId: 'ord_1',
  currency: 'EUR',
  status: 'SUCCEEDED',
  checkAt: at,
  amountMinor: 500n,
  authorizedMinor: 500n,
  capturedMinor: 500n,
  refundedMinor: 100n,
  reservedMinor: 0n,
  appliedMinor: 500n,
  surplusMinor: 0n,
  quarantinedMinor: 0n,
  failureReason: null,
  failureProviderCode: null,
  evidenceReceivedAt: null,
  expiresAt: at,
} as const;
const refund = {
  id: 'rfd_1',
  orderId: 'ord_1',
  paymentId: 'pay_1',
  currency: 'EUR',
  status: 'SUCCEEDED',
  origin: 'REQUESTED',
  amountMinor: 100n,
  providerRefundId: 're_1',
  checkAt: null,
} as const;
const total = {
  currency: 'eur',
  paymentIntents: 1,
  charges: 1,
  authorized: 0,
  captured: 500,
  refunded: 100,
  refundPending: 0,
};
const intent = { id: 'pi_1', status: 'succeeded', metadata: { payment_id: 'pay_1' } };
const providerRefund = {
  id: 're_1',
  amount: 100,
  currency: 'eur',
  status: 'succeeded',
  metadata: { refund_id: 'rfd_1' },
  origin: 'API',
} as const;
const stripe = {
  paymentIntents: [intent],
  checkoutSessions: [],
  refunds: [providerRefund],
  totals: { pay_1: total },
};
const ledger: LedgerView = viewOfStripe(stripe);
const unpaidLedger = viewOfStripe({ ...stripe, paymentIntents: [{ ...intent, status: 'requires_action' }] });
const yuan = { currency: 'cny', charges: 1, captured: 500, refunded: 100, refundPending: 0 } as const;
const trade: AlipayLedger['trades'][number] = {
  ...{ outTradeNo: 'pay_1', tradeNo: '2030', status: 'TRADE_SUCCESS', product: 'qr', amount: 500, subject: 'Cup' },
  ...{ charges: 1, refunded: 100, paidAt: '2030-01-01T00:00:00.000Z', closedAt: null },
};
const ofAlipay = { id: 'pay_1/rfd_1', outTradeNo: 'pay_1', outRequestNo: 'rfd_1', amount: 100 } as const;
const byHand = { ...ofAlipay, id: 'pay_1/HZ1', outRequestNo: 'HZ1', status: 'succeeded', origin: 'PROVIDER' } as const;
const alipay: AlipayLedger = {
  trades: [trade],
  refunds: [{ ...ofAlipay, status: 'succeeded', origin: 'API' }],
  totals: { pay_1: { ...yuan, trades: 1 } },
};
const wechatRefund = { id: '503', outRefundNo: 'rfd_1', outTradeNo: 'pay_1', amount: 100, reason: null } as const;
const wechatpay = {
  transactions: [{ out_trade_no: 'pay_1', trade_state: 'REFUND', transaction_id: '4200' }],
  refunds: [{ ...wechatRefund, status: 'SUCCESS', origin: 'API' }],
  totals: { pay_1: { ...yuan, transactions: 1 } },
} as const;
const neverAsked = () => false;
const delivery = {
  ...{ id: '1', eventId: 'evt_1', eventType: 'payment_intent.succeeded', status: 'APPLIED', reason: null },
  ...{ paymentId: 'pay_1', receivedAt: at, applyAt: null, body: Buffer.from('{"amount": 600}') },
} as const satisfies DeliveryRow;
const sent = { provider: 'stripe', eventId: 'evt_1', type: '', state: 'delivered' } as const;
const call: KeyedCall = {
  ...{ operation: 'payOrder', key: 'k', input: '{}', beganAt: 1, endedAt: 2, answer: { kind: 'done', id: 'pay_1' } },
};
const key = { operation: 'payOrder', key: 'k', resultId: 'pay_1' };
const made = { orders: [], payments: [payment], refunds: [] };

const event = (sequence: number, changes: object) =>
  ({
    ...{ id: `evt_${sequence}`, orderId: 'ord_1', sequence, epoch: 1, xid: BigInt(sequence), pos: BigInt(sequence) },
    ...{ type: 'PAYMENT_STARTED', orderStatus: order.status, orderPaymentStatus: order.paymentStatus, changes },
  }) as unknown as EventRow; // only the columns that the checks read
const historyOf = (...events: EventRow[]): History => {
  const history = new History();
  history.append(events, () => {});
  return history;
};
const { status, paymentStatus, version, dueAt, ...orderFacts } = order;
const paymentFacts = { ...payment, checkAt: undefined };
const created = event(1, { order: { ...orderFacts, status } });
const started = event(2, { payment: { ...paymentFacts, checkAt: null } });
const snapshot = { orders: [order], payments: [payment], refunds: [], keys: [] } as unknown as Snapshot;
const following = { name: 'a subscriber', orderId: null, types: null, after: { epoch: 0, xid: 0n, pos: 0n } };

test('nothing is found where everything holds', () => {
  expect([
    ...findAmountsOutOfBounds([order], [payment], [refund]),
    ...findDifferencesFromLedger([payment], [refund], ledger, neverAsked),
    ...findMoneyWithoutPlace([payment]),
    ...findDoubles(ledger),
    ...findKeysWithTwoMeanings([call, { ...call, beganAt: 3, endedAt: 4 }], [key], made),
    ...findLostCallbacks([{ eventId: 'evt_1', status: 200 }], [delivery]),
    ...findRowsThatEventsDoNotTell(historyOf(created, started), snapshot),
    ...findClosedOrdersWithMoney([order], [payment], () => false),
    ...findForgottenLateMoney([order], [payment]),
    ...findForgotten([order], [payment], [refund]),
    ...findMisheard(following, [created, started], [created, started], true),
    ...findFailuresWithoutWord([payment], [refund], ledger, []),
    ...findOpenAtEnd([order], [payment], ledger, []),
    ...findSurplusKept([order], [payment], [refund], () => false),
  ]).toEqual([]);
});

test('nothing is found where everything holds at Alipay and WeChat Pay', () => {
  const held = [{ ...payment, currency: 'CNY' }];
  const atAlipay = [{ ...refund, currency: 'CNY', providerRefundId: 'rfd_1' }];
  const atWechatpay = [{ ...refund, currency: 'CNY', providerRefundId: '503' }];
  expect([
    ...findDifferencesFromLedger(held, atAlipay, viewOfAlipay(alipay), neverAsked),
    ...findDifferencesFromLedger(held, atWechatpay, viewOfWechatpay(wechatpay), neverAsked),
    ...findDoubles(viewOfAlipay(alipay)),
    ...findDoubles(viewOfWechatpay(wechatpay)),
  ]).toEqual([]);
});

test('what went back unheard in the console of Alipay is excused once a person was asked, and not before', () => {
  const view = viewOfAlipay({
    ...alipay,
    trades: [{ ...trade, status: 'TRADE_CLOSED' }],
    refunds: [...alipay.refunds, byHand],
    totals: { pay_1: { ...yuan, trades: 1, refunded: 200 } },
  });
  const ours = [{ ...refund, providerRefundId: 'rfd_1' }];
  expect(findDifferencesFromLedger([payment], ours, view, () => true)).toEqual([]);
  expect(findDifferencesFromLedger([payment], ours, view, neverAsked)).not.toEqual([]);
});

test('a link that nobody has opened is not open, and what was opened is', () => {
  const opened = viewOfAlipay({ ...alipay, trades: [{ ...trade, status: 'WAIT_BUYER_PAY', paidAt: null }] });
  const unopened = viewOfAlipay({ trades: [], refunds: [], totals: {} });
  const ended = [{ ...order, status: 'CANCELED' }] as const;
  expect(findOpenAtEnd(ended, [payment], unopened, [])).toEqual([]);
  expect(findOpenAtEnd(ended, [payment], opened, [])).not.toEqual([]);
  const unknownThere = { about: 'pay_1', kind: 'change', outcome: 'unknownThere' } as const;
  expect(findOpenAtEnd(ended, [payment], opened, [unknownThere])).toEqual([]);
});

test.each<[invariant: number, what: string, problems: readonly string[]]>([
  [1, 'more refunded than captured', findAmountsOutOfBounds([order], [{ ...payment, refundedMinor: 600n }], [])],
  [1, 'an amount set aside by nobody', findAmountsOutOfBounds([order], [{ ...payment, reservedMinor: 1n }], [refund])],
  [1, 'refunds at once beyond the payment', findAmountsOutOfBounds([order], [{ ...payment, reservedMinor: 450n }], [])],
  [1, 'two currencies', findAmountsOutOfBounds([order], [payment], [{ ...refund, currency: 'USD' }])],
  [1, 'a wrong sum', findWrongSums([{ ...payment, id: 'ord_1', refundedMinor: 0n }], [payment])],
  [
    2,
    'money we do not know of',
    findDifferencesFromLedger([{ ...payment, capturedMinor: 0n }], [refund], ledger, neverAsked),
  ],
  [2, 'another status', findDifferencesFromLedger([{ ...payment, status: 'CANCELED' }], [refund], ledger, neverAsked)],
  [2, 'a refund we do not know of', findDifferencesFromLedger([payment], [], ledger, neverAsked)],
  [
    2,
    'a refund of another amount',
    findDifferencesFromLedger([payment], [{ ...refund, amountMinor: 90n }], ledger, neverAsked),
  ],
  [
    2,
    'a refund that nobody made',
    findDifferencesFromLedger([payment], [refund], { ...ledger, refunds: [] }, neverAsked),
  ],
  [2, 'what can still be paid', findDifferencesFromLedger([payment], [refund], unpaidLedger, neverAsked)],
  [
    2,
    'a trade of Alipay that waits for its buyer',
    findDifferencesFromLedger(
      [{ ...payment, status: 'CANCELED', authorizedMinor: 0n, capturedMinor: 0n, refundedMinor: 0n }],
      [],
      viewOfAlipay({ trades: [{ ...trade, status: 'WAIT_BUYER_PAY', paidAt: null }], refunds: [], totals: {} }),
      neverAsked,
    ),
  ],
  [
    2,
    'an abnormal refund that is called over',
    findDifferencesFromLedger(
      [{ ...payment, refundedMinor: 0n }],
      [{ ...refund, status: 'FAILED', providerRefundId: '503' }],
      viewOfWechatpay({
        ...wechatpay,
        refunds: [{ ...wechatRefund, status: 'ABNORMAL', origin: 'API' }],
        totals: { pay_1: { ...yuan, transactions: 1, refunded: 0 } },
      }),
      neverAsked,
    ),
  ],
  [3, 'captured money without a place', findMoneyWithoutPlace([{ ...payment, appliedMinor: 400n }])],
  [4, 'two charges', findDoubles(viewOfStripe({ ...stripe, totals: { pay_1: { ...total, charges: 2 } } }))],
  [
    4,
    'one refund made twice',
    findDoubles(viewOfStripe({ ...stripe, refunds: [providerRefund, { ...providerRefund, id: 're_2' }] })),
  ],
  [4, 'two answers', findKeysWithTwoMeanings([{ ...call, answer: { kind: 'done', id: 'pay_2' } }], [key], made)],
  [4, 'other input accepted', findKeysWithTwoMeanings([call, { ...call, input: '{"a":1}', beganAt: 3 }], [key], made)],
  [
    4,
    'done, and refused later',
    findKeysWithTwoMeanings(
      [call, { ...call, beganAt: 3, answer: { kind: 'refused', code: 'ORDER_NOT_PAYABLE', id: null, message: '' } }],
      [key],
      made,
    ),
  ],
  [4, 'a payment without a key', findKeysWithTwoMeanings([], [], made)],
  [4, 'a key without a payment', findKeysWithTwoMeanings([], [key], { ...made, payments: [] })],
  [5, 'acknowledged and lost', findLostCallbacks([{ eventId: 'evt_1', status: 200 }], [])],
  [5, 'kept twice', findLostCallbacks([{ eventId: 'evt_1', status: 200 }], [delivery, delivery])],
  [
    5,
    'never applied',
    findLostCallbacks([{ eventId: 'evt_1', status: 200 }], [{ ...delivery, status: 'PENDING', applyAt: at }]),
  ],
  [
    5,
    'ignored for no reason',
    findLostCallbacks([{ eventId: 'evt_1', status: 200 }], [{ ...delivery, status: 'IGNORED' }]),
  ],
  [
    5,
    'a forgery acknowledged',
    findBelievedForgeries([{ ...sent, spoiled: 'forge', attempts: [{ status: 200 }] }], [delivery]),
  ],
  [
    5,
    'a wrong amount applied',
    findBelievedForgeries([{ ...sent, spoiled: 'wrong_amount', attempts: [] }], [delivery]),
  ],
  [
    5,
    'an unknown status applied',
    findBelievedForgeries([{ ...sent, spoiled: 'unknown_status', attempts: [] }], [delivery]),
  ],
  [
    5,
    'an unreadable callback that nobody looks at',
    findUnreviewed([{ ...delivery, status: 'REVIEW', reason: 'unreadable' }], [payment], [started]),
  ],
  [5, 'applied without a trace', findAppliedWithoutTrace([delivery], [started])],
  [6, 'a gap', findRowsThatEventsDoNotTell(historyOf(created, { ...started, sequence: 3 }), snapshot)],
  [6, 'a change without an event', findRowsThatEventsDoNotTell(historyOf(created), snapshot)],
  [
    6,
    'a field that differs',
    findRowsThatEventsDoNotTell(
      historyOf(created, event(2, { payment: { ...paymentFacts, capturedMinor: 1n } })),
      snapshot,
    ),
  ],
  [
    7,
    'a canceled order with money',
    findClosedOrdersWithMoney([{ ...order, status: 'CANCELED' }], [payment], () => false),
  ],
  [
    7,
    'late money that nobody decides about',
    findForgottenLateMoney(
      [order],
      [{ ...payment, appliedMinor: 0n, refundedMinor: 0n, quarantinedMinor: payment.capturedMinor }],
    ),
  ],
  [8, 'nobody will ask', findForgotten([order], [{ ...payment, status: 'UNKNOWN', checkAt: null }], [])],
  [8, 'a refund that nobody asks about', findForgotten([order], [payment], [{ ...refund, status: 'PENDING' }])],
  [8, 'an order without an end', findForgotten([{ ...order, status: 'OPEN' }], [], [])],
  [8, 'a close that waits for nothing', findForgotten([{ ...order, status: 'CLOSING' }], [payment], [])],
  [9, 'a gap', findMisheard(following, [started], [created, started], true)],
  [9, 'a repeat', findMisheard(following, [created, created], [created, started], true)],
  [9, 'too little', findMisheard(following, [created], [created, started], true)],
  [11, 'failed by nobody’s word', findFailuresWithoutWord([{ ...payment, status: 'FAILED' }], [], ledger, [])],
  [12, 'an end that can still be paid', findOpenAtEnd([order], [payment], unpaidLedger, [])],
  [
    13,
    'a surplus kept',
    findSurplusKept([order], [{ ...payment, appliedMinor: 0n, surplusMinor: 500n }], [], () => false),
  ],
])('invariant %i catches %s', (_invariant, _what, problems) => {
  expect(problems).not.toEqual([]);
});

const told = (sequence: number, isAcknowledged = true) => ({
  id: `evt_${sequence}`,
  orderId: 'ord_1',
  sequence,
  isAcknowledged,
});
const logged = [1, 2, 3].map((sequence) => ({
  id: `evt_${sequence}`,
  orderId: 'ord_1',
  sequence,
  type: 'ORDER_CREATED' as const,
}));
const endpointOf = (requests: ReturnType<typeof told>[], ordered = true) => [
  { id: 'whe_1', ordered, types: null, requests },
];

test('15: an ordered endpoint gets no event before it has acknowledged the earlier ones of the order', () => {
  expect(findWebhooksOutOfSequence(endpointOf([told(1), told(1), told(2), told(1), told(3)]), logged)).toEqual([]);
  expect(findWebhooksOutOfSequence(endpointOf([told(1, false), told(2)]), logged)).toHaveLength(1);
  expect(findWebhooksOutOfSequence(endpointOf([told(1), told(3)]), logged)).toHaveLength(1);
  expect(findWebhooksOutOfSequence(endpointOf([told(3), told(1, false), told(2)], false), logged)).toEqual([]);
  expect(findWebhooksOutOfSequence(endpointOf([told(4)], false), logged)).toHaveLength(1);
});

test('15: in the end every event is acknowledged', () => {
  expect(findLostWebhooks(endpointOf([told(1), told(2), told(3)]), logged)).toEqual([]);
  expect(findLostWebhooks(endpointOf([told(1), told(2), told(3, false)]), logged)).toHaveLength(1);
});

test('a sum of sales that differs from the rows is found, and one that is missing', () => {
  const sold = { ...payment, method: 'CARD', createdAt: at, succeededAt: at } as const;
  const back = { ...refund, succeededAt: at } as const;
  const sums = { started: 1, succeeded: 1, failed: 0, capturedMinor: 500n, refundedMinor: 100n };
  const row = { ...sums, quarter: at.toISOString(), method: 'CARD', currency: 'EUR' };
  expect(findWrongSales([row], [sold], [back])).toEqual([]);
  expect(findWrongSales([], [], [])).toEqual([]);
  expect(findWrongSales([row, row], [sold], [back])).toHaveLength(4);
  expect(findWrongSales([], [sold], [back])).toHaveLength(4);
  expect(findWrongSales([{ ...row, capturedMinor: 501n }], [sold], [back])).toEqual([
    expect.stringMatching(/capturedMinor of CARD in EUR .* is 501, the rows sum up to 500/),
  ]);
  expect(
    findWrongSales(
      [{ ...row, succeeded: 0, capturedMinor: 0n }],
      [{ ...sold, status: 'FAILED', succeededAt: null }],
      [],
    ),
  ).toHaveLength(2);
});
