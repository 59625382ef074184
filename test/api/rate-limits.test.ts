import { afterEach, describe, expect, test } from 'vitest';
import type { Limits } from '../../src/limits/limits.ts';
import { createOrder, orderInput } from '../support/orders.ts';
import { startTestApp, type TestApp, unlimited } from '../support/test-app.ts';
import { answersOf, transports } from '../support/transports.ts';

let app: TestApp;
afterEach(() => app.close());

/** Two in a row; the next one in hours. */
const twice = { perSecond: 0.001, burst: 2 };
const start = async (limits: Partial<Limits>, trustedProxies = 0) => {
  app = await startTestApp({ config: { limits: { ...unlimited, ...limits }, trustedProxies } });
};

const query = '{ merchant { id } }';
const rateLimited = { errors: [{ extensions: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) } }] };

test.each(transports.map((transport) => [transport]))(
  'a caller over its rate of queries is RATE_LIMITED over %s, and its mutations are not',
  async (transport) => {
    await start({ queries: twice });
    for (let sent = 0; sent < 2; sent += 1) {
      expect((await answersOf(app, transport, { query }))[0]).toHaveProperty('data.merchant.id');
    }
    const [refused] = await answersOf(app, transport, { query });
    expect(refused).toMatchObject(rateLimited);
    expect(refused?.errors?.[0]?.extensions).not.toHaveProperty('http');
    const mutation = 'mutation($input: CreateOrderInput!) { createOrder(input: $input) { __typename } }';
    const variables = { input: orderInput() };
    expect((await answersOf(app, transport, { query: mutation, variables }))[0]).toHaveProperty('data.createOrder');
  },
);

test('a refused request is answered 429 with the time to wait, and its mutation has no effect', async () => {
  await start({ mutations: { perSecond: 0.001, burst: 1 } });
  const create = () =>
    fetch(`${app.app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${app.token}` },
      body: JSON.stringify({
        query: 'mutation($input: CreateOrderInput!) { createOrder(input: $input) { __typename } }',
        variables: { input: orderInput() },
      }),
    });
  expect((await create()).status).toBe(200);
  const refused = await create();
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(1);
  const { rows } = await app.database.pool.query<{ count: number }>('select count(*)::int as count from orders');
  expect(rows[0]?.count).toBe(1);
});

test('operations without a valid token are limited by address, and callers with one are not', async () => {
  await start({ unauthenticated: twice }, 1);
  const from = (address: string) => ({ 'x-forwarded-for': address });
  const ask = async (token: string | null, address: string) =>
    (await answersOf(app, 'HTTP', { query }, { token, headers: from(address) }))[0]?.errors?.[0]?.extensions.code;
  const codes = [];
  for (const token of [null, 'wrong_token', 'wrong_token', null]) codes.push(await ask(token, '198.51.100.1'));
  expect(codes).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED', 'RATE_LIMITED', 'RATE_LIMITED']);
  expect(await ask(null, '198.51.100.2')).toBe('UNAUTHENTICATED');
  expect(await ask(app.token, '198.51.100.1')).toBeUndefined();
});

describe('callbacks', () => {
  const post = async (address: string) => {
    const response = await fetch(`${app.app.url}/webhooks/stripe`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
      body: '{}',
    });
    return response.status;
  };

  test('that are refused are limited by address', async () => {
    await start({ refusedCallbacks: twice }, 1);
    const statuses = [];
    for (let sent = 0; sent < 4; sent += 1) statuses.push(await post('198.51.100.1'));
    expect(statuses).toEqual([400, 400, 400, 429]);
    expect(await post('198.51.100.2')).toBe(400);
  });
});

test('a browser has a rate of its own, far below that of the merchant’s server', async () => {
  await start({ personMutations: { perSecond: 0.001, burst: 1 } });
  const { id } = await createOrder(app);
  const { order } = await app.client.request<{ order: { clientToken: string } }>(
    `{ order(id: "${id}") { clientToken } }`,
  );
  const cancel = `mutation { cancelOrder(input: { orderId: "${id}" }) { __typename } }`;
  const codeOf = async (token: string) =>
    (await answersOf(app, 'HTTP', { query: cancel }, { token }))[0]?.errors?.[0]?.extensions.code;
  expect([await codeOf(order.clientToken), await codeOf(order.clientToken)]).toEqual([undefined, 'RATE_LIMITED']);
  expect([await codeOf(app.token), await codeOf(app.token)]).toEqual([undefined, undefined]);
});
