import { afterAll, beforeAll, expect, test } from 'vitest';
import { addMerchant, testMasterKeys } from '../support/merchants.ts';
import { createOrder, paidOrder, requestRefund } from '../support/orders.ts';
import { createMinter } from '../support/principals.ts';
import { startTestApp, type TestApp, withToken } from '../support/test-app.ts';

let app: TestApp;
let alice: TestApp;
let ids: Readonly<Record<'paid' | 'mail' | 'alices' | 'plain' | 'dear', string>>;
let payment: { id: string; providerPaymentId: string | null };
let refundId: string;

beforeAll(async () => {
  app = await startTestApp({ config: { masterKeys: testMasterKeys } });
  const paid = await paidOrder(app, { number: 'SHOP-2026-0001' });
  payment = { id: paid.payment.id, providerPaymentId: paid.payment.providerPaymentId ?? null };
  const refund = await requestRefund(app, { paymentId: payment.id, amountMinor: 100 });
  if (refund.__typename !== 'Refund') throw new Error('The refund was refused.');
  refundId = refund.id;
  const mail = await createOrder(app, { number: 'X_1', metadata: { email: 'Ada.Lovelace@Example.com', gift: 'yes' } });
  const alices = await createOrder(app, {
    number: 'X%2',
    customerId: 'customer-alice',
    metadata: { note: 'watch her' },
  });
  const plain = await createOrder(app, { number: 'SHOP-2026-0042', customerId: 'customer-bob' });
  const lines = [{ name: 'Pot', quantity: 1, unitAmountMinor: 123456 }];
  const dear = await createOrder(app, { number: 'SHOP-2026-0099', lines });
  ids = { paid: paid.orderId, mail: mail.id, alices: alices.id, plain: plain.id, dear: dear.id };
  const { merchant } = await app.client.request<{ merchant: { id: string } }>('{ merchant { id } }');
  alice = withToken(app, await (await createMinter(app, merchant.id))('CUSTOMER', 'customer-alice'));
});
afterAll(() => app.close());

async function find(filter: object, node: TestApp = app) {
  const { orders } = await node.client.request<{
    orders: { nodes: { id: string }[]; totalCount: { value: number; isCapped: boolean } };
  }>('query($filter: OrderFilter) { orders(filter: $filter) { nodes { id } totalCount { value isCapped } } }', {
    filter,
  });
  expect(orders.totalCount).toEqual({ value: orders.nodes.length, isCapped: false });
  return orders.nodes.map(({ id }) => (Object.keys(ids) as (keyof typeof ids)[]).find((name) => ids[name] === id));
}

test('one search finds an order by any id, number, customer or metadata value that a person may have of it', async () => {
  expect(await find({ search: ids.paid })).toEqual(['paid']);
  expect(await find({ search: payment.id })).toEqual(['paid']);
  expect(await find({ search: ` ${payment.providerPaymentId} ` })).toEqual(['paid']);
  expect(await find({ search: refundId })).toEqual(['paid']);
  expect(await find({ search: 'SHOP-2026-0042' })).toEqual(['plain']);
  expect(await find({ search: 'shop-2026' })).toEqual(['dear', 'plain', 'paid']);
  expect(await find({ search: '0042' })).toEqual(['plain']);
  expect(await find({ search: '-2026-0099' })).toEqual(['dear']);
  expect(await find({ search: 'customer-bob' })).toEqual(['plain']);
  expect(await find({ search: 'ada.lovelace@example.COM' })).toEqual(['mail']);
  expect(await find({ search: 'yes' })).toEqual(['mail']);
});

test('a search finds whole values only, and takes signs of patterns as they are', async () => {
  for (const search of ['customer', 'ada.lovelace', 'lovelace@example.com', '%%%', '___', 'X%1', "'; --", '2026-0'])
    expect(await find({ search }), search).toEqual([]);
  expect(await find({ search: 'X_1' })).toEqual(['mail']);
  expect(await find({ search: 'X%2' })).toEqual(['alices']);
});

test('a search goes with the other filters', async () => {
  expect(await find({ search: 'SHOP', paymentStatus: ['UNPAID'] })).toEqual(['dear', 'plain']);
  expect(await find({ search: 'SHOP', customerId: 'customer-bob' })).toEqual(['plain']);
  expect(await find({ search: 'SHOP', totalMinor: 123456 })).toEqual(['dear']);
  expect(await find({ search: 'SHOP', provider: ['STRIPE'] })).toEqual(['paid']);
});

test('orders are found by their total', async () => {
  expect(await find({ totalMinor: 123456 })).toEqual(['dear']);
  expect(await find({ totalMinorFrom: 2501 })).toEqual(['dear']);
  expect(await find({ totalMinorTo: 2500 })).toEqual(['plain', 'alices', 'mail', 'paid']);
  expect(await find({ totalMinorFrom: 2500, totalMinorTo: 2500, paymentStatus: ['PARTIALLY_REFUNDED'] })).toEqual([
    'paid',
  ]);
  expect(await find({ totalMinor: 1 })).toEqual([]);
});

test('orders are found by the provider of a payment', async () => {
  expect(await find({ provider: ['STRIPE'] })).toEqual(['paid']);
  expect(await find({ provider: ['ALIPAY', 'STRIPE'] })).toEqual(['paid']);
  expect(await find({ provider: ['ALIPAY'] })).toEqual([]);
  expect(await find({ provider: ['OTHER'] })).toEqual([]);
});

test('a customer finds their own orders only, and nothing by the merchant’s notes', async () => {
  expect(await find({ search: 'watch her' })).toEqual(['alices']);
  expect(await find({ search: 'watch her' }, alice)).toEqual([]);
  expect(await find({ search: 'X%2' }, alice)).toEqual(['alices']);
  for (const search of ['SHOP', payment.id, ids.plain, 'customer-bob', payment.providerPaymentId])
    expect(await find({ search }, alice), String(search)).toEqual([]);
});

test.each([
  [{ search: ' ab ' }, 'filter.search'],
  [{ search: 'x'.repeat(256) }, 'filter.search'],
  [{ totalMinor: 5, totalMinorFrom: 5 }, 'filter.totalMinor'],
  [{ provider: ['stripe; drop'] }, 'filter.provider.0'],
])('the filter %j is refused with the name of its field', async (filter, path) => {
  const refused = app.client.rawRequest('query($filter: OrderFilter) { orders(filter: $filter) { nodes { id } } }', {
    filter,
  });
  await expect(refused).rejects.toMatchObject({
    response: { errors: [{ message: expect.stringContaining(`${path}:`), extensions: { code: 'BAD_USER_INPUT' } }] },
  });
});

test('the greatest total is found by its lower bound', async () => {
  const shop = (await addMerchant(app, 'Dear')).at(app);
  const lines = [{ name: 'Diamond', quantity: 1, unitAmountMinor: Number.MAX_SAFE_INTEGER }];
  const { id } = await createOrder(shop, { lines });
  for (const filter of [{ totalMinorFrom: 1 }, { totalMinorFrom: Number.MAX_SAFE_INTEGER }]) {
    const { orders } = await shop.client.request<{ orders: { nodes: { id: string }[] } }>(
      'query($filter: OrderFilter) { orders(filter: $filter) { nodes { id } } }',
      { filter },
    );
    expect(orders.nodes).toEqual([{ id }]);
  }
});
