import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CaptureMode } from '../../generated/graphql/graphql.ts';
import {
  booksOf,
  capturePayment,
  confirmCard,
  createOrder,
  paidOrder,
  payOrder,
  readOrder,
  refreshPayment,
  requestRefund,
  resolveReview,
  sweepUntil,
} from '../support/orders.ts';
import { followOrder } from '../support/subscriber.ts';
import { control, startTestApp, type TestApp, untilCallbacksCame } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());
beforeEach(() => setPolicy('ACCEPT'));

const fault = (rule: object) => control(app.sandboxUrl, 'faults', rule);

async function setPolicy(policy: 'ACCEPT' | 'REFUND' | 'REVIEW'): Promise<void> {
  await app.client.request(
    'mutation($policy: LatePaymentPolicy!) { setLatePaymentPolicy(policy: $policy) { __typename } }',
    {
      policy,
    },
  );
}

async function cancel(orderId: string): Promise<void> {
  await app.client.request('mutation($id: ID!) { cancelOrder(input: { orderId: $id }) { __typename } }', {
    id: orderId,
  });
}

/** A canceled order that is paid all the same. */
async function latePaid() {
  const { id: orderId } = await createOrder(app);
  const payment = await payOrder(app, orderId);
  await cancel(orderId);
  await control(app.sandboxUrl, `stripe/payment_intents/${payment.providerPaymentId}/succeed`, {});
  app.clock.advance(1100);
  await refreshPayment(app, payment.id);
  return { orderId, paymentId: payment.id };
}

describe('late money', () => {
  test('is accepted by the policy ACCEPT, and a person confirms the review', async () => {
    const { orderId } = await latePaid();
    expect(await readOrder(app, orderId)).toMatchObject({
      status: 'CONFIRMED',
      paymentStatus: 'PAID',
      needsReview: ['LATE_PAYMENT'],
    });
    expect(await resolveReview(app, { orderId, reasons: ['LATE_PAYMENT'] })).toMatchObject({
      status: 'CONFIRMED',
      needsReview: [],
    });
    const { events } = await readOrder(app, orderId);
    expect(events.nodes.at(-1)).toMatchObject({
      ...{ type: 'ORDER_REVIEW_RESOLVED', note: 'Seen in the console.', resolvedBy: 'development' },
    });
  });

  test('is refunded automatically by the policy REFUND, and no review remains', async () => {
    await setPolicy('REFUND');
    const { orderId, paymentId } = await latePaid();
    expect(await readOrder(app, orderId)).toMatchObject({ status: 'CANCELED', paymentStatus: 'OVERPAID' });
    const order = await sweepUntil(app, orderId, ({ paymentStatus }) => paymentStatus === 'REFUNDED', 1000);
    expect(order).toMatchObject({
      status: 'CANCELED',
      needsReview: [],
      refunds: [{ origin: 'SURPLUS', status: 'SUCCEEDED' }],
    });
    expect((await booksOf(app, paymentId)).totals).toMatchObject({ captured: 2500, refunded: 2500 });
  });

  test('waits by the policy REVIEW, and its review cannot be resolved without a decision', async () => {
    await setPolicy('REVIEW');
    const { orderId } = await latePaid();
    expect(await readOrder(app, orderId)).toMatchObject({ status: 'CANCELED', needsReview: ['LATE_PAYMENT'] });
    expect(await resolveReview(app, { orderId, reasons: ['LATE_PAYMENT'] })).toMatchObject({
      ...{ code: 'INVALID_INPUT', issues: [{ path: 'latePayment' }] },
    });
    expect(await readOrder(app, orderId)).toMatchObject({ status: 'CANCELED', needsReview: ['LATE_PAYMENT'] });
  });

  test.each<[policy: 'ACCEPT' | 'REFUND', decision: 'ACCEPT' | 'REFUND']>([
    ['ACCEPT', 'REFUND'],
    ['REFUND', 'ACCEPT'],
  ])('that the policy %s has handled cannot be decided otherwise by a person', async (policy, latePayment) => {
    await setPolicy(policy);
    const { orderId } = await latePaid();
    const before = await readOrder(app, orderId);
    expect(await resolveReview(app, { orderId, reasons: ['LATE_PAYMENT'], latePayment })).toMatchObject({
      ...{ code: 'INVALID_INPUT', issues: [{ path: 'latePayment' }] },
    });
    expect(await readOrder(app, orderId)).toEqual(before);
  });

  test('that waits is accepted by a person', async () => {
    await setPolicy('REVIEW');
    const { orderId } = await latePaid();
    const input = { orderId, reasons: ['LATE_PAYMENT' as const], latePayment: 'ACCEPT' as const };
    expect(await resolveReview(app, input)).toMatchObject({
      status: 'CONFIRMED',
      paymentStatus: 'PAID',
      needsReview: [],
    });
    const { version } = await readOrder(app, orderId);
    expect(await resolveReview(app, input)).toMatchObject({ status: 'CONFIRMED', version });
  });

  test('that waits is refunded by a person', async () => {
    await setPolicy('REVIEW');
    const { orderId, paymentId } = await latePaid();
    await resolveReview(app, { orderId, reasons: ['LATE_PAYMENT'], latePayment: 'REFUND' });
    const order = await sweepUntil(app, orderId, ({ paymentStatus }) => paymentStatus === 'REFUNDED', 1000);
    expect(order).toMatchObject({ status: 'CANCELED', needsReview: [], refunds: [{ origin: 'SURPLUS' }] });
    expect((await booksOf(app, paymentId)).totals.refunded).toBe(2500);
  });
});

describe('late money that waits', () => {
  async function refundAll(paymentId: string): Promise<string> {
    const refund = await requestRefund(app, { paymentId, amountMinor: 2500 });
    expect(refund).toMatchObject({ status: 'SUCCEEDED', origin: 'REQUESTED' });
    return (await booksOf(app, paymentId)).refunds[0]?.id ?? '';
  }

  test('and is refunded in the meantime needs no review; when the refund is reversed, it does again', async () => {
    await setPolicy('REVIEW');
    const { orderId, paymentId } = await latePaid();
    const refundId = await refundAll(paymentId);
    const gone = { status: 'CANCELED', paymentStatus: 'REFUNDED', needsReview: [] };
    expect(await readOrder(app, orderId)).toMatchObject(gone);
    await control(app.sandboxUrl, `stripe/refunds/${refundId}/fail`, {});
    await untilCallbacksCame(app);
    expect((await readOrder(app, orderId)).needsReview.toSorted()).toEqual(['LATE_PAYMENT', 'REFUND_ABNORMAL']);
    const reasons = ['LATE_PAYMENT' as const, 'REFUND_ABNORMAL' as const];
    expect(await resolveReview(app, { orderId, reasons, latePayment: 'ACCEPT' })).toMatchObject({
      ...{ status: 'CONFIRMED', paymentStatus: 'PAID', needsReview: [] },
    });
  });

  test('and is refunded in part in the meantime is decided for the rest', async () => {
    await setPolicy('REVIEW');
    const { orderId, paymentId } = await latePaid();
    await requestRefund(app, { paymentId, amountMinor: 900 });
    await resolveReview(app, { orderId, reasons: ['LATE_PAYMENT'], latePayment: 'REFUND' });
    const order = await sweepUntil(app, orderId, ({ paymentStatus }) => paymentStatus === 'REFUNDED', 1000);
    expect(order).toMatchObject({ status: 'CANCELED', needsReview: [], refundable: { amountMinor: 0 } });
    expect(order.refunds.map(({ origin, amount }) => [origin, amount.amountMinor])).toEqual(
      expect.arrayContaining([
        ['REQUESTED', 900],
        ['SURPLUS', 1600],
      ]),
    );
    expect((await booksOf(app, paymentId)).totals.refunded).toBe(2500);
  });
});

test('a surplus that could not be refunded automatically stays in review until the merchant refunds it', async () => {
  const { id: orderId } = await createOrder(app);
  const first = await payOrder(app, orderId);
  await confirmCard(app, await payOrder(app, orderId));
  await untilCallbacksCame(app);
  await fault({ fault: 'refund_pending_then_failed', match: { contains: first.id } });
  await control(app.sandboxUrl, `stripe/payment_intents/${first.providerPaymentId}/succeed`, {});
  await untilCallbacksCame(app);
  await app.app.rounds.sweep();
  const [refund] = (await booksOf(app, first.id)).refunds;
  await control(app.sandboxUrl, `stripe/refunds/${refund?.id}/fail`, {});
  await untilCallbacksCame(app);
  const stuck = await readOrder(app, orderId);
  expect(stuck).toMatchObject({ paymentStatus: 'OVERPAID', refunds: [{ origin: 'SURPLUS', status: 'FAILED' }] });
  expect(stuck.needsReview.toSorted()).toEqual(['REFUND_ABNORMAL', 'SURPLUS']);
  expect(await requestRefund(app, { paymentId: first.id, amountMinor: 2500 })).toMatchObject({ status: 'SUCCEEDED' });
  expect(await readOrder(app, orderId)).toMatchObject({ paymentStatus: 'PAID', needsReview: ['REFUND_ABNORMAL'] });
  expect(await resolveReview(app, { orderId, reasons: ['REFUND_ABNORMAL'] })).toMatchObject({ needsReview: [] });
  expect((await booksOf(app, first.id)).totals.refunded).toBe(2500);
});

test('the first payment that succeeds is applied, the other is refunded, and a subscriber gets the events in order', async () => {
  const { id: orderId, eventCursor } = await createOrder(app);
  const subscriber = followOrder(app, orderId, eventCursor);
  const first = await payOrder(app, orderId);
  const second = await payOrder(app, orderId); // closes the first
  await confirmCard(app, second);
  await untilCallbacksCame(app);
  await control(app.sandboxUrl, `stripe/payment_intents/${first.providerPaymentId}/succeed`, {});
  await untilCallbacksCame(app);
  expect(await readOrder(app, orderId)).toMatchObject({
    ...{ status: 'CONFIRMED', paymentStatus: 'OVERPAID', needsReview: ['SURPLUS'], captured: { amountMinor: 5000 } },
    refunds: [{ origin: 'SURPLUS', status: 'PENDING', payment: { id: first.id } }],
  });
  await app.app.rounds.sweep();
  const order = await readOrder(app, orderId);
  expect(order).toMatchObject({
    ...{ status: 'CONFIRMED', paymentStatus: 'PAID', needsReview: [], refundable: { amountMinor: 2500 } },
    refunds: [{ origin: 'SURPLUS', status: 'SUCCEEDED', nextCheckAt: null }],
  });
  expect((await booksOf(app, first.id)).totals.refunded).toBe(2500);
  expect((await booksOf(app, second.id)).totals.refunded).toBe(0);

  const heard = await subscriber.until(({ type }) => type === 'ORDER_REVIEW_RESOLVED');
  await subscriber.stop();
  expect(heard.slice(-7).map(({ type, orderPaymentStatus }) => [type, orderPaymentStatus])).toEqual([
    ['PAYMENT_SUCCEEDED', 'PAID'],
    ['ORDER_CONFIRMED', 'PAID'],
    ['PAYMENT_SUCCEEDED', 'OVERPAID'],
    ['ORDER_REVIEW_NEEDED', 'OVERPAID'],
    ['REFUND_REQUESTED', 'OVERPAID'],
    ['REFUND_SUCCEEDED', 'PAID'],
    ['ORDER_REVIEW_RESOLVED', 'PAID'],
  ]);
  expect(heard.map(({ sequence }) => sequence)).toEqual(heard.map((_, index) => index + 2));
});

test('a reversed refund goes into review, and is made again', async () => {
  const { orderId, payment } = await paidOrder(app);
  await requestRefund(app, { paymentId: payment.id, amountMinor: 2500 });
  const [{ id } = { id: '' }] = (await booksOf(app, payment.id)).refunds;
  await control(app.sandboxUrl, `stripe/refunds/${id}/fail`, {});
  await sweepUntil(app, orderId, ({ needsReview }) => needsReview.includes('REFUND_ABNORMAL'), 100);
  expect(await requestRefund(app, { paymentId: payment.id, amountMinor: 2500 })).toMatchObject({ status: 'SUCCEEDED' });
  expect(await resolveReview(app, { orderId, reasons: ['REFUND_ABNORMAL'] })).toMatchObject({ needsReview: [] });
});

describe('an authorization that arrives too late', () => {
  /** Authorized without a callback, reported as canceled by a person, canceled with its order, and found by another query. */
  async function lateAuthorized(policy: 'ACCEPT' | 'REFUND' | 'REVIEW') {
    await setPolicy(policy);
    const { id: orderId } = await createOrder(app, { captureMode: 'MANUAL' });
    const { id: paymentId, providerPaymentId, ...payment } = await payOrder(app, orderId);
    await fault({ fault: 'drop', match: { contains: paymentId }, times: 20 });
    await confirmCard(app, { id: paymentId, providerPaymentId, ...payment });
    await resolveReview(app, { orderId, reasons: ['STUCK_UNKNOWN'], payments: [{ paymentId, status: 'CANCELED' }] });
    await cancel(orderId);
    app.clock.advance(1100);
    await refreshPayment(app, paymentId);
    await app.app.rounds.sweep();
    return { orderId, paymentId, intentId: providerPaymentId ?? '' };
  }

  test('is accepted by the policy ACCEPT, and may be captured', async () => {
    const { orderId, paymentId } = await lateAuthorized('ACCEPT');
    expect(await readOrder(app, orderId)).toMatchObject({
      ...{ status: 'CONFIRMED', paymentStatus: 'AUTHORIZED', needsReview: ['LATE_PAYMENT'] },
    });
    expect(await capturePayment(app, { paymentId })).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('and is voided after it was accepted returns its order to the closed status', async () => {
    const { orderId, paymentId } = await lateAuthorized('ACCEPT');
    await app.client.request('mutation($id: ID!) { cancelPayment(input: { paymentId: $id }) { __typename } }', {
      id: paymentId,
    });
    expect(await readOrder(app, orderId)).toMatchObject({
      ...{ status: 'CANCELED', paymentStatus: 'UNPAID', needsReview: [], allowedActions: [] },
      payments: [{ status: 'CANCELED' }],
    });
  });

  test('is voided by the policy REFUND, and no review remains', async () => {
    const { orderId, paymentId } = await lateAuthorized('REFUND');
    const order = await sweepUntil(app, orderId, ({ payments }) => payments[0]?.status === 'CANCELED', 6000);
    expect(order).toMatchObject({ status: 'CANCELED', paymentStatus: 'UNPAID', needsReview: [] });
    expect((await booksOf(app, paymentId)).totals).toMatchObject({ authorized: 0, captured: 0 });
  });

  test('waits by the policy REVIEW, and cannot be captured until a person accepts it', async () => {
    const { orderId, paymentId } = await lateAuthorized('REVIEW');
    const waits = { status: 'CANCELED', paymentStatus: 'AUTHORIZED', needsReview: ['LATE_PAYMENT'] };
    expect(await readOrder(app, orderId)).toMatchObject({ ...waits, allowedActions: [] });
    expect(await capturePayment(app, { paymentId })).toMatchObject({ code: 'PAYMENT_NOT_CAPTURABLE' });
    expect(await resolveReview(app, { orderId, reasons: ['LATE_PAYMENT'] })).toMatchObject({
      issues: [{ path: 'latePayment' }],
    });
    expect(await readOrder(app, orderId)).toMatchObject(waits);
    const accepted = await resolveReview(app, { orderId, reasons: ['LATE_PAYMENT'], latePayment: 'ACCEPT' });
    expect(accepted).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'AUTHORIZED', needsReview: [] });
    expect(await capturePayment(app, { paymentId })).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('that waits is voided by a person', async () => {
    const { orderId, paymentId } = await lateAuthorized('REVIEW');
    await resolveReview(app, { orderId, reasons: ['LATE_PAYMENT'], latePayment: 'REFUND' });
    const order = await sweepUntil(app, orderId, ({ payments }) => payments[0]?.status === 'CANCELED', 6000);
    expect(order).toMatchObject({ status: 'CANCELED', paymentStatus: 'UNPAID', needsReview: [] });
    expect((await booksOf(app, paymentId)).totals).toMatchObject({ authorized: 0, captured: 0 });
  });

  test('that waits and lapses in the meantime needs no decision', async () => {
    const { orderId, paymentId, intentId } = await lateAuthorized('REVIEW');
    await control(app.sandboxUrl, `stripe/payment_intents/${intentId}/lapse`, {});
    app.clock.advance(1100);
    await refreshPayment(app, paymentId);
    expect(await readOrder(app, orderId)).toMatchObject({
      ...{ status: 'CANCELED', paymentStatus: 'UNPAID', needsReview: [], payments: [{ status: 'EXPIRED' }] },
    });
  });
});

test('a different amount goes into review, the resolution is recorded, and the payment continues', async () => {
  const { id: orderId } = await createOrder(app);
  const payment = await payOrder(app, orderId);
  await fault({ fault: 'wrong_amount', match: { type: 'payment_intent.succeeded', contains: payment.id } });
  await confirmCard(app, payment);
  await untilCallbacksCame(app);
  expect((await readOrder(app, orderId)).needsReview).toEqual(['AMOUNT_MISMATCH']);
  const { orders } = await app.client.request<{ orders: { nodes: { id: string }[] } }>(
    '{ orders(filter: { needsReview: true }) { nodes { id } } }',
  );
  expect(orders.nodes).toContainEqual({ id: orderId });
  const input = { orderId, reasons: ['AMOUNT_MISMATCH' as const], note: 'The console says 25.00.' };
  expect(await resolveReview(app, input)).toMatchObject({ status: 'OPEN', needsReview: [] });
  app.clock.advance(1100);
  await refreshPayment(app, payment.id);
  const order = await readOrder(app, orderId);
  expect(order).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PAID', needsReview: [] });
  expect(order.events.nodes).toContainEqual(
    expect.objectContaining({
      ...{ type: 'ORDER_REVIEW_RESOLVED', note: 'The console says 25.00.', resolvedBy: 'development' },
    }),
  );
});

/** Created at the provider, but neither its answer nor a callback arrived. */
async function unknownPayment(captureMode: CaptureMode = 'AUTOMATIC') {
  const { id: orderId, number } = await createOrder(app, { captureMode });
  await fault({ fault: 'drop', match: { contains: number }, times: 20 });
  await fault({ fault: 'error_500_after', match: { operation: 'payment_intents.create', contains: number } });
  const { id: paymentId, status } = await payOrder(app, orderId);
  expect(status).toBe('UNKNOWN');
  const { paymentIntents } = await booksOf(app, paymentId);
  return { orderId, paymentId, intentId: paymentIntents[0]?.id ?? '' };
}

describe('a statement of an operator', () => {
  test.each<[what: string, facts: object, path: string]>([
    [
      'of a payment of another order',
      { payments: [{ paymentId: 'pay_01jd8m0v6te4r8x3y5z7a9b1c2', status: 'FAILED' }] },
      'payments.0.paymentId',
    ],
    [
      'of a refund of another order',
      { refunds: [{ refundId: 'rfd_01jd8m0v6te4r8x3y5z7a9b1c2', status: 'FAILED' }] },
      'refunds.0.refundId',
    ],
    ['without a reason', { reasons: [] }, 'reasons'],
  ])('%s is refused, and names the field', async (_what, facts, path) => {
    const { id: orderId } = await createOrder(app);
    expect(await resolveReview(app, { orderId, reasons: ['STUCK_UNKNOWN'], ...facts })).toMatchObject({
      issues: [{ path }],
    });
  });

  test('that contradicts certain facts is refused, and nothing changes', async () => {
    const { orderId, payment } = await paidOrder(app);
    const before = await readOrder(app, orderId);
    const facts = { payments: [{ paymentId: payment.id, status: 'FAILED' as const }] };
    expect(await resolveReview(app, { orderId, reasons: ['STUCK_UNKNOWN'], ...facts })).toMatchObject({
      ...{ code: 'INVALID_INPUT', issues: [{ path: 'payments.0' }] },
    });
    expect(await readOrder(app, orderId)).toEqual(before);
  });

  test('is refused as a whole when a part of it is wrong', async () => {
    const { id: orderId, number } = await createOrder(app);
    const closed = await payOrder(app, orderId);
    await fault({ fault: 'error_500_after', match: { operation: 'payment_intents.create', contains: number } });
    const { id: paymentId } = await payOrder(app, orderId);
    await untilCallbacksCame(app);
    const before = await readOrder(app, orderId);
    const payments = [
      { paymentId, status: 'FAILED' as const },
      { paymentId: closed.id, status: 'SUCCEEDED' as const, capturedMinor: 2400 },
    ];
    expect(await resolveReview(app, { orderId, reasons: ['STUCK_UNKNOWN'], payments })).toMatchObject({
      issues: [{ path: 'payments.1' }],
    });
    expect(await readOrder(app, orderId)).toEqual(before);
  });

  test.each<[status: 'SUCCEEDED' | 'FAILED', order: object]>([
    ['SUCCEEDED', { status: 'CONFIRMED', paymentStatus: 'PAID', captured: { amountMinor: 2500 } }],
    ['FAILED', { status: 'OPEN', paymentStatus: 'UNPAID', captured: { amountMinor: 0 } }],
  ])('that a payment of unknown outcome has %s is applied once, with its author and reason', async (status, order) => {
    const { orderId, paymentId, intentId } = await unknownPayment();
    const payments = [{ paymentId, status, providerPaymentId: intentId }];
    const input = { orderId, reasons: ['STUCK_UNKNOWN' as const], payments };
    expect(await resolveReview(app, input)).toMatchObject({ ...order, needsReview: [] });
    const told = await readOrder(app, orderId);
    expect(told.payments).toMatchObject([{ status, evidence: { source: 'OPERATOR', providerTime: null } }]);
    expect(told.events.nodes).toContainEqual(
      expect.objectContaining({
        ...{ type: 'ORDER_REVIEW_RESOLVED', note: 'Seen in the console.', resolvedBy: 'development' },
      }),
    );
    expect(await resolveReview(app, input)).toMatchObject({ ...order, version: told.version });
  });

  test('that a payment was captured allows to refund it', async () => {
    const { orderId, paymentId, intentId } = await unknownPayment();
    await control(app.sandboxUrl, `stripe/payment_intents/${intentId}/succeed`, {});
    const payments = [{ paymentId, status: 'SUCCEEDED' as const, providerPaymentId: intentId }];
    await resolveReview(app, { orderId, reasons: ['STUCK_UNKNOWN'], payments });
    expect(await requestRefund(app, { paymentId, amountMinor: 900 })).toMatchObject({ status: 'SUCCEEDED' });
    expect((await booksOf(app, paymentId)).totals).toMatchObject({ captured: 2500, refunded: 900 });
  });

  test.each<[what: string, captureMode: CaptureMode, status: 'SUCCEEDED' | 'AUTHORIZED', path: string]>([
    ['captured, without the provider’s id of it', 'AUTOMATIC', 'SUCCEEDED', 'payments.0.providerPaymentId'],
    ['authorized, without the provider’s id of it', 'MANUAL', 'AUTHORIZED', 'payments.0.providerPaymentId'],
    ['authorized, when it captures by itself', 'AUTOMATIC', 'AUTHORIZED', 'payments.0.status'],
  ])(
    'of a payment that was %s is refused, because the payment could not be processed further',
    async (_what, mode, status, path) => {
      const { orderId, paymentId } = await unknownPayment(mode);
      const payments = [{ paymentId, status }];
      expect(await resolveReview(app, { orderId, reasons: ['STUCK_UNKNOWN'], payments })).toMatchObject({
        issues: [{ path }],
      });
      expect((await readOrder(app, orderId)).payments).toMatchObject([{ status: 'UNKNOWN' }]);
    },
  );

  test('of a payment with the provider’s id of another payment is refused', async () => {
    const { payment } = await paidOrder(app);
    const { orderId, paymentId } = await unknownPayment();
    const fact = { paymentId, status: 'SUCCEEDED' as const, providerPaymentId: payment.providerPaymentId };
    expect(await resolveReview(app, { orderId, reasons: ['STUCK_UNKNOWN'], payments: [fact] })).toMatchObject({
      issues: [{ path: 'payments.0.providerPaymentId' }],
    });
    expect((await readOrder(app, orderId)).payments).toMatchObject([{ status: 'UNKNOWN', providerPaymentId: null }]);
  });

  test.each<[status: 'SUCCEEDED' | 'FAILED', sums: object]>([
    ['SUCCEEDED', { paymentStatus: 'PARTIALLY_REFUNDED', refundable: { amountMinor: 1500 } }],
    ['FAILED', { paymentStatus: 'PAID', refundable: { amountMinor: 2500 } }],
  ])('that a refund of unknown outcome has %s is applied, with its author and reason', async (status, sums) => {
    const { orderId, payment } = await paidOrder(app);
    await fault({ fault: 'error_500_before', match: { operation: 'refunds.create', contains: payment.id }, times: 2 });
    const refund = await requestRefund(app, { paymentId: payment.id, amountMinor: 1000 });
    const refundId = 'id' in refund ? refund.id : '';
    const input = { orderId, reasons: ['STUCK_UNKNOWN' as const], refunds: [{ refundId, status }] };
    expect(await resolveReview(app, input)).toMatchObject({ ...sums, needsReview: [] });
    const told = await readOrder(app, orderId);
    expect(told.refunds).toMatchObject([{ status, evidence: { source: 'OPERATOR' } }]);
    expect(told.types).toContain('ORDER_REVIEW_RESOLVED');
    expect(await resolveReview(app, input)).toMatchObject({ ...sums, version: told.version });
  });

  test('that a refund failed which the provider has confirmed is refused', async () => {
    const { orderId, payment } = await paidOrder(app);
    const refund = await requestRefund(app, { paymentId: payment.id, amountMinor: 1000 });
    const refunds = [{ refundId: 'id' in refund ? refund.id : '', status: 'FAILED' as const }];
    expect(await resolveReview(app, { orderId, reasons: ['REFUND_ABNORMAL'], refunds })).toMatchObject({
      issues: [{ path: 'refunds.0.status', message: expect.stringContaining('contradicts the provider') }],
    });
    expect(await readOrder(app, orderId)).toMatchObject({ refunds: [{ status: 'SUCCEEDED' }], needsReview: [] });
  });

  test('about an unknown order is NOT_FOUND, and about an order without a review has no effect', async () => {
    const { id: orderId, version } = await createOrder(app);
    expect(await resolveReview(app, { orderId, reasons: ['SURPLUS'] })).toMatchObject({ version, needsReview: [] });
    const nobodys = { orderId: 'ord_01jd8m0v6te4r8x3y5z7a9b1c2', reasons: ['SURPLUS' as const] };
    expect(await resolveReview(app, nobodys)).toMatchObject({ code: 'NOT_FOUND' });
  });
});
