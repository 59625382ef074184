import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { createOrder, payOrder } from '../support/orders.ts';
import { startTestApp, type TestApp, untilCallbacksCame } from '../support/test-app.ts';

/**
 * What a page of another site can make a browser send. The browser adds no token by itself, because the API has no cookies, and it asks
 * first before it sends an `authorization` header.
 */
let app: TestApp;
let ids: { readonly orderId: string; readonly paymentId: string };
beforeAll(async () => {
  app = await startTestApp();
  const { id: orderId } = await createOrder(app);
  ids = { orderId, paymentId: (await payOrder(app, orderId)).id };
  await untilCallbacksCame(app);
});
afterAll(() => app.close());

const boundary = 'xxxx';
const contentTypes = [
  ...[null, 'application/json', 'application/json; charset=utf-8', 'application/graphql', 'application/graphql+json'],
  ...['application/x-www-form-urlencoded', `multipart/form-data; boundary=${boundary}`, 'text/plain'],
  ...['text/plain;charset=UTF-8', 'text/html', 'text/xml', 'application/octet-stream'],
];
const foreignOrigins = ['http://127.0.0.1:1', 'https://evil.example', 'null', `chrome-extension://${'a'.repeat(32)}`];
const origins = () => [null, app.app.url, ...foreignOrigins];

/** Mutations that would succeed with the token of the merchant's server. */
const mutations = () => [
  'mutation { createOrder(input: { idempotencyKey: "a", currency: EUR, lines: [{ name: "Cup", quantity: 1, unitAmountMinor: 500 }] }) { __typename } }',
  `mutation { cancelOrder(input: { orderId: "${ids.orderId}" }) { __typename } }`,
  `mutation { refreshPayment(paymentId: "${ids.paymentId}") { __typename } }`,
  'mutation { createApiKey(name: "theirs") { __typename } }',
];

function bodyOf(query: string, contentType: string | null): string {
  if (contentType === 'application/x-www-form-urlencoded') return new URLSearchParams({ query }).toString();
  if (contentType === 'application/graphql') return query;
  if (!contentType?.startsWith('multipart/')) return JSON.stringify({ query });
  const part = (name: string, value: string) =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  return `${part('operations', JSON.stringify({ query }))}${part('map', '{}')}--${boundary}--\r\n`;
}

/** All rows of all tables, as one number for each table. */
async function readState(): Promise<unknown> {
  const { pool } = app.database;
  const { rows } = await pool.query<{ name: string }>(
    `select quote_ident(tablename) as name from pg_tables where schemaname = 'public' order by 1`,
  );
  const state: unknown[] = [];
  for (const { name } of rows) {
    const read = await pool.query(`select count(*)::int, sum(hashtext(t::text)::bigint)::text as sum from ${name} t`);
    state.push([name, read.rows[0]]);
  }
  return state;
}

type Sent = {
  readonly method?: string;
  readonly path?: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
};

function send({
  method = 'POST',
  path = '/graphql',
  headers,
  body = '',
}: Sent): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(app.app.url);
  return new Promise((resolve, reject) => {
    request({ hostname, port, method, path, headers }, (response) =>
      text(response).then((read) => resolve({ status: response.statusCode ?? 0, body: read }), reject),
    )
      .once('error', reject)
      .end(body);
  });
}

type Cell = { readonly query: string; readonly contentType: string | null; readonly origin: string | null };

const headersOf = ({ contentType, origin }: Cell): Record<string, string> => ({
  ...(contentType !== null && { 'content-type': contentType }),
  ...(origin !== null && { origin, 'sec-fetch-site': 'cross-site' }),
});

/** Opens a socket as a page does, without a token, and sends the mutation. Resolves when the server has answered it or closed the socket. */
function bySocket(cell: Cell): Promise<unknown> {
  const url = `${app.app.url.replace('http', 'ws')}/graphql`;
  const socket = new WebSocket(url, 'graphql-transport-ws', { headers: headersOf(cell) });
  const ended = new Promise((resolve) => {
    socket.on('close', resolve);
    socket.on('error', resolve);
    socket.on('message', (data) => {
      if (!String(data).includes('connection_ack')) resolve(String(data));
    });
  });
  socket.on('open', () => {
    socket.send(JSON.stringify({ type: 'connection_init' }));
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: cell.query } }));
  });
  return ended.finally(() => socket.terminate());
}

const transports: Readonly<Record<string, (cell: Cell) => Promise<unknown>>> = {
  POST: (cell) => send({ headers: headersOf(cell), body: bodyOf(cell.query, cell.contentType) }),
  GET: (cell) =>
    send({ method: 'GET', path: `/graphql?query=${encodeURIComponent(cell.query)}`, headers: headersOf(cell) }),
  SSE: (cell) =>
    send({
      headers: { ...headersOf(cell), accept: 'text/event-stream' },
      body: bodyOf(cell.query, cell.contentType),
    }),
  WebSocket: bySocket,
};

test.each(Object.entries(transports))(
  'over %s no request that a foreign page can send changes anything',
  async (_name, sendBy) => {
    const before = await readState();
    for (const query of mutations()) {
      const cells = contentTypes.flatMap((contentType) => origins().map((origin) => ({ query, contentType, origin })));
      expect(cells).toHaveLength(12 * 6);
      await Promise.all(cells.map(sendBy));
    }
    await app.app.idle();
    expect(await readState()).toEqual(before);
  },
);

test('a link with the merchant’s token, wherever it is opened, changes nothing', async () => {
  const before = await readState();
  for (const query of mutations()) {
    for (const accept of ['application/json', 'text/event-stream', 'text/html']) {
      const headers = { accept, authorization: `Bearer ${app.token}` };
      const { status } = await send({ method: 'GET', path: `/graphql?query=${encodeURIComponent(query)}`, headers });
      expect([200, 405]).toContain(status); // GraphiQL shows the mutation and waits for its button
    }
  }
  expect(await readState()).toEqual(before);
});

test('by a foreign name of this machine, as with DNS rebinding, neither page tells the token or an order', async () => {
  const { port } = new URL(app.app.url);
  const { orderId } = ids;
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '0.0.0.0',
  ]) {
    const headers = { host, accept: 'text/html' };
    for (const path of ['/graphql', `/return?order=${orderId}`]) {
      const { body } = await send({ method: 'GET', path, headers });
      expect(body).not.toContain(app.token);
      expect(body.replaceAll(path, '')).not.toMatch(/UNPAID|PENDING/);
    }
  }
  const own = { host: `127.0.0.1:${port}`, accept: 'text/html' };
  expect((await send({ method: 'GET', path: '/graphql', headers: own })).body).toContain(app.token);
});

test('the same mutation from the merchant’s server does change something', async () => {
  const before = await readState();
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${app.token}` };
  for (const query of mutations()) await send({ headers, body: JSON.stringify({ query }) });
  expect(await readState()).not.toEqual(before);
});
