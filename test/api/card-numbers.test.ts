import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOrder, orderInput } from '../support/orders.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { answersOf } from '../support/transports.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const card = '4242 4242 4242 4242';
const createText = `mutation($input: CreateOrderInput!) {
  createOrder(input: $input) { __typename ... on InvalidInputError { code message issues { path } } } }`;
const cancelText = 'mutation($input: CancelOrderInput!) { cancelOrder(input: $input) { __typename } }';
const countOrders = async () => (await app.database.pool.query('select 1 from orders')).rows.length;

test.each<[string, object]>([
  ['description', { description: `paid with ${card}` }],
  ['customerId', { customerId: card }],
  ['metadata.note', { metadata: { note: card } }],
  ['metadata', { metadata: { [card]: 'x' } }],
  ['lines.0.name', { lines: [{ name: card, quantity: 1, unitAmountMinor: 100 }] }],
])('a card number in %s is INVALID_INPUT, and neither stored, answered nor logged', async (path, change) => {
  const before = await countOrders();
  app.logged.length = 0;
  const variables = { input: { ...orderInput(), ...change } };
  const [answer] = await answersOf(app, 'HTTP', { query: createText, variables });
  expect(answer?.data).toMatchObject({ createOrder: { code: 'INVALID_INPUT', issues: [{ path }] } });
  expect(JSON.stringify([answer, app.logged])).not.toContain('4242');
  expect(JSON.stringify(answer)).toContain('contains a card number');
  expect(await countOrders()).toBe(before);
});

test('a card number in a reason is refused, and the order stays open', async () => {
  const { id: orderId } = await createOrder(app);
  const variables = { input: { orderId, reason: card } };
  const [answer] = await answersOf(app, 'HTTP', { query: cancelText, variables });
  expect(answer?.errors?.[0]?.message).toMatch(/^reason: contains a card number/);
  const { rows } = await app.database.pool.query('select status from orders where id = $1', [orderId]);
  expect(rows).toEqual([{ status: 'OPEN' }]);
});

test('numbers that programs make may look like one', async () => {
  const digits = card.replaceAll(' ', '');
  const input = { ...orderInput({ number: digits }), idempotencyKey: digits };
  const [answer] = await answersOf(app, 'HTTP', { query: createText, variables: { input } });
  expect(answer?.data).toMatchObject({ createOrder: { __typename: 'Order' } });
});
