import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
  sweepUntil,
} from '../support/orders.ts';
import { advanceSandbox, control, startTestApp, type TestApp, untilCallbacksCame } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const fault = (rule: object) => control(app.sandboxUrl, 'faults', rule);
const day = 24 * 60 * 60_000;

/** An order with an authorized payment. */
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
const isEnd = (status: string) => status === 'SUCCEEDED' || status === 'CANCELED';

describe('capturePayment', () => {
  test('captures the whole authorized amount, which can then be refunded', async () => {
    const { orderId, paymentId } = await authorizedOrder();
    expect(await capturePayment(app, { paymentId })).toMatchObject({
      ...{ status: 'SUCCEEDED', captured: { amountMinor: 2500 }, captureRequested: null },
    });
    expect(await readOrder(app, orderId)).toMatchObject({ paymentStatus: 'PAID', allowedActions: ['REFUND'] });
    expect(await requestRefund(app, { paymentId, amountMinor: 2500 })).toMatchObject({ status: 'SUCCEEDED' });
    expect((await booksOf(app, paymentId)).totals).toMatchObject({ charges: 1, captured: 2500, refunded: 2500 });
  });

  test('captures a part, and the rest is released', async () => {
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

  test('with the same key is one capture; another capture and more than the authorized amount are refused', async () => {
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

  test('of an amount that the provider cannot capture is an input error, and no capture is started', async () => {
    // Stripe takes dinars only in hundredths; this amount has a thousandth.
    const lines = [{ name: 'Cup', quantity: 1, unitAmountMinor: 2500 }];
    const { payment } = await paidOrder(app, { captureMode: 'MANUAL', currency: 'KWD', lines });
    const { id: paymentId } = payment;
    expect(await capturePayment(app, { paymentId, amountMinor: 1001 })).toMatchObject({
      ...{ code: 'INVALID_INPUT', issues: [{ path: 'amountMinor' }] },
    });
    expect(await capturePayment(app, { paymentId, amountMinor: 1010 })).toMatchObject({
      ...{ status: 'SUCCEEDED', captured: { amountMinor: 1010 } },
    });
  });

  test.each([
    ['an amount of 0', { amountMinor: 0 }, 'amountMinor'],
    ['an empty key', { idempotencyKey: '' }, 'idempotencyKey'],
    ['an id of something else', { paymentId: 'rfd_01jd8m0v6te4r8x3y5z7a9b1c2' }, 'paymentId'],
  ])('of %s is an input error that names the field', async (_what, input, path) => {
    const paymentId = 'pay_01jd8m0v6te4r8x3y5z7a9b1c2';
    expect(await capturePayment(app, { paymentId, ...input })).toMatchObject({ issues: [{ path }] });
  });

  test('of a payment that is not authorized is refused', async () => {
    const { payment } = await paidOrder(app);
    expect(await capturePayment(app, { paymentId: payment.id })).toMatchObject({ code: 'PAYMENT_NOT_CAPTURABLE' });
    expect(await capturePayment(app, { paymentId: 'pay_01jd8m0v6te4r8x3y5z7a9b1c2' })).toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  test.each<[fault: string, evidence: string]>([
    ['error_500_after', 'QUERY'],
    ['malformed', 'QUERY'],
    ['error_500_before', 'RESPONSE'],
  ])(
    'whose outcome is unknown after %s stays AUTHORIZED, is queried soon, and captures the money once',
    async (name, source) => {
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
      expect(order.payments).toMatchObject([
        { captured: { amountMinor: 900 }, captureRequested: null, evidence: { source } },
      ]);
      expect((await booksOf(app, paymentId)).totals).toMatchObject({ charges: 1, captured: 900, authorized: 0 });
    },
  );

  test('for which the provider is too busy stays requested, and the same key completes it', async () => {
    const { paymentId, intentId } = await authorizedOrder();
    await fault({ fault: 'rate_limit', match: { path: `/v1/payment_intents/${intentId}/capture` }, times: 1 });
    const input = { paymentId, idempotencyKey: randomUUID() };
    expect(await capturePayment(app, input)).toMatchObject({
      ...{ status: 'AUTHORIZED', captureRequested: { amountMinor: 2500 } },
    });
    expect(await capturePayment(app, input)).toMatchObject({ status: 'SUCCEEDED', captured: { amountMinor: 2500 } });
  });

  test('whose callback arrives before its answer is one capture', async () => {
    const { orderId, paymentId, intentId } = await authorizedOrder();
    const path = `/v1/payment_intents/${intentId}/capture`;
    await fault({ fault: 'delay_after', ms: 60_000, match: { path } });
    const call = capturePayment(app, { paymentId, amountMinor: 900 });
    while ((await booksOf(app, paymentId)).totals.captured === 0);
    await untilCallbacksCame(app);
    expect((await readOrder(app, orderId)).payments).toMatchObject([
      { status: 'SUCCEEDED', captured: { amountMinor: 900 }, evidence: { source: 'CALLBACK' } },
    ]);
    await advanceSandbox(app, 60_000);
    expect(await call).toMatchObject({ status: 'SUCCEEDED', captured: { amountMinor: 900 } });
    const { types } = await readOrder(app, orderId);
    expect(types.filter((type) => type === 'PAYMENT_SUCCEEDED')).toHaveLength(1);
  });

  test('with an unknown outcome has not happened when its authorization lapses in the meantime', async () => {
    const { orderId, paymentId, intentId } = await authorizedOrder();
    await fault({ fault: 'drop', match: { contains: intentId }, times: 20 });
    await fault({ fault: 'error_500_before', match: { path: `/v1/payment_intents/${intentId}/capture` }, times: 2 });
    expect(await capturePayment(app, { paymentId })).toMatchObject({ captureRequested: { amountMinor: 2500 } });
    await control(app.sandboxUrl, `stripe/payment_intents/${intentId}/lapse`, {});
    const order = await sweepUntil(app, orderId, ({ payments }) => payments[0]?.status === 'EXPIRED', 6000);
    expect(order).toMatchObject({
      ...{ paymentStatus: 'UNPAID', payments: [{ captured: { amountMinor: 0 }, captureRequested: null }] },
    });
  });

  test('of an authorization that lapsed without a callback is PROVIDER_REJECTED, and shows the real state', async () => {
    const { orderId, paymentId, intentId } = await authorizedOrder();
    await fault({ fault: 'drop', match: { contains: intentId }, times: 20 });
    await control(app.sandboxUrl, `stripe/payment_intents/${intentId}/lapse`, {});
    expect(await capturePayment(app, { paymentId })).toMatchObject({
      ...{ code: 'PROVIDER_REJECTED', payment: { status: 'EXPIRED' } },
    });
    expect(await readOrder(app, orderId)).toMatchObject({ paymentStatus: 'UNPAID', captured: { amountMinor: 0 } });
  });
});

describe('a capture that the provider refuses', () => {
  /** Stripe answers every capture with 400; the authorization stays. */
  async function refusedCapture() {
    const authorized = await authorizedOrder();
    const path = `/v1/payment_intents/${authorized.intentId}/capture`;
    await fault({ fault: 'refuse', match: { path }, times: 1 });
    return { ...authorized, path, input: { paymentId: authorized.paymentId, idempotencyKey: randomUUID() } };
  }
  const refusal = { code: 'PROVIDER_REJECTED', message: expect.stringContaining('refused the capture') };

  test('is refused every time it is repeated with the same key, and a new key tries again', async () => {
    const { orderId, paymentId, input } = await refusedCapture();
    expect(await capturePayment(app, input)).toMatchObject(refusal);
    expect(await capturePayment(app, input)).toMatchObject(refusal);
    await Promise.all([1, 2].map(async () => expect(await capturePayment(app, input)).toMatchObject(refusal)));
    const { types, payments } = await readOrder(app, orderId);
    expect(types.filter((type) => type === 'PAYMENT_CAPTURE_FAILED')).toHaveLength(1);
    expect(payments).toMatchObject([
      { status: 'AUTHORIZED', captureRequested: null, failure: { reason: 'provider_error' } },
    ]);
    expect(await capturePayment(app, { paymentId })).toMatchObject({ status: 'SUCCEEDED', failure: null });
    // The capture of this key was refused. Another key has captured the same amount since, so the result is the payment.
    expect(await capturePayment(app, input)).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('is refused under its key even after another key captured a different amount', async () => {
    const { paymentId, input } = await refusedCapture();
    expect(await capturePayment(app, input)).toMatchObject(refusal);
    expect(await capturePayment(app, { paymentId, amountMinor: 900 })).toMatchObject({ status: 'SUCCEEDED' });
    expect(await capturePayment(app, input)).toMatchObject({ code: 'PAYMENT_NOT_CAPTURABLE' });
  });

  test('after its outcome was unknown is refused under its key, too', async () => {
    const { orderId, paymentId, intentId } = await authorizedOrder();
    const path = `/v1/payment_intents/${intentId}/capture`;
    const input = { paymentId, idempotencyKey: randomUUID() };
    await fault({ fault: 'error_500_before', match: { path }, times: 1 });
    expect(await capturePayment(app, input)).toMatchObject({ captureRequested: { amountMinor: 2500 } });
    await fault({ fault: 'refuse', match: { path }, times: 1 });
    await sweepUntil(app, orderId, ({ types }) => types.includes('PAYMENT_CAPTURE_FAILED'), 6000);
    expect(await capturePayment(app, input)).toMatchObject(refusal);
  });

  test('because the authorization has lapsed is refused again on repetition', async () => {
    const { paymentId, intentId } = await authorizedOrder();
    await fault({ fault: 'drop', match: { contains: intentId }, times: 20 });
    await control(app.sandboxUrl, `stripe/payment_intents/${intentId}/lapse`, {});
    const input = { paymentId, idempotencyKey: randomUUID() };
    for (let call = 0; call < 2; call += 1) {
      expect(await capturePayment(app, input)).toMatchObject({ ...refusal, payment: { status: 'EXPIRED' } });
    }
  });
});

describe('changes in the provider’s console without a callback', () => {
  async function capturedUnheard() {
    const authorized = await authorizedOrder();
    await fault({ fault: 'drop', match: { contains: authorized.intentId }, times: 20 });
    await control(app.sandboxUrl, `stripe/payment_intents/${authorized.intentId}/succeed`, {});
    return authorized;
  }
  const isPaid = { status: 'CONFIRMED', paymentStatus: 'PAID', captured: { amountMinor: 2500 }, needsReview: [] };

  test('a capture of the same amount is a success', async () => {
    const { orderId, paymentId } = await capturedUnheard();
    expect(await capturePayment(app, { paymentId })).toMatchObject({ __typename: 'Payment', status: 'SUCCEEDED' });
    expect(await readOrder(app, orderId)).toMatchObject(isPaid);
  });

  test('a capture of a different amount was not ours: our capture is refused, and shows the real state', async () => {
    const { orderId, paymentId } = await capturedUnheard();
    const input = { paymentId, amountMinor: 900, idempotencyKey: randomUUID() };
    for (let call = 0; call < 3; call += 1) {
      expect(await capturePayment(app, input)).toMatchObject({
        ...{ code: 'PAYMENT_NOT_CAPTURABLE', payment: { status: 'SUCCEEDED' } },
      });
    }
    expect(await readOrder(app, orderId)).toMatchObject(isPaid);
  });

  test.each([
    ['cancelPayment', ({ paymentId }: { paymentId: string }) => cancelPayment(paymentId), { status: 'SUCCEEDED' }],
    ['cancelOrder', ({ orderId }: { orderId: string }) => cancelOrder(orderId), { status: 'CONFIRMED' }],
  ])('%s comes too late: the money is taken, and the order is paid', async (_what, act, answer) => {
    const authorized = await capturedUnheard();
    expect(await act(authorized)).toMatchObject(answer);
    expect(await readOrder(app, authorized.orderId)).toMatchObject(isPaid);
  });
});

test('of a concurrent capture and void, one succeeds, and the provider has done the same', async () => {
  for (const act of [cancelPayment, cancelOrder]) {
    const { orderId, paymentId } = await authorizedOrder();
    const [captured] = await Promise.all([
      capturePayment(app, { paymentId }),
      act(act === cancelPayment ? paymentId : orderId),
    ]);
    const order = await sweepUntil(app, orderId, ({ payments }) => payments.every(({ status }) => isEnd(status)), 6000);
    const capturedMinor = captured.__typename === 'Payment' ? 2500 : 0;
    expect(order).toMatchObject({ captured: { amountMinor: capturedMinor }, needsReview: [] });
    expect((await booksOf(app, paymentId)).totals).toMatchObject({ captured: capturedMinor, authorized: 0 });
  }
});

test('a buyer who pays the first payment after the second is authorized has paid, and the second is voided', async () => {
  const { id: orderId } = await createOrder(app, { captureMode: 'MANUAL' });
  const first = await payOrder(app, orderId);
  const second = await payOrder(app, orderId);
  await confirmCard(app, second);
  await untilCallbacksCame(app);
  expect(await readOrder(app, orderId)).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'AUTHORIZED' });
  await control(app.sandboxUrl, `stripe/payment_intents/${first.providerPaymentId}/succeed`, {});
  await untilCallbacksCame(app);
  const order = await sweepUntil(app, orderId, ({ payments }) => payments.every(({ status }) => isEnd(status)), 6000);
  expect(order).toMatchObject({
    ...{ status: 'CONFIRMED', paymentStatus: 'PAID', captured: { amountMinor: 2500 }, needsReview: [], refunds: [] },
    payments: [{ status: 'SUCCEEDED' }, { status: 'CANCELED' }],
  });
  expect((await booksOf(app, second.id)).totals).toMatchObject({ authorized: 0, captured: 0 });
});

describe('an authorization made on the checkout page', () => {
  async function authorizedOnPage() {
    const { id: orderId } = await createOrder(app, { captureMode: 'MANUAL' });
    const payment = await payOrder(app, orderId, { flow: 'REDIRECT', returnUrl: 'https://shop.example/' });
    if (payment.nextAction?.__typename !== 'RedirectAction') throw new Error('The payment leads nowhere.');
    const body = new URLSearchParams({ action: 'pay', card: '4242424242424242' });
    await fetch(payment.nextAction.url, { method: 'POST', body, redirect: 'manual' });
    await untilCallbacksCame(app);
    expect(await readOrder(app, orderId)).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'AUTHORIZED' });
    return { orderId, paymentId: payment.id };
  }

  test('is captured in part', async () => {
    const { paymentId } = await authorizedOnPage();
    expect(await capturePayment(app, { paymentId, amountMinor: 700 })).toMatchObject({ status: 'SUCCEEDED' });
    expect((await booksOf(app, paymentId)).totals).toMatchObject({ charges: 1, captured: 700, authorized: 0 });
  });

  test('is voided, and the refund object of Stripe does not count as a refund', async () => {
    const { orderId, paymentId } = await authorizedOnPage();
    expect(await cancelOrder(orderId)).toMatchObject({ status: 'CANCELED' });
    await untilCallbacksCame(app);
    app.clock.advance(1100);
    await refreshPayment(app, paymentId);
    expect(await readOrder(app, orderId)).toMatchObject({ paymentStatus: 'UNPAID', refunds: [], needsReview: [] });
    expect((await booksOf(app, paymentId)).totals).toMatchObject({ captured: 0, authorized: 0 });
  });
});

describe('an authorization that is voided', () => {
  test('by cancelPayment leaves its order open for another payment', async () => {
    const { orderId, paymentId } = await authorizedOrder();
    expect(await cancelPayment(paymentId)).toMatchObject({ status: 'CANCELED' });
    expect(await readOrder(app, orderId)).toMatchObject({ status: 'OPEN', allowedActions: ['PAY', 'CANCEL'] });
    expect((await booksOf(app, paymentId)).totals).toMatchObject({ authorized: 0, captured: 0 });
    expect(await payOrder(app, orderId)).toMatchObject({ status: 'ACTION_REQUIRED' });
    const { types } = await readOrder(app, orderId);
    expect(types.slice(-4)).toEqual([
      ...['PAYMENT_CANCELING', 'PAYMENT_CANCELED', 'PAYMENT_STARTED', 'PAYMENT_ACTION_REQUIRED'],
    ]);
  });

  test('by cancelOrder ends its order', async () => {
    const { orderId, paymentId } = await authorizedOrder();
    expect(await cancelOrder(orderId)).toMatchObject({ status: 'CANCELED' });
    const order = await readOrder(app, orderId);
    expect(order).toMatchObject({ status: 'CANCELED', paymentStatus: 'UNPAID', payments: [{ status: 'CANCELED' }] });
    expect(order.types.slice(-4)).toEqual(['ORDER_CLOSING', 'PAYMENT_CANCELING', 'PAYMENT_CANCELED', 'ORDER_CANCELED']);
    expect((await booksOf(app, paymentId)).totals).toMatchObject({ authorized: 0, captured: 0 });
  });

  test('by the provider when it lapses leaves its order open too, after its callback', async () => {
    const { orderId, intentId } = await authorizedOrder();
    await control(app.sandboxUrl, `stripe/payment_intents/${intentId}/lapse`, {});
    await untilCallbacksCame(app);
    expect(await readOrder(app, orderId)).toMatchObject({
      ...{ status: 'OPEN', paymentStatus: 'UNPAID', captured: { amountMinor: 0 }, allowedActions: ['PAY', 'CANCEL'] },
      payments: [{ status: 'EXPIRED', evidence: { source: 'CALLBACK' } }],
    });
    await confirmCard(app, await payOrder(app, orderId));
    await untilCallbacksCame(app);
    expect(await readOrder(app, orderId)).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'AUTHORIZED' });
  });

  test('leaves its order open until that expires', async () => {
    const { orderId, paymentId } = await authorizedOrder();
    await cancelPayment(paymentId);
    const order = await sweepUntil(app, orderId, ({ status }) => status === 'EXPIRED');
    expect(order.types.slice(-3)).toEqual(['PAYMENT_CANCELED', 'ORDER_CLOSING', 'ORDER_EXPIRED']);
    expect(order).toMatchObject({ allowedActions: [], payments: [{ status: 'CANCELED' }] });
  });

  test('by the provider when it lapses is found by a query, when its callback is lost', async () => {
    const { orderId, intentId } = await authorizedOrder();
    await fault({ fault: 'drop', match: { contains: intentId }, times: 20 });
    await control(app.sandboxUrl, `stripe/payment_intents/${intentId}/lapse`, {});
    const lapsed = await sweepUntil(app, orderId, ({ payments }) => payments[0]?.status === 'EXPIRED', day);
    expect(lapsed).toMatchObject({ paymentStatus: 'UNPAID', captured: { amountMinor: 0 } });
    // By then the order has expired, too.
    const order = await sweepUntil(app, orderId, ({ status }) => status === 'EXPIRED');
    expect(order.types.slice(-2)).toEqual(['ORDER_CLOSING', 'ORDER_EXPIRED']);
  });
});
