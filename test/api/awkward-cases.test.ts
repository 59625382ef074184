import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../src/domain/ids.ts';
import {
  booksOf,
  confirmCard,
  createOrder,
  paidOrder,
  payOrder,
  readOrder,
  requestRefund,
  sweepUntil,
} from '../support/orders.ts';
import {
  advanceSandbox,
  askControl,
  control,
  startTestApp,
  type TestApp,
  testStripe,
  untilCallbacksCame,
} from '../support/test-app.ts';

// The table of awkward cases in the design, row by row and by its own words. What each row needs in detail has tests of its own:
// refunds, capture, reviews, closing, webhooks, lost-callbacks; and time-outs, which take their time.

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const fault = (rule: object) => control(app.sandboxUrl, 'faults', rule);
const cancel = (orderId: string) =>
  app.client.request('mutation($id: ID!) { cancelOrder(input: { orderId: $id }) { __typename } }', { id: orderId });

type Delivery = { status: string; reason: string | null };
async function deliveriesNaming(text: string): Promise<Delivery[]> {
  const { rows } = await app.database.pool.query<Delivery>(
    `select status::text, reason from deliveries where position($1::bytea in body) > 0`,
    [Buffer.from(text)],
  );
  return rows;
}

type Callback = { type: string; state: string; attempts: { status: number | null }[] };
/** The callbacks of one type that the sandbox has sent about an object. */
async function callbacksOf(objectId: string, type: string): Promise<Callback[]> {
  type Event = { id: string; type: string; data: { object: { id: string } } };
  const { events } = await askControl<{ events: Event[] }>(app.sandboxUrl, 'events');
  const event = events.find((event) => event.type === type && event.data.object.id === objectId);
  const { deliveries } = await askControl<{ deliveries: (Callback & { eventId: string })[] }>(
    app.sandboxUrl,
    'deliveries',
  );
  return deliveries.filter(({ eventId }) => eventId === event?.id);
}

/** Resolves with the provider's id of a payment whose creation is not answered yet. */
async function untilMade(orderId: string): Promise<string> {
  for (;;) {
    const [payment] = (await readOrder(app, orderId)).payments;
    const ledger = await askControl<{ stripe: { paymentIntents: { id: string }[] } }>(
      app.sandboxUrl,
      `ledger?payment_id=${payment?.id ?? 'none'}`,
    );
    const [intent] = ledger.stripe.paymentIntents;
    if (intent !== undefined) return intent.id;
  }
}

describe('the provider times out, resets, answers 5xx or cannot be parsed', () => {
  test.each(['reset_after', 'error_500_after', 'error_500_before', 'malformed'])(
    '%s: UNKNOWN, asked again, and one payment at the provider',
    async (name) => {
      const { id: orderId, number } = await createOrder(app);
      await fault({ fault: 'drop', match: { contains: number }, times: 20 });
      await fault({ fault: name, match: { operation: 'payment_intents.create', contains: number }, times: 2 });
      const { id: paymentId, status, nextCheckAt } = await payOrder(app, orderId);
      expect({ status, nextCheckAt }).toEqual({ status: 'UNKNOWN', nextCheckAt: expect.any(String) });
      const order = await sweepUntil(app, orderId, ({ payments }) => payments[0]?.status === 'ACTION_REQUIRED', 6000);
      const [payment] = order.payments;
      if (payment !== undefined) await confirmCard(app, payment);
      const paid = await sweepUntil(app, orderId, ({ status }) => status === 'CONFIRMED', 10_000);
      expect(paid.payments).toMatchObject([{ status: 'SUCCEEDED', evidence: { source: 'QUERY' } }]);
      expect((await booksOf(app, paymentId)).totals).toMatchObject({ paymentIntents: 1, charges: 1, captured: 2500 });
    },
  );
});

test('callback before our own call returned', async () => {
  const { id: orderId, number } = await createOrder(app);
  // The provider creates the payment, captures the money, sends its callbacks, and only then answers.
  await fault({ fault: 'delay_after', ms: 60_000, match: { operation: 'payment_intents.create', contains: number } });
  const call = payOrder(app, orderId);
  const intentId = await untilMade(orderId);
  await control(app.sandboxUrl, `stripe/payment_intents/${intentId}/succeed`, {});
  await untilCallbacksCame(app);
  expect(await readOrder(app, orderId)).toMatchObject({ status: 'CONFIRMED', payments: [{ status: 'SUCCEEDED' }] });
  await advanceSandbox(app, 60_000);
  // The answer says ACTION_REQUIRED. It is merged and does not revert the status.
  expect(await call).toMatchObject({ status: 'SUCCEEDED', providerPaymentId: intentId, nextAction: null });
  expect((await readOrder(app, orderId)).types).toEqual([
    ...['ORDER_CREATED', 'PAYMENT_STARTED', 'PAYMENT_SUCCEEDED', 'ORDER_CONFIRMED'],
  ]);
});

describe('two clicks on pay', () => {
  test('same key: same payment', async () => {
    const { id: orderId } = await createOrder(app);
    const input = { idempotencyKey: randomUUID() };
    const [first, second] = await Promise.all([payOrder(app, orderId, input), payOrder(app, orderId, input)]);
    expect(first.id).toBe(second.id);
    expect((await booksOf(app, first.id)).totals.paymentIntents).toBe(1);
  });

  test('other key while one may still succeed: PAYMENT_IN_PROGRESS with that payment', async () => {
    const { id: orderId, number } = await createOrder(app);
    await fault({ fault: 'drop', match: { contains: number }, times: 20 });
    await fault({
      fault: 'error_500_after',
      match: { operation: 'payment_intents.create', contains: number },
      times: 2,
    });
    const { id } = await payOrder(app, orderId);
    await expect(payOrder(app, orderId)).rejects.toThrow(new RegExp(`PaymentInProgressError.*${id}.*UNKNOWN`));
  });

  test('a payment that only waits for its buyer is closed at the provider first, and the new one starts', async () => {
    const { id: orderId } = await createOrder(app);
    const first = await payOrder(app, orderId);
    const second = await payOrder(app, orderId);
    expect((await readOrder(app, orderId)).payments).toMatchObject([
      { id: first.id, status: 'CANCELED' },
      { id: second.id, status: 'ACTION_REQUIRED' },
    ]);
    expect((await confirmCard(app, first)).status).toBe(400);
  });
});

describe('success after expiry or cancel', () => {
  test.each<[policy: string, order: object]>([
    ['ACCEPT', { status: 'CONFIRMED', paymentStatus: 'PAID', needsReview: ['LATE_PAYMENT'] }],
    ['REFUND', { status: 'CANCELED', paymentStatus: 'REFUNDED', needsReview: [] }],
    ['REVIEW', { status: 'CANCELED', paymentStatus: 'PAID', needsReview: ['LATE_PAYMENT'] }],
  ])('%s', async (policy, order) => {
    const set = (to: string) =>
      app.client.request('mutation($to: LatePaymentPolicy!) { setLatePaymentPolicy(policy: $to) { __typename } }', {
        to,
      });
    await set(policy);
    const { id: orderId } = await createOrder(app);
    const payment = await payOrder(app, orderId);
    await cancel(orderId);
    await control(app.sandboxUrl, `stripe/payment_intents/${payment.providerPaymentId}/succeed`, {});
    const wanted = (await sweepUntil(app, orderId, ({ types }) => types.includes('PAYMENT_SUCCEEDED'), 1000)).types;
    expect(wanted).toContain('ORDER_REVIEW_NEEDED');
    await app.app.rounds.sweep();
    expect(await readOrder(app, orderId)).toMatchObject(order);
    await set('ACCEPT');
  });
});

test('two payments of one order succeed', async () => {
  const { id: orderId } = await createOrder(app);
  const first = await payOrder(app, orderId);
  const second = await payOrder(app, orderId);
  await confirmCard(app, second);
  await sweepUntil(app, orderId, ({ status }) => status === 'CONFIRMED', 1000);
  await control(app.sandboxUrl, `stripe/payment_intents/${first.providerPaymentId}/succeed`, {});
  const order = await sweepUntil(app, orderId, ({ refunds }) => refunds[0]?.status === 'SUCCEEDED', 1000);
  expect(order).toMatchObject({ paymentStatus: 'PAID', refunds: [{ origin: 'SURPLUS', payment: { id: first.id } }] });
});

test('amount, currency, app or merchant differ from the frozen payment', async () => {
  const { id: orderId } = await createOrder(app);
  const payment = await payOrder(app, orderId);
  await fault({ fault: 'wrong_amount', match: { type: 'payment_intent.succeeded', contains: payment.id } });
  await confirmCard(app, payment);
  const order = await sweepUntil(app, orderId, ({ needsReview }) => needsReview.length > 0, 100);
  expect(order).toMatchObject({
    status: 'OPEN',
    needsReview: ['AMOUNT_MISMATCH'],
    payments: [{ status: 'ACTION_REQUIRED' }],
  });
  expect(order.events.nodes.at(-1)?.note).toMatch(/reported with \d+\.\d\d EUR.* 25\.00 EUR/);
  expect(await deliveriesNaming(payment.id)).toContainEqual({ status: 'REVIEW', reason: 'mismatch' });
});

test('signed callback for a payment we don’t know', async () => {
  // As after restoring a backup: the provider knows a payment that we do not have.
  const unknown = newId('payment');
  const response = await fetch(`${app.sandboxUrl}/v1/payment_intents`, {
    method: 'POST',
    headers: { authorization: `Bearer ${testStripe.secretKey}` },
    body: new URLSearchParams({
      ...{ amount: '2500', currency: 'eur', 'metadata[payment_id]': unknown },
      ...{ confirm: 'true', payment_method: 'pm_card_visa' },
    }),
  });
  const { id: intentId } = (await response.json()) as { id: string };
  await untilCallbacksCame(app);
  const told = await callbacksOf(intentId, 'payment_intent.succeeded');
  expect(told).toMatchObject([{ state: 'delivered', attempts: [{ status: 200 }] }]);
  const kept = async () => {
    const naming = await deliveriesNaming(unknown);
    return naming.filter(({ reason }) => reason === 'unknown_payment').map(({ status }) => status);
  };
  expect(await kept()).toEqual(['PENDING', 'PENDING']);
  for (let hour = 0; hour < 26; hour += 1) {
    app.clock.advance(60 * 60_000);
    await app.app.rounds.applyDeliveries();
  }
  app.clock.advance(-26 * 60 * 60_000);
  expect(await kept()).toEqual(['REVIEW', 'REVIEW']);
});

test('bad or missing signature, stale timestamp', async () => {
  const { id: orderId, number } = await createOrder(app);
  await fault({ fault: 'drop', match: { contains: number }, times: 9 });
  const payment = await payOrder(app, orderId);
  await confirmCard(app, payment);
  const body = JSON.stringify({ object: 'event', data: { object: { metadata: { payment_id: payment.id } } } });
  for (const signature of [undefined, 't=1,v1=00', `t=${Math.floor(Date.now() / 1000)},v1=${'0'.repeat(64)}`]) {
    const headers = { 'content-type': 'application/json', ...(signature && { 'stripe-signature': signature }) };
    const response = await fetch(`${app.app.url}/webhooks/stripe`, { method: 'POST', headers, body });
    expect(response.status).toBe(400);
  }
  expect(await deliveriesNaming(payment.id)).toEqual([]);
  expect(await readOrder(app, orderId)).toMatchObject({ status: 'OPEN', payments: [{ status: 'ACTION_REQUIRED' }] });
  // It named one of our live payments, which is now queried sooner than planned.
  await app.app.idle();
  app.clock.advance(2100);
  await app.app.rounds.checkPayments();
  expect(await readOrder(app, orderId)).toMatchObject({
    status: 'CONFIRMED',
    payments: [{ evidence: { source: 'QUERY' } }],
  });
});

describe('failure after success, closed after paid', () => {
  test('failure after success', async () => {
    const { id: orderId } = await createOrder(app);
    const payment = await payOrder(app, orderId);
    await held('payment_intent.payment_failed', payment.id);
    expect((await confirmCard(app, payment, 'pm_card_chargeDeclined')).status).toBe(402);
    await confirmCard(app, payment);
    await untilCallbacksCame(app);
    await expectKeptWithoutChange(orderId, payment.id);
  });

  test('closed after paid', async () => {
    const { id: orderId } = await createOrder(app);
    const payment = await payOrder(app, orderId);
    await held('payment_intent.canceled', payment.id);
    await cancel(orderId);
    await control(app.sandboxUrl, `stripe/payment_intents/${payment.providerPaymentId}/succeed`, {});
    await untilCallbacksCame(app);
    await expectKeptWithoutChange(orderId, payment.id);
  });

  /** Sends it a minute later by the sandbox's clock, and so after the next events. */
  const held = (type: string, contains: string) =>
    fault({ fault: 'delay', target: 'callback', ms: 60_000, match: { type, contains } });

  async function expectKeptWithoutChange(orderId: string, paymentId: string): Promise<void> {
    const before = await readOrder(app, orderId);
    expect(before).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PAID', payments: [{ status: 'SUCCEEDED' }] });
    await advanceSandbox(app, 60_000);
    expect(await deliveriesNaming(paymentId)).toContainEqual({ status: 'IGNORED', reason: 'superseded' });
    expect(await readOrder(app, orderId)).toEqual(before);
  }
});

test('refund before capture seen', async () => {
  const { id: orderId } = await createOrder(app);
  const payment = await payOrder(app, orderId);
  await fault({ fault: 'drop', match: { type: 'payment_intent.*', contains: payment.id }, times: 9 });
  await confirmCard(app, payment);
  await control(app.sandboxUrl, 'stripe/refunds', { payment_intent: payment.providerPaymentId, amount: 900 });
  const order = await sweepUntil(app, orderId, ({ refunds }) => refunds.length > 0, 2000);
  expect(order).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PARTIALLY_REFUNDED' });
  expect(order.types.slice(-4)).toEqual([
    ...['PAYMENT_SUCCEEDED', 'ORDER_CONFIRMED', 'REFUND_REQUESTED', 'REFUND_SUCCEEDED'],
  ]);
});

test('refund fails later', async () => {
  const { orderId, payment } = await paidOrder(app);
  await fault({ fault: 'refund_fails_later', match: { contains: payment.id } });
  expect(await requestRefund(app, { paymentId: payment.id, amountMinor: 2500 })).toMatchObject({ status: 'SUCCEEDED' });
  const [{ id } = { id: '' }] = (await booksOf(app, payment.id)).refunds;
  await control(app.sandboxUrl, `stripe/refunds/${id}/fail`, {});
  const order = await sweepUntil(app, orderId, ({ refunds }) => refunds[0]?.status === 'FAILED', 100);
  expect(order).toMatchObject({ paymentStatus: 'PAID', refundable: { amountMinor: 2500 } });
});

describe('order expires', () => {
  test('CLOSING → ask → close at the provider → ask → EXPIRED', async () => {
    const { id: orderId } = await createOrder(app, { expiresInSeconds: 60 });
    const payment = await payOrder(app, orderId);
    const order = await sweepUntil(app, orderId, ({ status }) => status === 'EXPIRED', 61_000);
    expect(order.types.slice(-4)).toEqual(['ORDER_CLOSING', 'PAYMENT_CANCELING', 'PAYMENT_EXPIRED', 'ORDER_EXPIRED']);
    expect((await confirmCard(app, payment)).status).toBe(400);
  });

  test('a buyer who was faster has paid', async () => {
    const { id: orderId } = await createOrder(app, { expiresInSeconds: 60 });
    const payment = await payOrder(app, orderId);
    await fault({ fault: 'drop', match: { contains: payment.id }, times: 9 });
    await confirmCard(app, payment);
    const order = await sweepUntil(app, orderId, ({ status }) => status !== 'OPEN' && status !== 'CLOSING', 61_000);
    expect(order).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PAID', needsReview: [] });
  });
});

// A server that dies with callbacks acknowledged and not applied: process/crash.
describe('crash anywhere', () => {
  test('a payment that was committed but never submitted is submitted by a surviving node', async () => {
    const { id: orderId, number } = await createOrder(app);
    await fault({ fault: 'rate_limit', match: { operation: 'payment_intents.create', contains: number } });
    await expect(payOrder(app, orderId)).rejects.toThrow('ProviderUnavailableError');
    expect((await readOrder(app, orderId)).payments).toMatchObject([{ status: 'SUBMITTING' }]);
    const order = await sweepUntil(app, orderId, ({ payments }) => payments[0]?.status === 'ACTION_REQUIRED', 31_000);
    expect((await booksOf(app, order.payments[0]?.id ?? '')).totals.paymentIntents).toBe(1);
  });
});
