import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { insertRow, merchantRow, orderRow, paymentRow } from '../database/rows-to-insert.ts';
import {
  booksOf,
  createOrder,
  paidOrder,
  payOrder,
  readOrder,
  refreshPayment,
  requestRefund,
  sweepUntil,
} from '../support/orders.ts';
import {
  advanceSandbox,
  clearFaults,
  control,
  startTestApp,
  type TestApp,
  untilCallbacksCame,
} from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const fault = (rule: object) => control(app.sandboxUrl, 'faults', rule);
const day = 24 * 60 * 60_000;

describe('requestRefund', () => {
  test('refunds a part, then the rest, and returns the refundable amount each time', async () => {
    const { orderId, payment } = await paidOrder(app);
    const { id: paymentId } = payment;
    expect(await requestRefund(app, { paymentId, amountMinor: 1000, reason: 'One is broken' })).toMatchObject({
      ...{ status: 'SUCCEEDED', origin: 'REQUESTED', reason: 'One is broken', evidence: { source: 'RESPONSE' } },
      payment: { refunded: { amountMinor: 1000 }, refundable: { amountMinor: 1500 } },
    });
    expect(await readOrder(app, orderId)).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PARTIALLY_REFUNDED' });
    expect(await requestRefund(app, { paymentId, amountMinor: 1501 })).toMatchObject({
      ...{ code: 'REFUND_EXCEEDS_PAYMENT', refundable: { amountMinor: 1500, currency: 'EUR' } },
    });
    expect(await requestRefund(app, { paymentId, amountMinor: 1500 })).toMatchObject({ status: 'SUCCEEDED' });
    expect(await readOrder(app, orderId)).toMatchObject({
      ...{ paymentStatus: 'REFUNDED', refundable: { amountMinor: 0 }, allowedActions: [], needsReview: [] },
    });
    expect(await requestRefund(app, { paymentId, amountMinor: 1 })).toMatchObject({ refundable: { amountMinor: 0 } });
    expect((await booksOf(app, paymentId)).totals).toMatchObject({ captured: 2500, refunded: 2500 });
  });

  test('of a payment without captured money is an error that says so', async () => {
    const { id } = await payOrder(app, (await createOrder(app)).id);
    expect(await requestRefund(app, { paymentId: id, amountMinor: 1 })).toMatchObject({
      ...{
        code: 'REFUND_EXCEEDS_PAYMENT',
        message: 'Nothing has been captured from the payment yet, so there is nothing to refund.',
      },
    });
  });

  test('repeated with the same key is one refund; with other input the key is refused', async () => {
    const { payment } = await paidOrder(app);
    const input = { paymentId: payment.id, amountMinor: 700, idempotencyKey: randomUUID() };
    const answers = await Promise.all([requestRefund(app, input), requestRefund(app, input)]);
    const again = await requestRefund(app, input);
    expect(again).toMatchObject({ status: 'SUCCEEDED' });
    expect(answers.map((answer) => 'id' in answer && answer.id)).toEqual(answers.map(() => 'id' in again && again.id));
    expect(await requestRefund(app, { ...input, amountMinor: 701 })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect((await booksOf(app, payment.id)).refunds).toMatchObject([{ amount: 700, status: 'succeeded' }]);
  });

  test('16 concurrent calls never exceed the payment: exactly those that fit are executed', async () => {
    const { orderId, payment } = await paidOrder(app);
    const answers = await Promise.all(
      Array.from({ length: 16 }, () => requestRefund(app, { paymentId: payment.id, amountMinor: 400 })),
    );
    const made = answers.filter(({ __typename }) => __typename === 'Refund');
    expect(made).toHaveLength(6);
    for (const answer of answers) {
      if (answer.__typename !== 'Refund') expect(answer).toMatchObject({ code: 'REFUND_EXCEEDS_PAYMENT' });
    }
    const order = await sweepUntil(app, orderId, ({ refunds }) =>
      refunds.every(({ status }) => status === 'SUCCEEDED'),
    );
    expect(order).toMatchObject({ paymentStatus: 'PARTIALLY_REFUNDED', refundable: { amountMinor: 100 } });
    expect((await booksOf(app, payment.id)).totals.refunded).toBe(2400);
  });

  test('is for captured money only', async () => {
    const { payment } = await paidOrder(app, { captureMode: 'MANUAL' });
    expect(await requestRefund(app, { paymentId: payment.id })).toMatchObject({
      ...{ code: 'REFUND_EXCEEDS_PAYMENT', refundable: { amountMinor: 0 } },
    });
  });

  test.each<[what: string, input: object, path: string]>([
    ['an amount of 0', { amountMinor: 0 }, 'amountMinor'],
    ['a reason of 81 characters', { reason: 'x'.repeat(81) }, 'reason'],
    ['an id of something else', { paymentId: 'ord_01jd8m0v6te4r8x3y5z7a9b1c2' }, 'paymentId'],
    ['an empty key', { idempotencyKey: '' }, 'idempotencyKey'],
  ])('%s is an input error that names the field', async (_what, input, path) => {
    const paymentId = 'pay_01jd8m0v6te4r8x3y5z7a9b1c2';
    expect(await requestRefund(app, { paymentId, ...input })).toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path }],
    });
  });

  test('of an unknown payment, or a payment of another merchant, is NOT_FOUND', async () => {
    const paymentId = 'pay_01jd8m0v6te4r8x3y5z7a9b1c3';
    expect(await requestRefund(app, { paymentId })).toMatchObject({ code: 'NOT_FOUND' });
    const { pool } = app.database;
    await insertRow(pool, 'merchants', merchantRow);
    await insertRow(pool, 'orders', { ...orderRow, captured_minor: 1000, authorized_minor: 1000 });
    await insertRow(pool, 'payments', { ...paymentRow, id: paymentId, refunded_minor: 0, reserved_minor: 0 });
    expect(await requestRefund(app, { paymentId })).toMatchObject({ code: 'NOT_FOUND' });
    const { rows } = await pool.query('select 1 from refunds where payment_id = $1', [paymentId]);
    expect(rows).toEqual([]);
  });

  test('works in the same way for a payment made on the checkout page', async () => {
    const { id: orderId } = await createOrder(app);
    const payment = await payOrder(app, orderId, { flow: 'REDIRECT', returnUrl: 'https://shop.example/' });
    if (payment.nextAction?.__typename !== 'RedirectAction') throw new Error('The payment leads nowhere.');
    const body = new URLSearchParams({ action: 'pay', card: '4242424242424242' });
    await fetch(payment.nextAction.url, { method: 'POST', body, redirect: 'manual' });
    await untilCallbacksCame(app);
    expect(await requestRefund(app, { paymentId: payment.id, amountMinor: 2500 })).toMatchObject({
      status: 'SUCCEEDED',
    });
    expect((await booksOf(app, payment.id)).totals).toMatchObject({ captured: 2500, refunded: 2500 });
  });

  test('of an amount that the provider cannot refund is an input error, and reserves nothing', async () => {
    // Stripe takes dinars only in hundredths; this amount has a thousandth.
    const lines = [{ name: 'Cup', quantity: 1, unitAmountMinor: 2500 }];
    const { orderId, payment } = await paidOrder(app, { currency: 'KWD', lines });
    expect(await requestRefund(app, { paymentId: payment.id, amountMinor: 1001 })).toMatchObject({
      ...{ code: 'INVALID_INPUT', issues: [{ path: 'amountMinor' }] },
    });
    expect(await readOrder(app, orderId)).toMatchObject({ refunds: [], refundable: { amountMinor: 2500 } });
    expect(await requestRefund(app, { paymentId: payment.id, amountMinor: 1010 })).toMatchObject({
      status: 'SUCCEEDED',
    });
  });

  test('can be read by its id, with its payment and order', async () => {
    const { orderId, payment } = await paidOrder(app);
    const refund = await requestRefund(app, { paymentId: payment.id, amountMinor: 300 });
    const { node } = await app.client.request<{ node: object }>(
      'query($id: ID!) { node(id: $id) { id ... on Refund { status amount { decimal } payment { id } order { id } } } }',
      { id: 'id' in refund ? refund.id : '' },
    );
    expect(node).toMatchObject({
      ...{ status: 'SUCCEEDED', amount: { decimal: '3.00' }, payment: { id: payment.id }, order: { id: orderId } },
    });
  });
});

describe('several refunds in flight', () => {
  test('reserve their amounts and end independently', async () => {
    const { orderId, payment } = await paidOrder(app);
    const { id: paymentId } = payment;
    await fault({ fault: 'refund_pending_then_succeeded', match: { contains: paymentId }, times: 3 });
    const amounts = [900, 800, 700];
    const refunds = await Promise.all(amounts.map((amountMinor) => requestRefund(app, { paymentId, amountMinor })));
    for (const refund of refunds) expect(refund).toMatchObject({ status: 'PENDING', evidence: { source: 'RESPONSE' } });
    expect(await requestRefund(app, { paymentId, amountMinor: 101 })).toMatchObject({
      refundable: { amountMinor: 100 },
    });
    expect(await readOrder(app, orderId)).toMatchObject({
      ...{ paymentStatus: 'PAID', refundable: { amountMinor: 100 }, refunded: { amountMinor: 0 } },
    });
    const ends = { 900: 'succeed', 800: 'fail', 700: 'succeed' } as const;
    for (const { id, amount } of (await booksOf(app, paymentId)).refunds) {
      await control(app.sandboxUrl, `stripe/refunds/${id}/${ends[amount as keyof typeof ends]}`, {});
    }
    await untilCallbacksCame(app);
    const order = await readOrder(app, orderId);
    expect(order.refunds.map(({ amount, status }) => [amount.amountMinor, status]).sort()).toEqual([
      ...[
        [700, 'SUCCEEDED'],
        [800, 'FAILED'],
        [900, 'SUCCEEDED'],
      ],
    ]);
    expect(order).toMatchObject({
      ...{ paymentStatus: 'PARTIALLY_REFUNDED', refundable: { amountMinor: 900 }, refunded: { amountMinor: 1600 } },
    });
    expect((await booksOf(app, paymentId)).totals.refunded).toBe(1600);
  });
});

describe('a refund whose outcome is unknown', () => {
  test.each(['error_500_after', 'malformed', 'error_500_before'])(
    'after %s is UNKNOWN and keeps its amount reserved; a query settles it, with one refund at the provider',
    async (name) => {
      const { orderId, payment } = await paidOrder(app);
      const { id: paymentId } = payment;
      await fault({ fault: name, match: { operation: 'refunds.create', contains: paymentId }, times: 2 });
      const refund = await requestRefund(app, { paymentId, amountMinor: 2000 });
      expect(refund).toMatchObject({ status: 'UNKNOWN', failure: null, nextCheckAt: expect.any(String) });
      expect(await requestRefund(app, { paymentId, amountMinor: 501 })).toMatchObject({
        refundable: { amountMinor: 500 },
      });
      const order = await sweepUntil(app, orderId, ({ refunds }) => refunds[0]?.status === 'SUCCEEDED', 6000);
      expect(order.refunds).toMatchObject([{ amount: { amountMinor: 2000 } }]);
      expect(order.types.filter((type) => type.startsWith('REFUND'))).toEqual([
        ...['REFUND_REQUESTED', 'REFUND_UNKNOWN', 'REFUND_SUCCEEDED'],
      ]);
      expect((await booksOf(app, paymentId)).refunds).toMatchObject([{ amount: 2000, status: 'succeeded' }]);
    },
  );

  test('that the provider was too busy for stays PENDING and is executed later', async () => {
    const { orderId, payment } = await paidOrder(app);
    await fault({ fault: 'rate_limit', match: { operation: 'refunds.create', contains: payment.id }, times: 1 });
    expect(await requestRefund(app, { paymentId: payment.id })).toMatchObject({ status: 'PENDING' });
    const order = await sweepUntil(app, orderId, ({ refunds }) => refunds[0]?.status === 'SUCCEEDED', 3000);
    expect(order.types).not.toContain('REFUND_UNKNOWN');
  });
});

describe('a refund at the provider', () => {
  test.each([
    ['is reported by its callback before our own call is answered', false, 'SUCCEEDED'],
    ['fails before our own call is answered, which says that it succeeded,', true, 'FAILED'],
  ])('that %s has the true status in the end', async (_what, isReversed, status) => {
    const { orderId, payment } = await paidOrder(app);
    await fault({ fault: 'delay_after', ms: 60_000, match: { operation: 'refunds.create', contains: payment.id } });
    const call = requestRefund(app, { paymentId: payment.id });
    let made = (await booksOf(app, payment.id)).refunds;
    while (made.length === 0) made = (await booksOf(app, payment.id)).refunds;
    if (isReversed) await control(app.sandboxUrl, `stripe/refunds/${made[0]?.id}/fail`, {});
    await untilCallbacksCame(app);
    expect((await readOrder(app, orderId)).refunds).toMatchObject([{ status, evidence: { source: 'CALLBACK' } }]);
    await advanceSandbox(app, 60_000);
    expect(await call).toMatchObject({ status });
    await app.app.rounds.sweep();
    expect((await readOrder(app, orderId)).refunds).toMatchObject([{ status }]);
  });

  test('that is reported under our number while our own call makes another one is two refunds, and both count', async () => {
    const { orderId, payment } = await paidOrder(app);
    const { id: paymentId } = payment;
    await fault({ fault: 'delay_after', ms: 60_000, match: { operation: 'refunds.create', contains: paymentId } });
    await fault({ fault: 'drop', match: { type: 'refund.*' }, times: 20 });
    const call = requestRefund(app, { paymentId, amountMinor: 400 });
    while ((await booksOf(app, paymentId)).refunds.length === 0);
    await untilCallbacksCame(app);
    await clearFaults(app);
    const [asked] = (await readOrder(app, orderId)).refunds;
    const intent = (await booksOf(app, paymentId)).paymentIntents[0]?.id;
    const metadata = { refund_id: asked?.id, payment_id: paymentId };
    await control(app.sandboxUrl, 'stripe/refunds', { payment_intent: intent, amount: 400, metadata });
    await untilCallbacksCame(app);
    expect((await readOrder(app, orderId)).refunds).toMatchObject([{ id: asked?.id, status: 'SUCCEEDED' }]);
    await advanceSandbox(app, 60_000);
    expect(await call).toMatchObject({ id: asked?.id, status: 'SUCCEEDED' });
    expect((await booksOf(app, paymentId)).totals.refunded).toBe(800);
    const order = await readOrder(app, orderId);
    expect(order).toMatchObject({
      ...{ refunded: { amountMinor: 800 }, refundable: { amountMinor: 1700 }, needsReview: ['REFUND_ABNORMAL'] },
      refunds: [
        { id: asked?.id, amount: { amountMinor: 400 }, status: 'SUCCEEDED' },
        { amount: { amountMinor: 400 }, status: 'SUCCEEDED' },
      ],
    });
    expect(new Set(order.refunds.map(({ providerRefundId }) => providerRefundId)).size).toBe(2);
  });

  test('that is pending is accepted, and succeeds by callback', async () => {
    const { orderId, payment } = await paidOrder(app);
    await fault({ fault: 'refund_pending_then_succeeded', match: { contains: payment.id } });
    expect(await requestRefund(app, { paymentId: payment.id })).toMatchObject({
      ...{ status: 'PENDING', providerRefundId: expect.stringMatching(/^re_/) },
    });
    const [{ id } = { id: '' }] = (await booksOf(app, payment.id)).refunds;
    await control(app.sandboxUrl, `stripe/refunds/${id}/succeed`, {});
    const order = await sweepUntil(app, orderId, ({ refunds }) => refunds[0]?.status === 'SUCCEEDED', 100);
    expect(order.types.filter((type) => type.startsWith('REFUND'))).toEqual([
      ...['REFUND_REQUESTED', 'REFUND_PENDING', 'REFUND_SUCCEEDED'],
    ]);
  });

  test('that fails releases its amount, and has the reason', async () => {
    const { orderId, payment } = await paidOrder(app);
    await fault({ fault: 'refund_pending_then_failed', match: { contains: payment.id } });
    await requestRefund(app, { paymentId: payment.id });
    const [{ id } = { id: '' }] = (await booksOf(app, payment.id)).refunds;
    await control(app.sandboxUrl, `stripe/refunds/${id}/fail`, {});
    const order = await sweepUntil(app, orderId, ({ refunds }) => refunds[0]?.status === 'FAILED', 100);
    expect(order).toMatchObject({
      ...{ paymentStatus: 'PAID', refundable: { amountMinor: 2500 }, needsReview: [] },
      refunds: [{ failure: { reason: 'provider_error' } }],
    });
  });

  test('that is reversed after it succeeded is refundable again and goes into review', async () => {
    const { orderId, payment } = await paidOrder(app);
    await requestRefund(app, { paymentId: payment.id });
    const [{ id } = { id: '' }] = (await booksOf(app, payment.id)).refunds;
    await control(app.sandboxUrl, `stripe/refunds/${id}/fail`, {});
    const order = await sweepUntil(app, orderId, ({ refunds }) => refunds[0]?.status === 'FAILED', 100);
    expect(order).toMatchObject({
      ...{ paymentStatus: 'PAID', refundable: { amountMinor: 2500 }, needsReview: ['REFUND_ABNORMAL'] },
    });
  });

  test('that the provider refuses for good is FAILED at once, and its amount is released', async () => {
    const { orderId, payment } = await paidOrder(app);
    const drop = { fault: 'drop', match: { contains: payment.providerPaymentId }, times: 20 };
    await fault(drop);
    // Refunded in the console in the meantime, without a callback.
    await control(app.sandboxUrl, 'stripe/refunds', { payment_intent: payment.providerPaymentId, amount: 2000 });
    expect(await requestRefund(app, { paymentId: payment.id, amountMinor: 1000 })).toMatchObject({
      ...{ status: 'FAILED', failure: { reason: 'provider_error' }, nextCheckAt: null },
      payment: { refundable: { amountMinor: 2500 } },
    });
    // The reason is queried at once and found.
    await app.app.rounds.sweep();
    expect(await readOrder(app, orderId)).toMatchObject({
      ...{ paymentStatus: 'PARTIALLY_REFUNDED', refundable: { amountMinor: 500 }, needsReview: [] },
      refunds: [{ status: 'FAILED' }, { status: 'SUCCEEDED', origin: 'PROVIDER', amount: { amountMinor: 2000 } }],
    });
    expect(await requestRefund(app, { paymentId: payment.id, amountMinor: 500 })).toMatchObject({
      status: 'SUCCEEDED',
    });
  });
});

describe('a refund made in the provider’s console', () => {
  test('is queried when its callback arrives, and recorded', async () => {
    const { orderId, payment } = await paidOrder(app);
    await control(app.sandboxUrl, 'stripe/refunds', { payment_intent: payment.providerPaymentId, amount: 800 });
    const order = await sweepUntil(app, orderId, ({ refunds }) => refunds.length === 1, 100);
    expect(order).toMatchObject({
      ...{ paymentStatus: 'PARTIALLY_REFUNDED', refundable: { amountMinor: 1700 } },
      refunds: [
        { origin: 'PROVIDER', status: 'SUCCEEDED', amount: { amountMinor: 800 }, evidence: { source: 'QUERY' } },
      ],
    });
  });

  test('is recorded as the provider answers when its callback states another amount, which a person has to look at', async () => {
    const { orderId, payment } = await paidOrder(app);
    await fault({ fault: 'wrong_amount', match: { type: 'refund.created', contains: payment.providerPaymentId } });
    await control(app.sandboxUrl, 'stripe/refunds', { payment_intent: payment.providerPaymentId, amount: 800 });
    const order = await sweepUntil(app, orderId, ({ needsReview }) => needsReview.length > 0, 100);
    expect(order).toMatchObject({
      ...{ needsReview: ['REFUND_ABNORMAL'], refundable: { amountMinor: 1700 } },
      refunds: [{ origin: 'PROVIDER', status: 'SUCCEEDED', amount: { amountMinor: 800 } }],
    });
    expect(order.events.nodes.at(-1)?.note).toMatch(/a refund was reported with .+ EUR instead of 8\.00 EUR/);
    const { rows } = await app.database.pool.query(
      `select status, reason from deliveries where payment_id = $1 and event_type = 'refund.created'`,
      [payment.id],
    );
    expect(rows).toEqual([{ status: 'REVIEW', reason: 'mismatch' }]);
  });

  test('is watched like the first one if it is the second or third: it is queried again within a day', async () => {
    const { orderId, payment } = await paidOrder(app);
    for (const count of [1, 2, 3, 4]) {
      await control(app.sandboxUrl, 'stripe/refunds', { payment_intent: payment.providerPaymentId, amount: 100 });
      await untilCallbacksCame(app);
      const order = await sweepUntil(app, orderId, ({ refunds }) => refunds.length === count, 100);
      const nextCheckAt = Date.parse(order.payments[0]?.nextCheckAt ?? '');
      expect(nextCheckAt - app.clock.now().getTime()).toBeLessThanOrEqual(day);
    }
  });

  test('is found by refreshPayment when its callback is lost', async () => {
    const { orderId, payment } = await paidOrder(app);
    await fault({ fault: 'drop', match: { contains: payment.providerPaymentId }, times: 50 });
    for (const amount of [100, 200]) {
      await control(app.sandboxUrl, 'stripe/refunds', { payment_intent: payment.providerPaymentId, amount });
    }
    app.clock.advance(1100);
    await refreshPayment(app, payment.id);
    expect(await readOrder(app, orderId)).toMatchObject({
      ...{ refundable: { amountMinor: 2200 }, refunds: [{ origin: 'PROVIDER' }, { origin: 'PROVIDER' }] },
    });
  });

  test('is found by queries when all callbacks are lost', async () => {
    const { orderId, payment } = await paidOrder(app);
    await fault({ fault: 'drop', match: { contains: payment.providerPaymentId }, times: 50 });
    await control(app.sandboxUrl, 'stripe/refunds', { payment_intent: payment.providerPaymentId, amount: 800 });
    const order = await sweepUntil(app, orderId, ({ refunds }) => refunds.length === 1, day);
    expect(order.refunds).toMatchObject([{ origin: 'PROVIDER', status: 'SUCCEEDED', evidence: { source: 'QUERY' } }]);
  });

  test('that is reversed later is also found by queries', async () => {
    const { orderId, payment } = await paidOrder(app);
    await fault({ fault: 'drop', match: { contains: payment.providerPaymentId }, times: 50 });
    await requestRefund(app, { paymentId: payment.id, amountMinor: 2500 });
    const [{ id } = { id: '' }] = (await booksOf(app, payment.id)).refunds;
    await control(app.sandboxUrl, `stripe/refunds/${id}/fail`, {});
    const order = await sweepUntil(app, orderId, ({ refunds }) => refunds[0]?.status === 'FAILED', day);
    expect(order).toMatchObject({ paymentStatus: 'PAID', needsReview: ['REFUND_ABNORMAL'] });
  });
});
