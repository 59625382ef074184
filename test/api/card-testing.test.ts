import { afterEach, beforeEach, expect, test } from 'vitest';
import { cardFailuresMax, cardFailuresPerAddressMax, cardFailureWindowMs } from '../../src/commands/card-testing.ts';
import { testMasterKeys } from '../support/merchants.ts';
import { confirmCard, createOrder, payOrder } from '../support/orders.ts';
import { createMinter } from '../support/principals.ts';
import { advanceSandbox, startTestApp, type TestApp } from '../support/test-app.ts';
import { answersOf } from '../support/transports.ts';

let app: TestApp;
beforeEach(async () => {
  app = await startTestApp({ config: { trustedProxies: 1, masterKeys: testMasterKeys } });
});
afterEach(() => app.close());

/** Tries declined cards on a new order of this customer, or of nobody. Returns the order. */
async function fail(customerId: string | null, times: number): Promise<string> {
  const { id } = await createOrder(app, { customerId });
  const payment = await payOrder(app, id);
  for (let tried = 0; tried < times; tried += 1) {
    app.clock.advance(1000);
    await advanceSandbox(app, 1000);
    expect((await confirmCard(app, payment, 'pm_card_chargeDeclinedInsufficientFunds')).status).toBe(402);
    await advanceSandbox(app, 0);
  }
  return id;
}

const payText = `mutation($input: PayOrderInput!) { payOrder(input: $input) {
  __typename ... on Error { code } ... on RateLimitedError { retryAfterMs } } }`;
const returnUrl = 'https://shop.example/';
/** Starts another payment, from an address. */
async function pay(
  orderId: string,
  { token = app.token, method = 'CARD', address = '198.51.100.1', key = `${Math.random()}` } = {},
) {
  const input = { orderId, method, idempotencyKey: key, returnUrl };
  const headers = { 'x-forwarded-for': address };
  const [answer] = await answersOf(app, 'HTTP', { query: payText, variables: { input } }, { token, headers });
  return answer?.data?.payOrder;
}
const startedPayments = async () => (await app.database.pool.query('select 1 from payments')).rows.length;

test('a customer with many failed card payments gets RATE_LIMITED until they are an hour old, and the provider is not called', async () => {
  await fail('cus_1', cardFailuresMax);
  const order = await createOrder(app, { customerId: 'cus_1' });
  const before = await startedPayments();
  const refused = await pay(order.id);
  expect(refused).toEqual({ __typename: 'RateLimitedError', code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) });
  expect((refused as { retryAfterMs: number }).retryAfterMs).toBeLessThanOrEqual(cardFailureWindowMs);
  expect(await startedPayments()).toBe(before);
  const other = await createOrder(app, { customerId: 'cus_2' });
  expect(await pay(other.id)).toEqual({ __typename: 'Payment' });
  app.clock.advance(cardFailureWindowMs);
  const later = await createOrder(app, { customerId: 'cus_1' });
  expect(await pay(later.id)).toEqual({ __typename: 'Payment' });
});

test('one failure less is no reason, nor are other payment methods limited', async () => {
  await fail('cus_1', cardFailuresMax - 1);
  const order = await createOrder(app, { customerId: 'cus_1' });
  expect(await pay(order.id, { key: 'first' })).toEqual({ __typename: 'Payment' });
  await fail('cus_1', 1);
  expect(await pay(order.id, { key: 'first' })).toEqual({ __typename: 'Payment' }); // a repeated call starts nothing
  expect(await pay(order.id)).toMatchObject({ code: 'RATE_LIMITED' });
  const { id } = await createOrder(app, { customerId: 'cus_1', currency: 'CNY' });
  expect(await pay(id, { method: 'ALIPAY' })).toEqual({ __typename: 'Payment' });
});

test('an order of nobody in particular is limited for its buyer', async () => {
  const orderId = await fail(null, cardFailuresMax);
  const answer = await app.client.request<{ order: { clientToken: string } }>(
    'query($id: ID!) { order(id: $id) { clientToken } }',
    { id: orderId },
  );
  expect(await pay(orderId, { token: answer.order.clientToken })).toMatchObject({ code: 'RATE_LIMITED' });
});

test('the buyers of one address are limited, and those of another address and the server are not', async () => {
  const { rows } = await app.database.pool.query<{ id: string }>('select id from merchants');
  const mint = await createMinter(app, rows[0]?.id ?? '');
  for (let customer = 0; customer * cardFailuresMax < cardFailuresPerAddressMax; customer += 1) {
    const id = await fail(`cus_${customer}`, cardFailuresMax);
    await app.database.pool.query(
      `insert into payment_addresses select p.id, '198.51.100.1', now() from payments p where p.order_id = $1`,
      [id],
    );
  }
  const { id } = await createOrder(app, { customerId: 'cus_new' });
  const token = await mint('CUSTOMER', 'cus_new');
  expect(await pay(id, { token })).toMatchObject({ code: 'RATE_LIMITED' });
  expect(await pay(id)).toEqual({ __typename: 'Payment' });
  const other = await createOrder(app, { customerId: 'cus_new' });
  expect(await pay(other.id, { token, address: '198.51.100.2' })).toEqual({ __typename: 'Payment' });
  const addresses = await app.database.pool.query("select 1 from payment_addresses where address = '198.51.100.2'");
  expect(addresses.rows).toHaveLength(1);
});
