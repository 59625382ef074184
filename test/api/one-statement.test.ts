import { afterAll, beforeAll, expect, test } from 'vitest';
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
