import { once } from 'node:events';
import { GraphQLClient } from 'graphql-request';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createApiKey, type NewApiKey } from '../../src/commands/create-api-key.ts';
import { createMerchant } from '../../src/commands/create-merchant.ts';
import { listApiKeys, revokeApiKey } from '../../src/store/api-key-store.ts';
import type { Merchant } from '../../src/store/merchant-store.ts';
import { confirmCard, createOrder, paidOrder, payOrder, payOrderDocument, readOrder } from '../support/orders.ts';
import { untilSettled } from '../support/settled.ts';
import { followMerchant } from '../support/subscriber.ts';
import { startTestApp, type TestApp, withToken } from '../support/test-app.ts';

/** A server in production: no development token, and no merchant until one is created. */
let app: TestApp;
let shop: Merchant;
let key: NewApiKey;
/** The same server, called with the shop's key. */
let caller: TestApp;

const logEnd = async () => {
  await untilSettled(app.database.pool);
  const { orders } = await caller.client.request<{ orders: { eventCursor: string } }>(
    '{ orders(first: 1) { eventCursor } }',
  );
  return orders.eventCursor;
};
const parts = () => ({ db: app.database, clock: app.clock });
const keyOf = ({ id: merchantId }: Merchant, name: string) => createApiKey(parts(), { merchantId, name }, 'live');

beforeAll(async () => {
  app = await startTestApp({ config: { isProduction: true, devApiKey: null } });
  ({ merchant: shop } = await createMerchant(parts(), { name: 'Shop', returnOrigins: ['https://shop.example'] }, true));
  key = await keyOf(shop, 'shop server');
  caller = withToken(app, key.token);
});
afterAll(() => app.close());

test('a server that started in production without a merchant accepts the first one’s key without a restart', async () => {
  expect(app.app).toMatchObject({ token: null, hasMerchant: false });
  expect((await createOrder(caller)).id).toMatch(/^ord_/);
});

test('an order is created, paid by card and followed with an API key', async () => {
  const order = await createOrder(caller);
  const dashboard = followMerchant(caller, await logEnd(), ['ORDER_CONFIRMED']);
  await confirmCard(caller, await payOrder(caller, order.id));
  await dashboard.until(({ orderId }) => orderId === order.id);
  await dashboard.stop();
  expect(await readOrder(caller, order.id)).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PAID' });
});

test.each([
  ['no token', null],
  ['a token of the wrong form', 'sk_live_short'],
  ['a key that was never made', `sk_live_${'A'.repeat(43)}`],
  ['a key with one character changed', 'changed'],
  ['a key for test servers', 'test'],
])('%s is UNAUTHENTICATED', async (_what, token) => {
  const { id: merchantId } = shop;
  const made = {
    changed: async () => key.token.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
    test: async () => (await createApiKey(parts(), { merchantId, name: 'for tests' }, 'test')).token,
  };
  const given = token === 'changed' || token === 'test' ? await made[token]() : token;
  const headers: Record<string, string> = given === null ? {} : { authorization: `Bearer ${given}` };
  const client = new GraphQLClient(`${app.app.url}/graphql`, { headers });
  await expect(client.request('{ orders(first: 1) { nodes { id } } }')).rejects.toMatchObject({
    response: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
  });
});

test('of a token only a hash and its last four characters are stored', async () => {
  const { rows } = await app.database.pool.query('select to_jsonb(k)::text as stored from api_keys k');
  const stored = JSON.stringify(rows);
  expect(stored).toContain(key.key.hint);
  expect(stored).not.toContain(key.token.slice('sk_live_'.length, -4));
});

test('a key shows when it was last used, to the minute', async () => {
  const { key: made, token } = await keyOf(shop, 'used once');
  expect(made.lastUsedAt).toBeNull();
  const before = app.clock.now();
  await createOrder(withToken(app, token));
  const lastUsedAt = async () =>
    (await listApiKeys(app.database.pool, shop.id)).find(({ id }) => id === made.id)?.lastUsedAt ?? null;
  await expect.poll(lastUsedAt).not.toBeNull();
  expect((await lastUsedAt())?.getTime()).toBeGreaterThanOrEqual(before.getTime());
});

test('a revoked key is refused at once, its subscriptions end, and other keys of the merchant go on', async () => {
  const { key: leaked, token } = await keyOf(shop, 'leaked');
  const thief = withToken(app, token);
  const start = await logEnd();
  const stolen = followMerchant(thief, start);
  const own = followMerchant(caller, start);
  const first = await createOrder(caller);
  await stolen.until(({ orderId }) => orderId === first.id);
  await revokeApiKey(app.database.pool, leaked.id, app.clock.now());
  expect(await app.app.rounds.endRevoked()).toBe(1);
  await stolen.ended;
  const second = await createOrder(caller);
  await own.until(({ orderId }) => orderId === second.id);
  await own.stop();
  expect(stolen.heard.map(({ orderId }) => orderId)).toEqual([first.id]);
  await expect(createOrder(thief)).rejects.toThrow('UNAUTHENTICATED');
  expect(await app.app.rounds.endRevoked()).toBe(0);
});

/** A socket that sends `connection_init` with this token, and the code that it is closed with. */
async function initSocket(token: string) {
  const socket = new WebSocket(`${app.app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const closed = once(socket, 'close').then(([code]) => Number(code));
  const answered = once(socket, 'message').then(([data]) => JSON.parse(String(data)).type as unknown);
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
  return { closed, answered };
}

test('a socket with an invalid token is closed with 4403, as is one whose key is revoked', async () => {
  expect(await (await initSocket('sk_live_nothing')).closed).toBe(4403);
  const { key: leaked, token } = await keyOf(shop, 'leaked socket');
  const { closed, answered } = await initSocket(token);
  expect(await answered).toBe('connection_ack');
  await revokeApiKey(app.database.pool, leaked.id, app.clock.now());
  await app.app.rounds.endRevoked();
  expect(await closed).toBe(4403);
  expect(await (await initSocket(token)).closed).toBe(4403);
});

test('another merchant sees nothing of the first, and cannot take payments into the first one’s accounts', async () => {
  const order = await createOrder(caller);
  const { merchant: other } = await createMerchant(
    parts(),
    { name: 'Other', returnOrigins: ['https://other.example'] },
    true,
  );
  const stranger = withToken(app, (await keyOf(other, 'other server')).token);
  await expect(readOrder(stranger, order.id)).rejects.toThrow('is not there');
  const pay = (orderId: string) =>
    stranger.client.request(payOrderDocument, { input: { idempotencyKey: 'k', orderId, method: 'CARD' } });
  expect((await pay(order.id)).payOrder).toMatchObject({ code: 'NOT_FOUND' });
  const { orderId, payment } = await paidOrder(caller);
  const paymentId = payment.id;
  const foreign: readonly [field: string, input: Record<string, unknown>][] = [
    ['cancelOrder', { orderId }],
    ['cancelPayment', { paymentId }],
    ['capturePayment', { paymentId, idempotencyKey: 'k' }],
    ['requestRefund', { paymentId, amountMinor: 1, idempotencyKey: 'k' }],
    ['resolveReview', { orderId, reasons: ['SURPLUS'], note: 'n' }],
  ];
  for (const [field, input] of foreign) {
    const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
    const query = `mutation($input: ${type}!) { ${field}(input: $input) { ... on Error { code } } }`;
    expect({ field, answer: await stranger.client.request(query, { input }) }).toEqual({
      ...{ field, answer: { [field]: { code: 'NOT_FOUND' } } },
    });
  }
  const refresh = `mutation { refreshPayment(paymentId: "${paymentId}") { ... on Error { code } } }`;
  expect(await stranger.client.request(refresh)).toEqual({ refreshPayment: { code: 'NOT_FOUND' } });
  for (const id of [orderId, paymentId, shop.id]) {
    expect(await stranger.client.request(`{ node(id: "${id}") { id } }`)).toEqual({ node: null });
  }
  const own = await createOrder(stranger);
  expect((await pay(own.id)).payOrder).toMatchObject({ code: 'METHOD_NOT_AVAILABLE' });
  const methods = '{ paymentMethods(orderId: "ID") { method } }';
  expect(await stranger.client.request(methods.replace('ID', own.id))).toEqual({ paymentMethods: [] });
  expect(await caller.client.request(methods.replace('ID', order.id))).not.toEqual({ paymentMethods: [] });
});

test.each([
  ['*', 'refused in production'],
  ['http://shop.example', 'must be https'],
  ['https://shop.example/', 'must be an origin'],
  ['https://shop.example/back', 'must be an origin'],
  ['shop.example', 'must be an origin'],
])('in production a merchant cannot have the return origin %s', async (origin, message) => {
  await expect(createMerchant(parts(), { name: 'Shop', returnOrigins: [origin] }, true)).rejects.toMatchObject({
    issues: [{ path: 'returnOrigins.0', message: expect.stringContaining(message) }],
  });
});

test('buyers return only to the origins of the merchant', async () => {
  const order = await createOrder(caller);
  const pay = (returnUrl: string) =>
    caller.client.request(payOrderDocument, {
      input: { idempotencyKey: 'r', orderId: order.id, method: 'CARD', flow: 'REDIRECT', returnUrl },
    });
  expect((await pay('https://evil.example/')).payOrder).toMatchObject({
    code: 'INVALID_INPUT',
    issues: [{ path: 'returnUrl' }],
  });
  expect((await pay('https://shop.example/thanks')).payOrder).toMatchObject({ status: 'ACTION_REQUIRED' });
});
