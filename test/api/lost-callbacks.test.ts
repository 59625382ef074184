import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  booksOf,
  capturePayment,
  confirmCard,
  createOrder,
  paidOrder,
  payOrder,
  readOrder,
  requestRefund,
  sweepUntil,
} from '../support/orders.ts';
import { control, startTestApp, type TestApp, untilCallbacksCame } from '../support/test-app.ts';

// Either source is enough: queries when all callbacks are lost, callbacks when no query is answered.

let app: TestApp;

const fault = (rule: object) => control(app.sandboxUrl, 'faults', rule);
const atProvider = (path: string, body: object = {}) => control(app.sandboxUrl, `stripe/${path}`, body);
const minute = 60_000;
const day = 24 * 60 * minute;

async function cancelOrder(orderId: string): Promise<void> {
  await app.client.request('mutation($id: ID!) { cancelOrder(input: { orderId: $id }) { __typename } }', {
    id: orderId,
  });
}

async function authorizedOrder() {
  const { orderId, payment } = await paidOrder(app, { captureMode: 'MANUAL' });
  expect(payment.status).toBe('AUTHORIZED');
  return { orderId, paymentId: payment.id, intentId: payment.providerPaymentId };
}

/** A paid order with a refund that its provider has accepted or executed. */
async function refundedOrder(course: string | null, amountMinor = 2500) {
  const { orderId, payment } = await paidOrder(app);
  if (course !== null) await fault({ fault: course, match: { contains: payment.id } });
  await requestRefund(app, { paymentId: payment.id, amountMinor });
  const [refund] = (await booksOf(app, payment.id)).refunds;
  return { orderId, refundId: refund?.id ?? '' };
}

describe('when all callbacks are lost, queries find', () => {
  beforeAll(async () => {
    app = await startTestApp();
    await fault({ fault: 'drop', match: { type: '*' }, times: 1000 });
  });
  afterAll(() => app.close());

  test('that the buyer has paid, here or on the checkout page', async () => {
    for (const flow of ['EMBEDDED', 'REDIRECT'] as const) {
      const { id: orderId } = await createOrder(app);
      const payment = await payOrder(app, orderId, {
        flow,
        ...(flow === 'REDIRECT' && { returnUrl: 'https://a.test/' }),
      });
      if (payment.nextAction?.__typename === 'RedirectAction') {
        const body = new URLSearchParams({ action: 'pay', card: '4242424242424242' });
        await fetch(payment.nextAction.url, { method: 'POST', body, redirect: 'manual' });
      } else await confirmCard(app, payment);
      const order = await sweepUntil(app, orderId, ({ status }) => status === 'CONFIRMED');
      expect(order.payments).toMatchObject([{ status: 'SUCCEEDED', evidence: { source: 'QUERY' } }]);
    }
  });

  test('that the card was declined, and why', async () => {
    const { id: orderId } = await createOrder(app);
    await confirmCard(app, await payOrder(app, orderId), 'pm_card_chargeDeclinedInsufficientFunds');
    const order = await sweepUntil(app, orderId, ({ payments }) => payments[0]?.failure != null);
    expect(order.payments).toMatchObject([{ status: 'ACTION_REQUIRED', failure: { reason: 'insufficient_funds' } }]);
  });

  test.each([
    ['succeeded', 'SUCCEEDED'],
    ['failed', 'ACTION_REQUIRED'],
  ])('that a delayed charge has %s', async (outcome, status) => {
    const { id: orderId } = await createOrder(app);
    const payment = await payOrder(app, orderId);
    await fault({ fault: 'processing_then_succeeded', match: { contains: payment.id } });
    await confirmCard(app, payment);
    await sweepUntil(app, orderId, ({ payments }) => payments[0]?.status === 'PROCESSING');
    await atProvider(`payment_intents/${payment.providerPaymentId}/finish`, { outcome });
    await sweepUntil(app, orderId, ({ payments }) => payments[0]?.status === status);
  });

  test('that an authorization was captured in the console', async () => {
    const { orderId, intentId } = await authorizedOrder();
    await atProvider(`payment_intents/${intentId}/succeed`);
    const order = await sweepUntil(app, orderId, ({ paymentStatus }) => paymentStatus === 'PAID', day);
    expect(order).toMatchObject({ status: 'CONFIRMED', needsReview: [] });
  });

  test('that an authorization has lapsed', async () => {
    const { orderId, intentId } = await authorizedOrder();
    await atProvider(`payment_intents/${intentId}/lapse`);
    await sweepUntil(app, orderId, ({ payments }) => payments[0]?.status === 'EXPIRED', day);
  });

  test.each<[course: string, act: string, status: string]>([
    ['refund_pending_then_succeeded', 'succeed', 'SUCCEEDED'],
    ['refund_pending_then_failed', 'fail', 'FAILED'],
  ])('the outcome of a pending refund: %s', async (course, act, status) => {
    const { orderId, refundId } = await refundedOrder(course);
    expect((await readOrder(app, orderId)).refunds).toMatchObject([{ status: 'PENDING' }]);
    await atProvider(`refunds/${refundId}/${act}`);
    const order = await sweepUntil(app, orderId, ({ refunds }) => refunds[0]?.status === status);
    expect(order).toMatchObject({
      ...{ refundable: { amountMinor: status === 'FAILED' ? 2500 : 0 }, needsReview: [] },
      refunds: [{ evidence: { source: 'QUERY' } }],
    });
  });

  test.each([
    ['the next day', day],
    ['three weeks later', 21 * day],
  ])('that a refund was reversed %s', async (_when, afterMs) => {
    const { orderId, refundId } = await refundedOrder(null);
    app.clock.advance(afterMs);
    await atProvider(`refunds/${refundId}/fail`);
    const order = await sweepUntil(app, orderId, ({ refunds }) => refunds[0]?.status === 'FAILED', day);
    expect(order).toMatchObject({ paymentStatus: 'PAID', needsReview: ['REFUND_ABNORMAL'] });
  });

  test('a refund in the console, and its reversal', async () => {
    const { orderId, payment } = await paidOrder(app);
    await atProvider('refunds', { payment_intent: payment.providerPaymentId, amount: 800 });
    const adopted = await sweepUntil(app, orderId, ({ refunds }) => refunds.length === 1, day);
    expect(adopted.refunds).toMatchObject([{ origin: 'PROVIDER', status: 'SUCCEEDED', amount: { amountMinor: 800 } }]);
    await atProvider(`refunds/${adopted.refunds[0]?.providerRefundId}/fail`);
    const reversed = await sweepUntil(app, orderId, ({ refunds }) => refunds[0]?.status === 'FAILED', day);
    expect(reversed).toMatchObject({ refundable: { amountMinor: 2500 }, needsReview: ['REFUND_ABNORMAL'] });
  });

  test('money that arrives after the cancellation', async () => {
    const { id: orderId } = await createOrder(app);
    const payment = await payOrder(app, orderId);
    await cancelOrder(orderId);
    await atProvider(`payment_intents/${payment.providerPaymentId}/succeed`);
    const order = await sweepUntil(app, orderId, ({ status }) => status === 'CONFIRMED', 10 * minute);
    expect(order).toMatchObject({ paymentStatus: 'PAID', needsReview: ['LATE_PAYMENT'] });
  });

  test('that two payments of one order have succeeded, and one of them is refunded', async () => {
    const { id: orderId } = await createOrder(app);
    const first = await payOrder(app, orderId);
    const second = await payOrder(app, orderId);
    await confirmCard(app, second);
    await atProvider(`payment_intents/${first.providerPaymentId}/succeed`);
    const order = await sweepUntil(app, orderId, ({ refunds }) => refunds[0]?.status === 'SUCCEEDED', 10 * minute);
    expect(order).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PAID', needsReview: [] });
    const books = await Promise.all([first, second].map(async ({ id }) => (await booksOf(app, id)).totals));
    expect(books.map(({ captured, refunded }) => captured - refunded).sort()).toEqual([0, 2500]);
  });
});

describe('when no query is answered, callbacks report', () => {
  beforeAll(async () => {
    app = await startTestApp();
    // The orders below are paid without queries: every GET request fails from the start.
    await fault({ fault: 'error_500_before', match: { method: 'GET' }, times: 1_000_000 });
  });
  afterAll(() => app.close());

  async function paid(captureMode: 'AUTOMATIC' | 'MANUAL' = 'AUTOMATIC') {
    const { id: orderId } = await createOrder(app, { captureMode });
    const payment = await payOrder(app, orderId);
    expect(await confirmCard(app, payment)).toMatchObject({ status: 200 });
    await untilCallbacksCame(app);
    // A busy database refuses callbacks, or leaves them to the sweep: then they come with the next tries.
    const order = await sweepUntil(app, orderId, ({ status }) => status === 'CONFIRMED', 5000);
    expect(order).toMatchObject({ payments: [{ evidence: { source: 'CALLBACK' } }] });
    return { orderId, paymentId: payment.id, intentId: payment.providerPaymentId };
  }

  /** The order after its callbacks. A round of failing queries does not change it. */
  async function told(orderId: string) {
    await untilCallbacksCame(app);
    const order = await readOrder(app, orderId);
    await app.app.rounds.sweep();
    expect((await readOrder(app, orderId)).version).toBe(order.version);
    return order;
  }

  test.each(['AUTOMATIC', 'MANUAL'] as const)('that the buyer has paid: capture mode %s', async (captureMode) => {
    await paid(captureMode);
  });

  test('that a payment was made whose creation was not answered', async () => {
    const { id: orderId, number } = await createOrder(app);
    await fault({ fault: 'error_500_after', match: { operation: 'payment_intents.create', contains: number } });
    expect(await payOrder(app, orderId)).toMatchObject({ status: 'UNKNOWN' });
    const order = await sweepUntil(app, orderId, ({ payments }) => payments[0]?.status === 'ACTION_REQUIRED', 5000);
    const [payment] = order.payments;
    if (payment === undefined) throw new Error('The order has no payment.');
    expect(payment).toMatchObject({ evidence: { source: 'CALLBACK' } });
    await confirmCard(app, payment);
    expect(await told(orderId)).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PAID' });
  });

  test('that a capture whose answer was lost was made', async () => {
    const { orderId, paymentId, intentId } = await paid('MANUAL');
    await fault({ fault: 'error_500_after', match: { path: `/v1/payment_intents/${intentId}/capture` } });
    const answer = await capturePayment(app, { paymentId, amountMinor: 900 });
    expect(answer).toMatchObject({ __typename: 'Payment' });
    expect(await told(orderId)).toMatchObject({
      ...{ paymentStatus: 'PARTIALLY_PAID', captured: { amountMinor: 900 } },
      payments: [{ status: 'SUCCEEDED', captureRequested: null, evidence: { source: 'CALLBACK' } }],
    });
  });

  test('that an authorization has lapsed', async () => {
    const { orderId, intentId } = await paid('MANUAL');
    await atProvider(`payment_intents/${intentId}/lapse`);
    expect(await told(orderId)).toMatchObject({ status: 'OPEN', payments: [{ status: 'EXPIRED' }] });
  });

  test('that a refund whose answer was lost was made', async () => {
    const { orderId, paymentId } = await paid();
    await fault({ fault: 'error_500_after', match: { operation: 'refunds.create', contains: paymentId } });
    await requestRefund(app, { paymentId, amountMinor: 900 });
    expect(await told(orderId)).toMatchObject({
      ...{ paymentStatus: 'PARTIALLY_REFUNDED', refundable: { amountMinor: 1600 } },
      refunds: [{ status: 'SUCCEEDED', origin: 'REQUESTED', evidence: { source: 'CALLBACK' } }],
    });
    expect((await booksOf(app, paymentId)).refunds).toHaveLength(1);
  });

  test.each<[course: string | null, act: string, status: string, needsReview: string[]]>([
    ['refund_pending_then_succeeded', 'succeed', 'SUCCEEDED', []],
    ['refund_pending_then_failed', 'fail', 'FAILED', []],
    [null, 'fail', 'FAILED', ['REFUND_ABNORMAL']],
  ])('the outcome of a refund: %s, %s', async (course, act, status, needsReview) => {
    const { orderId, paymentId } = await paid();
    if (course !== null) await fault({ fault: course, match: { contains: paymentId } });
    await requestRefund(app, { paymentId, amountMinor: 2500 });
    const [refund] = (await booksOf(app, paymentId)).refunds;
    await atProvider(`refunds/${refund?.id}/${act}`);
    expect(await told(orderId)).toMatchObject({ refunds: [{ status, evidence: { source: 'CALLBACK' } }], needsReview });
  });

  test('money that arrives after the cancellation', async () => {
    const { id: orderId } = await createOrder(app);
    const payment = await payOrder(app, orderId);
    await cancelOrder(orderId);
    await atProvider(`payment_intents/${payment.providerPaymentId}/succeed`);
    // Closing begins with a query, which fails, so the order is still being closed and the money is not late.
    expect(await told(orderId)).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PAID', needsReview: [] });
  });

  test('a refund in the console, after the queries about it have failed for a while', async () => {
    const { orderId, intentId } = await paid();
    await atProvider('refunds', { payment_intent: intentId, amount: 800 });
    await untilCallbacksCame(app);
    expect((await readOrder(app, orderId)).refunds).toEqual([]);
    const order = await sweepUntil(app, orderId, ({ refunds }) => refunds.length === 1, 5000);
    expect(order.refunds).toMatchObject([
      { origin: 'PROVIDER', status: 'SUCCEEDED', evidence: { source: 'CALLBACK' } },
    ]);
  });
});
