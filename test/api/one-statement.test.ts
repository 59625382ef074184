import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOrderLoaders } from '../../src/graphql/order-loaders.ts';
import { addMerchant } from '../support/merchants.ts';
import { createOrder, payOrder } from '../support/orders.ts';
import { countStatements } from '../support/statements.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
const created: string[] = [];
beforeAll(async () => {
  app = await startTestApp();
  for (let count = 0; count < 20; count += 1) created.push((await createOrder(app)).id);
  await payOrder(app, created[0] ?? '');
});
afterAll(() => app.close());

test('an order with its lines, payments and refunds takes one statement, and an API key one more', async () => {
  const shop = (await addMerchant(app, 'Shop')).at(app);
  const { id } = await createOrder(shop);
  const ofOrder = (node: TestApp, orderId: string) =>
    countStatements(async () => {
      const { order } = await node.client.request<{ order: unknown }>(
        `query($id: ID!) { order(id: $id) {
          id status total { decimal } captured { decimal } eventCursor ...Parts
        } }
        fragment Parts on Order { lines { name } payments { id status order { number lines { sku } } } refunds { id payment { id } } }`,
        { id: orderId },
      );
      expect(order).toMatchObject({ id: orderId, status: 'OPEN', lines: expect.any(Array) });
    });
  const [paid = ''] = created;
  expect(await ofOrder(app, paid)).toBe(1);
  await ofOrder(shop, id); // records the use of the key
  expect(await ofOrder(shop, id)).toBe(2);
});

test('twenty orders, and the payments of each, take one statement', async () => {
  const ids = created.slice(0, 20);
  const query = `{ ${ids.map((id, index) => `o${index}: order(id: "${id}") { id payments { id } }`).join(' ')} }`;
  const count = await countStatements(async () => {
    expect(Object.values(await app.client.request<Record<string, { id: string }>>(query)).map(({ id }) => id)).toEqual(
      ids,
    );
  });
  expect(count).toBe(1);
});

test('what several callers ask for at once takes one statement, and each gets the orders that it sees', async () => {
  const [id = '', other = ''] = created;
  const { pool } = app.database;
  const { rows } = await pool.query<{ merchantId: string }>(
    'select merchant_id as "merchantId" from orders where id = $1',
    [id],
  );
  const merchantId = rows[0]?.merchantId ?? '';
  const shop = { merchantId, customerId: null, orderId: null };
  const callers = [
    { scope: shop, parts: ['payments'] as const },
    { scope: { ...shop, orderId: id }, parts: [] },
    { scope: { ...shop, orderId: other }, parts: ['lines'] as const },
    { scope: { ...shop, customerId: 'somebody' }, parts: [] },
    { scope: { ...shop, merchantId: 'mch_other' }, parts: ['refunds'] as const },
  ];
  const read: (string | undefined)[] = [];
  const count = await countStatements(async () => {
    const orders = callers.map(({ scope, parts }) => createOrderLoaders(pool, scope).orders.load({ id, parts }));
    read.splice(0, read.length, ...(await Promise.all(orders)).map((order) => order?.id));
  });
  expect(read).toEqual([id, id, undefined, undefined, undefined]);
  expect(count).toBe(1);
});
