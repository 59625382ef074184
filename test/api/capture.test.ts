import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  booksOf,
  capturePayment,
  paidOrder,
  payOrder,
  readOrder,
  requestRefund,
  sweepUntil,
} from '../support/orders.ts';
import { control, startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const fault = (rule: object) => control(app.sandboxUrl, 'faults', rule);
const day = 24 * 60 * 60_000;

/** An order whose buyer's money is held, and not taken. */
async function authorizedOrder() {
  const { orderId, payment } = await paidOrder(app, { captureMode: 'MANUAL' });
  expect(await readOrder(app, orderId)).toMatchObject({
    ...{ status: 'CONFIRMED', paymentStatus: 'AUTHORIZED', allowedActions: ['CANCEL', 'CAPTURE'] },
  });
  return { orderId, paymentId: payment.id, intentId: payment.providerPaymentId };
}

type Answer = { status?: string; code?: string };
const mutate = async (mutation: string, id: string, type: 'Order' | 'Payment') =>
  (
    await app.client.request<{ answer: Answer }>(
      `mutation($id: ID!) { answer: ${mutation} { ... on ${type} { status } ... on Error { code } } }`,
      { id },
    )
  ).answer;
const cancelOrder = (id: string) => mutate('cancelOrder(input: { orderId: $id })', id, 'Order');
const cancelPayment = (id: string) => mutate('cancelPayment(input: { paymentId: $id })', id, 'Payment');

describe('capturePayment', () => {
  test('takes all that was authorized, which may be refunded then', async () => {
    const { orderId, paymentId } = await authorizedOrder();
    expect(await capturePayment(app, { paymentId })).toMatchObject({
      ...{ status: 'SUCCEEDED', captured: { amountMinor: 2500 }, captureRequested: null },
    });
    expect(await readOrder(app, orderId)).toMatchObject({ paymentStatus: 'PAID', allowedActions: ['REFUND'] });
    expect(await requestRefund(app, { paymentId, amountMinor: 2500 })).toMatchObject({ status: 'SUCCEEDED' });
    expect((await booksOf(app, paymentId)).totals).toMatchObject({ charges: 1, captured: 2500, refunded: 2500 });
  });

  test('takes a part, and the rest is released', async () => {
    const { orderId, paymentId } = await authorizedOrder();
    expect(await capturePayment(app, { paymentId, amountMinor: 1000 })).toMatchObject({ status: 'SUCCEEDED' });
    expect(await readOrder(app, orderId)).toMatchObject({
      ...{ status: 'CONFIRMED', paymentStatus: 'PARTIALLY_PAID', captured: { amountMinor: 1000 } },
    });
    expect((await booksOf(app, paymentId)).totals).toMatchObject({ authorized: 0, captured: 1000, refunded: 0 });
    expect(await requestRefund(app, { paymentId, amountMinor: 1001 })).toMatchObject({
      code: 'REFUND_EXCEEDS_PAYMENT',
    });
  });

  test('with the same key it is one capture; another one is refused, and so is more than was authorized', async () => {
    const { paymentId } = await authorizedOrder();
    expect(await capturePayment(app, { paymentId, amountMinor: 2501 })).toMatchObject({
      issues: [{ path: 'amountMinor' }],
    });
    const input = { paymentId, amountMinor: 600, idempotencyKey: randomUUID() };
    const answers = await Promise.all([capturePayment(app, input), capturePayment(app, input)]);
    for (const answer of answers) expect(answer).toMatchObject({ __typename: 'Payment', id: paymentId });
    expect(await capturePayment(app, input)).toMatchObject({ status: 'SUCCEEDED', captured: { amountMinor: 600 } });
    expect(await capturePayment(app, { ...input, amountMinor: 700 })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await capturePayment(app, { paymentId })).toMatchObject({
      ...{ code: 'PAYMENT_NOT_CAPTURABLE', payment: { status: 'SUCCEEDED' } },
    });
  });

  test('of what is not authorized is refused', async () => {
    const { payment } = await paidOrder(app);
    expect(await capturePayment(app, { paymentId: payment.id })).toMatchObject({ code: 'PAYMENT_NOT_CAPTURABLE' });
    expect(await capturePayment(app, { paymentId: 'pay_01jd8m0v6te4r8x3y5z7a9b1c2' })).toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  test.each(['error_500_after', 'malformed', 'error_500_before'])(
    'whose outcome is unknown after %s stays AUTHORIZED, is asked about soon, and takes the money once',
    async (name) => {
      const { orderId, paymentId, intentId } = await authorizedOrder();
      await fault({ fault: 'drop', match: { contains: intentId }, times: 20 });
      await fault({ fault: name, match: { path: `/v1/payment_intents/${intentId}/capture` }, times: 2 });
      expect(await capturePayment(app, { paymentId, amountMinor: 900 })).toMatchObject({
        ...{ status: 'AUTHORIZED', captureRequested: { amountMinor: 900 }, nextCheckAt: expect.any(String) },
      });
      expect(await cancelPayment(paymentId)).toMatchObject({ code: 'PAYMENT_NOT_CANCELABLE' });
      expect(await cancelOrder(orderId)).toMatchObject({ code: 'ORDER_NOT_CANCELABLE' });
      expect(await capturePayment(app, { paymentId })).toMatchObject({ code: 'PAYMENT_NOT_CAPTURABLE' });
      const order = await sweepUntil(app, orderId, ({ payments }) => payments[0]?.status === 'SUCCEEDED', 6000);
      expect(order.payments).toMatchObject([{ captured: { amountMinor: 900 }, captureRequested: null }]);
      expect((await booksOf(app, paymentId)).totals).toMatchObject({ charges: 1, captured: 900, authorized: 0 });
    },
  );

  test('for which the provider is too busy is PROVIDER_UNAVAILABLE, and the same key does it later', async () => {
    const { paymentId, intentId } = await authorizedOrder();
    await fault({ fault: 'rate_limit', match: { path: `/v1/payment_intents/${intentId}/capture` }, times: 1 });
    const input = { paymentId, idempotencyKey: randomUUID() };
    expect(await capturePayment(app, input)).toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      retryAfterMs: expect.any(Number),
    });
    expect(await capturePayment(app, input)).toMatchObject({ status: 'SUCCEEDED', captured: { amountMinor: 2500 } });
  });

  test('of an authorization that has lapsed unheard is PROVIDER_REJECTED, and shows what is so', async () => {
    const { orderId, paymentId, intentId } = await authorizedOrder();
    await fault({ fault: 'drop', match: { contains: intentId }, times: 20 });
    await control(app.sandboxUrl, `stripe/payment_intents/${intentId}/lapse`, {});
    expect(await capturePayment(app, { paymentId })).toMatchObject({
      ...{ code: 'PROVIDER_REJECTED', payment: { status: 'EXPIRED' } },
    });
    expect(await readOrder(app, orderId)).toMatchObject({ paymentStatus: 'UNPAID', captured: { amountMinor: 0 } });
  });
});

describe('an authorization that is given back', () => {
  test('by cancelPayment leaves its order open, to be paid anew', async () => {
    const { orderId, paymentId } = await authorizedOrder();
    expect(await cancelPayment(paymentId)).toMatchObject({ status: 'CANCELED' });
    expect(await readOrder(app, orderId)).toMatchObject({ status: 'OPEN', allowedActions: ['PAY', 'CANCEL'] });
    expect((await booksOf(app, paymentId)).totals).toMatchObject({ authorized: 0, captured: 0 });
    expect(await payOrder(app, orderId)).toMatchObject({ status: 'ACTION_REQUIRED' });
  });

  test('by cancelOrder ends its order', async () => {
    const { orderId, paymentId } = await authorizedOrder();
    expect(await cancelOrder(orderId)).toMatchObject({ status: 'CANCELED' });
    const order = await readOrder(app, orderId);
    expect(order).toMatchObject({ status: 'CANCELED', paymentStatus: 'UNPAID', payments: [{ status: 'CANCELED' }] });
    expect(order.types.slice(-4)).toEqual(['ORDER_CLOSING', 'PAYMENT_CANCELING', 'PAYMENT_CANCELED', 'ORDER_CANCELED']);
    expect((await booksOf(app, paymentId)).totals).toMatchObject({ authorized: 0, captured: 0 });
  });

  test.each(['told by its callback', 'found by asking'])('by the provider, which lets it lapse, %s', async (how) => {
    const { orderId, intentId } = await authorizedOrder();
    if (how === 'found by asking') await fault({ fault: 'drop', match: { contains: intentId }, times: 20 });
    await control(app.sandboxUrl, `stripe/payment_intents/${intentId}/lapse`, {});
    // By then the order's own time has run out as well.
    const stepMs = how === 'found by asking' ? day : 1000;
    const lapsed = await sweepUntil(app, orderId, ({ payments }) => payments[0]?.status === 'EXPIRED', stepMs);
    expect(lapsed).toMatchObject({ paymentStatus: 'UNPAID', captured: { amountMinor: 0 } });
    const order = await sweepUntil(app, orderId, ({ status }) => status === 'EXPIRED');
    expect(order.types.slice(-2)).toEqual(['ORDER_CLOSING', 'ORDER_EXPIRED']);
  });
});
