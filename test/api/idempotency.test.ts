import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  capturePayment,
  confirmCard,
  createOrder,
  createOrderDocument,
  orderInput,
  paidOrder,
  payOrder,
  payOrderDocument,
  readOrder,
  requestRefund,
} from '../support/orders.ts';
import { askControl, control, startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

type Ledger = { stripe?: unknown; payment_intents?: unknown };
const intentsOf = async (paymentId: string) => {
  const ledger = JSON.stringify(await askControl<Ledger>(app.sandboxUrl, `ledger?payment_id=${paymentId}`));
  return new Set(ledger.match(/"id":"pi_[^"]+"/g));
};

test('16 concurrent calls of createOrder with one key create one order, which all of them return', async () => {
  const input = orderInput();
  const answers = await Promise.all(
    Array.from({ length: 16 }, () => app.client.request(createOrderDocument, { input })),
  );
  const ids = answers.map(({ createOrder: order }) =>
    order?.__typename === 'Order' ? order.id : JSON.stringify(order),
  );
  expect(new Set(ids).size).toBe(1);
  expect(await readOrder(app, ids[0] ?? '')).toMatchObject({ version: 1, types: ['ORDER_CREATED'] });
});

test('16 concurrent calls of payOrder with one key create one payment, and one PaymentIntent at Stripe', async () => {
  const order = await createOrder(app);
  const idempotencyKey = randomUUID();
  const payments = await Promise.all(Array.from({ length: 16 }, () => payOrder(app, order.id, { idempotencyKey })));
  expect(new Set(payments.map(({ id }) => id)).size).toBe(1);
  const [payment] = (await readOrder(app, order.id)).payments;
  expect(payment).toMatchObject({ id: payments[0]?.id, status: 'ACTION_REQUIRED' });
  expect((await intentsOf(payments[0]?.id ?? '')).size).toBe(1);
});

test('16 concurrent calls of payOrder with 16 keys leave one payment that can be paid', async () => {
  const order = await createOrder(app);
  await Promise.all(
    Array.from({ length: 16 }, () =>
      app.client.request(payOrderDocument, {
        input: { idempotencyKey: randomUUID(), orderId: order.id, method: 'CARD', flow: 'EMBEDDED' },
      }),
    ),
  );
  const { payments } = await readOrder(app, order.id);
  expect(payments.filter(({ status }) => status === 'ACTION_REQUIRED')).toHaveLength(1);
  expect(payments.filter(({ status }) => status !== 'ACTION_REQUIRED' && status !== 'CANCELED')).toEqual([]);
});

test('the same key with the same input returns the current order or payment', async () => {
  const input = orderInput();
  const order = await createOrder(app, input);
  const pay = { idempotencyKey: randomUUID() };
  const payment = await payOrder(app, order.id, pay);
  await confirmCard(app, payment);
  await app.app.rounds.sweep();
  await app.app.idle();
  app.clock.advance(11_000);
  await app.app.rounds.sweep();
  expect(await createOrder(app, input)).toMatchObject({ id: order.id, status: 'CONFIRMED', paymentStatus: 'PAID' });
  expect(await payOrder(app, order.id, pay)).toMatchObject({ id: payment.id, status: 'SUCCEEDED' });
});

test.each([
  ['another amount', { lines: [{ name: 'Cup', quantity: 3, unitAmountMinor: 1250 }] }],
  ['another currency', { currency: 'USD' }],
  ['other metadata', { metadata: { shop: 'b' } }],
])('the same key with %s is IDEMPOTENCY_KEY_REUSED and creates nothing', async (_what, other) => {
  const input = orderInput();
  await createOrder(app, input);
  const { createOrder: refused } = await app.client.request(createOrderDocument, { input: { ...input, ...other } });
  expect(refused).toMatchObject({ __typename: 'IdempotencyKeyReusedError', code: 'IDEMPOTENCY_KEY_REUSED' });
});

test('the same key of payOrder on another order is IDEMPOTENCY_KEY_REUSED, also when both race', async () => {
  const orders = await Promise.all([createOrder(app), createOrder(app)]);
  const idempotencyKey = randomUUID();
  const answers = await Promise.all(
    orders.map(({ id }) =>
      app.client.request(payOrderDocument, {
        input: { idempotencyKey, orderId: id, method: 'CARD', flow: 'EMBEDDED' },
      }),
    ),
  );
  const kinds = answers.map(({ payOrder: answer }) => answer?.__typename).sort();
  expect(kinds).toEqual(['IdempotencyKeyReusedError', 'Payment']);
});

test('the order of metadata keys does not matter for the comparison of inputs', async () => {
  const input = orderInput({ metadata: { a: '1', b: '2' } });
  const order = await createOrder(app, input);
  expect((await createOrder(app, { ...input, metadata: { b: '2', a: '1' } })).id).toBe(order.id);
});

test('16 concurrent calls with one new key, while another payment waits for its buyer, all return the new payment', async () => {
  const order = await createOrder(app);
  const waiting = await payOrder(app, order.id);
  const idempotencyKey = randomUUID();
  const payments = await Promise.all(Array.from({ length: 16 }, () => payOrder(app, order.id, { idempotencyKey })));
  expect(new Set(payments.map(({ id }) => id)).size).toBe(1);
  expect((await readOrder(app, order.id)).payments).toMatchObject([
    { id: waiting.id, status: 'CANCELED' },
    { id: payments[0]?.id, status: 'ACTION_REQUIRED' },
  ]);
});

test('null is the same as a missing field', async () => {
  const input = orderInput();
  const order = await createOrder(app, input);
  const nulls = { number: null, description: null, metadata: null, captureMode: null, expiresInSeconds: null };
  expect((await createOrder(app, { ...input, ...nulls })).id).toBe(order.id);
});

type Answer = Readonly<Record<string, unknown>>;

test.each<[what: string, path: string, call: (app: TestApp, key: string) => Promise<() => Promise<Answer>>]>([
  [
    'payOrder',
    '/v1/payment_intents',
    async ({ client }, idempotencyKey) => {
      const { id: orderId } = await createOrder(app);
      const input = { idempotencyKey, orderId, method: 'CARD', flow: 'EMBEDDED' } as const;
      return async () => ({ ...(await client.request(payOrderDocument, { input })).payOrder });
    },
  ],
  [
    'capturePayment',
    '/v1/payment_intents/*/capture',
    async (of, idempotencyKey) => {
      const { payment } = await paidOrder(of, { captureMode: 'MANUAL' });
      return async () => ({ ...(await capturePayment(of, { idempotencyKey, paymentId: payment.id })) });
    },
  ],
  [
    'requestRefund',
    '/v1/refunds',
    async (of, idempotencyKey) => {
      const { payment } = await paidOrder(of);
      return async () => ({ ...(await requestRefund(of, { idempotencyKey, paymentId: payment.id })) });
    },
  ],
])(
  '%s that the provider has refused returns the same error when it is repeated with the same key',
  async (_what, path, prepare) => {
    const call = await prepare(app, randomUUID());
    await control(app.sandboxUrl, 'faults', { fault: 'refuse', match: { method: 'POST', path }, times: 1 });
    const first = await call();
    expect(JSON.stringify(first)).toMatch(/PROVIDER_REJECTED|FAILED/);
    expect(await call()).toEqual(first);
    await app.app.rounds.sweep();
    expect(await call()).toEqual(first);
  },
);
