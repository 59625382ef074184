import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { createApiKey } from '../../src/commands/create-api-key.ts';
import { createMerchant } from '../../src/commands/create-merchant.ts';
import { updateMerchant } from '../../src/commands/update-merchant.ts';
import { orderInput } from '../support/orders.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { answersOf } from '../support/transports.ts';

let app: TestApp;
let token: string;
let merchantId: string;
let otherToken: string;
const shop = 'https://shop.example';
const other = 'https://other.example';
beforeAll(async () => {
  app = await startTestApp({ config: { isProduction: true, devApiKey: null, publicUrl: 'https://pay.example' } });
  ({ token, merchantId } = await createShop(shop));
  ({ token: otherToken } = await createShop(other));
});
afterAll(() => app.close());

async function createShop(webOrigin: string) {
  const parts = { db: app.database, clock: app.clock, log: { info() {}, warn() {}, error() {} } };
  const { merchant } = await createMerchant(
    parts,
    { name: 'Shop', returnOrigins: [webOrigin], webOrigins: [webOrigin] },
    true,
  );
  const { token } = await createApiKey(parts, { merchantId: merchant.id, name: 'shop' }, 'live');
  return { token, merchantId: merchant.id };
}

const createText = 'mutation($input: CreateOrderInput!) { createOrder(input: $input) { __typename } }';
const countOrders = async () => {
  const { rows } = await app.database.pool.query<{ count: number }>('select count(*)::int as count from orders');
  return rows[0]?.count;
};

/** The status, the code of the first error and the readable origin of a mutation that a page sends. */
async function send(origin: string | null, bearer: string) {
  const response = await fetch(`${app.app.url}/graphql`, {
    method: 'POST',
    headers: {
      ...{ 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
      ...(origin !== null && { origin }),
    },
    body: JSON.stringify({ query: createText, variables: { input: orderInput() } }),
  });
  const { errors } = (await response.json()) as { errors?: { extensions: { code: string } }[] };
  const readableBy = response.headers.get('access-control-allow-origin');
  return { status: response.status, code: errors?.[0]?.extensions.code, readableBy };
}

describe('over HTTP', () => {
  test.each<[string, string | null]>([
    ['the merchant’s web origin', shop],
    ['the server’s own origin', 'https://pay.example'],
    ['a server, which has no origin,', null],
  ])('a request of %s is executed', async (_what, origin) => {
    const before = await countOrders();
    expect(await send(origin, token)).toEqual({ status: 200, code: undefined, readableBy: origin });
    expect(await countOrders()).toBe((before ?? 0) + 1);
  });

  test.each<[string, string]>([
    ['an origin that no merchant lists', 'https://evil.example'],
    ['another merchant’s web origin', other],
    ['the same host with another scheme', 'http://shop.example'],
    ['a name that begins like a web origin', `${shop}.evil.example`],
    ['a page without an origin', 'null'],
    ['a page on the machine of the server', 'http://localhost:4000'],
  ])('a request of %s is FORBIDDEN and has no effect', async (_what, origin) => {
    const before = await countOrders();
    expect(await send(origin, token)).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    expect(await countOrders()).toBe(before);
  });

  test('a preflight is answered for an origin that any merchant lists, and for no other', async () => {
    const ask = async (origin: string) => {
      const headers = {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      };
      const { status, headers: answer } = await fetch(`${app.app.url}/graphql`, { method: 'OPTIONS', headers });
      const [allowed, methods] = ['origin', 'headers'].map((name) => answer.get(`access-control-allow-${name}`));
      return { status, allowed, methods };
    };
    expect(await ask(other)).toEqual({ status: 204, allowed: other, methods: 'authorization' });
    expect(await ask('https://evil.example')).toEqual({ status: 204, allowed: null, methods: null });
  });

  test('a change of the web origins is effective at once', async () => {
    const change = (webOrigins: string[]) => updateMerchant({ db: app.database }, merchantId, { webOrigins }, true);
    await change(['https://new.example']);
    expect(await send('https://new.example', token)).toMatchObject({ status: 200 });
    expect(await send(shop, token)).toMatchObject({ status: 403 });
    await change([shop]);
    await expect(change(['*'])).rejects.toMatchObject({ issues: [{ path: 'webOrigins.0' }] });
  });

  test('a mutation by GET is not executed', async () => {
    const before = await countOrders();
    const parameters = new URLSearchParams({ query: createText, variables: JSON.stringify({ input: orderInput() }) });
    const response = await fetch(`${app.app.url}/graphql?${parameters}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(response.status).toBe(405);
    expect(await countOrders()).toBe(before);
  });
});

describe('a WebSocket', () => {
  test.each<[string, Record<string, string>]>([
    ['the merchant’s web origin', { origin: shop }],
    ['the server’s own origin', { origin: 'https://pay.example' }],
    ['a server', {}],
  ])('of %s is opened', async (_what, headers) => {
    const answers = await answersOf(app, 'WebSocket', { query: '{ merchant { id } }' }, { token, headers });
    expect(answers).toMatchObject([{ data: { merchant: { id: merchantId } } }]);
  });

  test('of an origin that no merchant lists is refused', async () => {
    const url = `${app.app.url.replace('http', 'ws')}/graphql`;
    const socket = new WebSocket(url, 'graphql-transport-ws', { origin: 'https://evil.example' });
    socket.on('error', () => {});
    const [, response] = await once(socket, 'unexpected-response');
    expect(response.statusCode).toBe(403);
  });

  test('of another merchant’s origin is closed with 4403', async () => {
    const opening = answersOf(
      app,
      'WebSocket',
      { query: '{ __typename }' },
      { token: otherToken, headers: { origin: shop } },
    );
    await expect(opening).rejects.toThrow('4403');
  });
});

test('in development, pages on the same machine may call, and others may not', async () => {
  const development = await startTestApp();
  const status = async (origin: string) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${development.token}`, origin };
    const body = JSON.stringify({ query: '{ merchant { id } }' });
    return (await fetch(`${development.app.url}/graphql`, { method: 'POST', headers, body })).status;
  };
  expect(await status('http://localhost:5173')).toBe(200);
  expect(await status(development.app.url)).toBe(200);
  expect(await status('https://evil.example')).toBe(403);
  await development.close();
});
