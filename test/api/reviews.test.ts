import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
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
import { control, startTestApp, type TestApp } from '../support/test-app.ts';

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

/** An order that was canceled, and is paid all the same. */
async function latePaid(captureMode: 'AUTOMATIC' | 'MANUAL' = 'AUTOMATIC') {
  const { id: orderId } = await createOrder(app, { captureMode });
  const payment = await payOrder(app, orderId);
  await cancel(orderId);
  await control(app.sandboxUrl, `stripe/payment_intents/${payment.providerPaymentId}/succeed`, {});
  app.clock.advance(1100);
  await refreshPayment(app, payment.id);
  return { orderId, paymentId: payment.id };
}

describe('late money', () => {
  test('is accepted by the policy ACCEPT; a person says that they have seen it', async () => {
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
      ...{ type: 'ORDER_REVIEW_RESOLVED', note: 'Seen in the console.', resolvedBy: 'ada@shop.example' },
    });
  });

  test('goes back by itself by the policy REFUND, and nobody has to look in the end', async () => {
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

  test('waits by the policy REVIEW, and is not decided without a decision', async () => {
    await setPolicy('REVIEW');
    const { orderId } = await latePaid();
    expect(await readOrder(app, orderId)).toMatchObject({ status: 'CANCELED', needsReview: ['LATE_PAYMENT'] });
    expect(await resolveReview(app, { orderId, reasons: ['LATE_PAYMENT'] })).toMatchObject({
      ...{ code: 'INVALID_INPUT', issues: [{ path: 'latePayment' }] },
    });
    expect(await readOrder(app, orderId)).toMatchObject({ status: 'CANCELED', needsReview: ['LATE_PAYMENT'] });
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

  test('that waits is sent back by a person', async () => {
    await setPolicy('REVIEW');
    const { orderId, paymentId } = await latePaid();
    await resolveReview(app, { orderId, reasons: ['LATE_PAYMENT'], latePayment: 'REFUND' });
    const order = await sweepUntil(app, orderId, ({ paymentStatus }) => paymentStatus === 'REFUNDED', 1000);
    expect(order).toMatchObject({ status: 'CANCELED', needsReview: [], refunds: [{ origin: 'SURPLUS' }] });
    expect((await booksOf(app, paymentId)).totals.refunded).toBe(2500);
  });
});

test('the first payment that succeeds is applied, the other goes back by itself: OVERPAID, then gone', async () => {
  const { id: orderId } = await createOrder(app);
  const first = await payOrder(app, orderId);
  const second = await payOrder(app, orderId); // closes the first
  await confirmCard(app, second);
  app.clock.advance(1100);
  await refreshPayment(app, second.id);
  await control(app.sandboxUrl, `stripe/payment_intents/${first.providerPaymentId}/succeed`, {});
  const overpaid = await sweepUntil(app, orderId, ({ types }) => types.includes('REFUND_REQUESTED'), 1000);
  expect(overpaid.types).toContain('ORDER_REVIEW_NEEDED');
  const order = await sweepUntil(app, orderId, ({ paymentStatus }) => paymentStatus === 'PAID', 1000);
  expect(order).toMatchObject({ status: 'CONFIRMED', needsReview: [], captured: { amountMinor: 5000 } });
  expect(order.refunds).toMatchObject([{ origin: 'SURPLUS', status: 'SUCCEEDED', payment: { id: first.id } }]);
  expect(order.types.slice(-5)).toEqual([
    ...['PAYMENT_SUCCEEDED', 'ORDER_REVIEW_NEEDED', 'REFUND_REQUESTED', 'REFUND_SUCCEEDED', 'ORDER_REVIEW_RESOLVED'],
  ]);
  expect((await booksOf(app, first.id)).totals.refunded).toBe(2500);
  expect((await booksOf(app, second.id)).totals.refunded).toBe(0);
});

test('a refund that was reversed is looked at, and refunded again', async () => {
  const { orderId, payment } = await paidOrder(app);
  await requestRefund(app, { paymentId: payment.id, amountMinor: 2500 });
  const [{ id } = { id: '' }] = (await booksOf(app, payment.id)).refunds;
  await control(app.sandboxUrl, `stripe/refunds/${id}/fail`, {});
  await sweepUntil(app, orderId, ({ needsReview }) => needsReview.includes('REFUND_ABNORMAL'), 100);
  expect(await requestRefund(app, { paymentId: payment.id, amountMinor: 2500 })).toMatchObject({ status: 'SUCCEEDED' });
  expect(await resolveReview(app, { orderId, reasons: ['REFUND_ABNORMAL'] })).toMatchObject({ needsReview: [] });
});

test('an authorization that came too late waits for a person, and may be captured once it is accepted', async () => {
  await setPolicy('REVIEW');
  const { id: orderId } = await createOrder(app, { captureMode: 'MANUAL' });
  const payment = await payOrder(app, orderId);
  await fault({
    fault: 'error_500_before',
    match: { path: `/v1/payment_intents/${payment.providerPaymentId}/cancel` },
    times: 9,
  });
  await cancel(orderId);
  await confirmCard(app, payment);
  // The provider cancels nothing; a person ends the payment by hand, and then the authorization's callback is redelivered.
  await fetch(`${app.sandboxUrl}/control/faults`, { method: 'DELETE' });
  const ended = await sweepUntil(app, orderId, ({ status }) => status === 'CANCELED', 6000);
  expect(ended.payments).toMatchObject([{ status: 'CANCELED' }]);
  expect(await capturePayment(app, { paymentId: payment.id })).toMatchObject({ code: 'PAYMENT_NOT_CAPTURABLE' });
});

describe('what a person states', () => {
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
    ['without a name', { resolvedBy: '' }, 'resolvedBy'],
  ])('%s is refused, and names the field', async (_what, facts, path) => {
    const { id: orderId } = await createOrder(app);
    expect(await resolveReview(app, { orderId, reasons: ['STUCK_UNKNOWN'], ...facts })).toMatchObject({
      issues: [{ path }],
    });
  });

  test('against what is certain is refused, and nothing is changed', async () => {
    const { orderId, payment } = await paidOrder(app);
    const before = await readOrder(app, orderId);
    const facts = { payments: [{ paymentId: payment.id, status: 'FAILED' as const }] };
    expect(await resolveReview(app, { orderId, reasons: ['STUCK_UNKNOWN'], ...facts })).toMatchObject({
      ...{ code: 'INVALID_INPUT', issues: [{ path: 'payments.0' }] },
    });
    expect(await readOrder(app, orderId)).toEqual(before);
  });

  test('of an order that is not there is NOT_FOUND; of one that needs no review it is nothing', async () => {
    const { id: orderId, version } = await createOrder(app);
    expect(await resolveReview(app, { orderId, reasons: ['SURPLUS'] })).toMatchObject({ version, needsReview: [] });
    const nobodys = { orderId: 'ord_01jd8m0v6te4r8x3y5z7a9b1c2', reasons: ['SURPLUS' as const] };
    expect(await resolveReview(app, nobodys)).toMatchObject({ code: 'NOT_FOUND' });
  });
});
