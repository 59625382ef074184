import { expect, test } from 'vitest';
import { History } from './history.ts';
import {
  findDifferencesFromLedger,
  findDoubles,
  findFailuresWithoutWord,
  findOpenAtEnd,
  type Ledger,
} from './ledger-invariants.ts';
import { findMisheard, findRowsThatEventsDoNotTell } from './log-invariants.ts';
import {
  findAmountsOutOfBounds,
  findClosedOrdersWithMoney,
  findMoneyWithoutPlace,
  findSurplusKept,
  findWrongSums,
} from './money-invariants.ts';
import type { DeliveryRow, EventRow, Snapshot } from './rows.ts';
import {
  findAppliedWithoutTrace,
  findBelievedForgeries,
  findForgotten,
  findKeysWithTwoMeanings,
  findLostCallbacks,
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
const ledger: Ledger = {
  paymentIntents: [intent],
  checkoutSessions: [],
  refunds: [providerRefund],
  totals: { pay_1: total },
};
const delivery = {
  ...{ id: '1', eventId: 'evt_1', eventType: 'payment_intent.succeeded', status: 'APPLIED', reason: null },
  ...{ paymentId: 'pay_1', receivedAt: at, applyAt: null, body: Buffer.from('{"amount": 600}') },
} as const satisfies DeliveryRow;
const call: KeyedCall = {
  ...{ operation: 'payOrder', key: 'k', input: '{}', beganAt: 1, endedAt: 2, answer: { kind: 'done', id: 'pay_1' } },
};
const key = { operation: 'payOrder', key: 'k', resultId: 'pay_1' };
const made = { orders: [], payments: [payment], refunds: [] };

const event = (sequence: number, changes: object) =>
  ({
    ...{ id: `evt_${sequence}`, orderId: 'ord_1', sequence, epoch: 1, xid: BigInt(sequence), pos: BigInt(sequence) },
    ...{ type: 'PAYMENT_STARTED', orderStatus: order.status, orderPaymentStatus: order.paymentStatus, changes },
  }) as unknown as EventRow; // as much of one as the checks read
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
    ...findDifferencesFromLedger([payment], [refund], ledger),
    ...findMoneyWithoutPlace([payment]),
    ...findDoubles(ledger),
    ...findKeysWithTwoMeanings([call, { ...call, beganAt: 3, endedAt: 4 }], [key], made),
    ...findLostCallbacks([{ eventId: 'evt_1', status: 200 }], [delivery]),
    ...findRowsThatEventsDoNotTell(historyOf(created, started), snapshot),
    ...findClosedOrdersWithMoney([order], [payment], () => false),
    ...findForgotten([order], [payment], [refund]),
    ...findMisheard(following, [created, started], [created, started], true),
    ...findFailuresWithoutWord([payment], [refund], ledger, []),
    ...findOpenAtEnd([order], [payment], ledger, []),
    ...findSurplusKept([order], [payment], [refund], () => false),
  ]).toEqual([]);
});

test.each<[invariant: number, what: string, problems: readonly string[]]>([
  [1, 'more refunded than captured', findAmountsOutOfBounds([order], [{ ...payment, refundedMinor: 600n }], [])],
  [1, 'an amount set aside by nobody', findAmountsOutOfBounds([order], [{ ...payment, reservedMinor: 1n }], [refund])],
  [1, 'refunds at once beyond the payment', findAmountsOutOfBounds([order], [{ ...payment, reservedMinor: 450n }], [])],
  [1, 'two currencies', findAmountsOutOfBounds([order], [payment], [{ ...refund, currency: 'USD' }])],
  [1, 'a wrong sum', findWrongSums([{ ...payment, id: 'ord_1', refundedMinor: 0n }], [payment])],
  [2, 'money we do not know of', findDifferencesFromLedger([{ ...payment, capturedMinor: 0n }], [refund], ledger)],
  [2, 'another status', findDifferencesFromLedger([{ ...payment, status: 'CANCELED' }], [refund], ledger)],
  [2, 'a refund we do not know of', findDifferencesFromLedger([payment], [], ledger)],
  [2, 'a refund of another amount', findDifferencesFromLedger([payment], [{ ...refund, amountMinor: 90n }], ledger)],
  [2, 'a refund that nobody made', findDifferencesFromLedger([payment], [refund], { ...ledger, refunds: [] })],
  [
    2,
    'what can still be paid',
    findDifferencesFromLedger([payment], [refund], {
      ...ledger,
      paymentIntents: [{ ...intent, status: 'requires_action' }],
    }),
  ],
  [3, 'captured money without a place', findMoneyWithoutPlace([{ ...payment, appliedMinor: 400n }])],
  [4, 'two charges', findDoubles({ ...ledger, totals: { pay_1: { ...total, charges: 2 } } })],
  [
    4,
    'one refund made twice',
    findDoubles({ ...ledger, refunds: [providerRefund, { ...providerRefund, id: 're_2' }] }),
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
    findBelievedForgeries([{ eventId: 'evt_1', type: '', spoiled: 'forge', attempts: [{ status: 200 }] }], [delivery]),
  ],
  [
    5,
    'a wrong amount applied',
    findBelievedForgeries([{ eventId: 'evt_1', type: '', spoiled: 'wrong_amount', attempts: [] }], [delivery]),
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
  [8, 'nobody will ask', findForgotten([order], [{ ...payment, status: 'UNKNOWN', checkAt: null }], [])],
  [8, 'a refund that nobody asks about', findForgotten([order], [payment], [{ ...refund, status: 'PENDING' }])],
  [8, 'an order without an end', findForgotten([{ ...order, status: 'OPEN' }], [], [])],
  [8, 'a close that waits for nothing', findForgotten([{ ...order, status: 'CLOSING' }], [payment], [])],
  [9, 'a gap', findMisheard(following, [started], [created, started], true)],
  [9, 'a repeat', findMisheard(following, [created, created], [created, started], true)],
  [9, 'too little', findMisheard(following, [created], [created, started], true)],
  [11, 'failed by nobody’s word', findFailuresWithoutWord([{ ...payment, status: 'FAILED' }], [], ledger, [])],
  [
    12,
    'an end that can still be paid',
    findOpenAtEnd([order], [payment], { ...ledger, paymentIntents: [{ ...intent, status: 'requires_action' }] }, []),
  ],
  [
    13,
    'a surplus kept',
    findSurplusKept([order], [{ ...payment, appliedMinor: 0n, surplusMinor: 500n }], [], () => false),
  ],
])('invariant %i catches %s', (_invariant, _what, problems) => {
  expect(problems).not.toEqual([]);
});
