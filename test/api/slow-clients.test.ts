import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { type HttpLimits, httpLimits } from '../../src/http/limits.ts';
import { createOrder, payOrder } from '../support/orders.ts';
import { openRaw, rawRequest } from '../support/raw-http.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

// As in production, in the same order, but shorter; not so short that a busy machine is taken for a slow client.
const shortLimits: HttpLimits = {
  ...{ headersTimeoutMs: 3000, requestTimeoutMs: 5000, checkIntervalMs: 50, lingerMs: 20 },
  ...{ stalledTimeoutMs: 8000, keepAliveTimeoutMs: 60_000, heartbeatIntervalMs: 300, backlogTimeoutMs: 6000 },
};

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ httpLimits: shortLimits });
});
afterAll(() => app.close());
afterEach(() => expect(app.logged.filter(({ level }) => level === 'error')).toEqual([]));

test('the limits are consistent', () => {
  for (const limits of [httpLimits, shortLimits]) {
    expect(limits.headersTimeoutMs).toBeLessThanOrEqual(limits.requestTimeoutMs);
    expect(limits.requestTimeoutMs).toBeLessThan(limits.stalledTimeoutMs);
    expect(limits.checkIntervalMs).toBeLessThan(limits.headersTimeoutMs);
  }
  // Google's balancers keep a connection for 600 s, Azure's for 240 s, Amazon's for 60 s.
  expect(httpLimits.keepAliveTimeoutMs).toBeGreaterThan(600_000);
  expect(httpLimits.stalledTimeoutMs).toBeGreaterThan(2 * httpLimits.heartbeatIntervalMs);
});

const head = (target: string) =>
  `POST ${target} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n`;
test.concurrent.each([
  ['nothing', ''],
  ['half a request line', 'GET /gra'],
  ['half of its headers', 'GET /graphql HTTP/1.1\r\nhost: x\r\nx-a: '],
  ['half a body', `${head('/graphql')}{"query"`],
  ['half a callback', `${head('/webhooks/stripe')}{"id"`],
  [
    'no chunk after the first',
    `${head('/graphql').replace('content-length: 100', 'transfer-encoding: chunked')}1\r\n{\r\n`,
  ],
])('a client that sends %s and then nothing gets 408 and is disconnected', async (_what, bytes) => {
  const connection = await openRaw(app.app.url);
  connection.send(bytes);
  const answer = await connection.answer();
  expect(answer).toMatchObject({ status: 408, headers: { 'x-request-id': expect.any(String), connection: 'close' } });
  expect(JSON.parse(answer?.body ?? '')).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
  await connection.closed;
});

test('a callback that is too slow is logged with its response status', async () => {
  app.logged.length = 0;
  const connection = await openRaw(app.app.url);
  connection.send(`${head('/webhooks/stripe')}{"id"`);
  expect(await connection.answer()).toMatchObject({ status: 408 });
  await connection.closed;
  await expect.poll(() => app.logged).toHaveLength(1);
  const line = { provider: 'STRIPE', reason: 'TOO_SLOW', status: 408 };
  expect(app.logged).toMatchObject([{ message: 'callback refused', fields: line }]);
});

test('a client that sends single bytes slowly is disconnected, too', async () => {
  const connection = await openRaw(app.app.url);
  connection.send(head('/graphql'));
  const dripping = setInterval(() => connection.send('{'), 100);
  expect(await connection.answer()).toMatchObject({ status: 408 });
  clearInterval(dripping);
  await connection.closed;
});

test('a connection may be idle between two requests for longer than a request may take', async () => {
  const connection = await openRaw(app.app.url);
  connection.send(rawRequest({ method: 'GET', target: '/healthz' }));
  const first = await connection.answer();
  expect(first?.headers['keep-alive']).toBe('timeout=60');
  const slow = await openRaw(app.app.url);
  await slow.closed; // by now, clients that were too slow are disconnected
  connection.send(rawRequest({ method: 'GET', target: '/healthz' }));
  expect(await connection.answer()).toMatchObject({ status: 200 });
  connection.end();
});

/** Large events: each event of the order's log selects the texts of the order many times. */
const fields = Array.from({ length: 45 }, (_, index) => `m${index}: metadata`).join(' ');
const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key ${index}`, 'x'.repeat(500)]));

const queryFor = (orderId: string, after: string) =>
  `subscription { orderEvents(orderId: "${orderId}", after: "${after}") { sequence cursor order { ${fields} } } }`;

function follow(orderId: string, after: string): Buffer {
  const query = queryFor(orderId, after);
  const headers = ['content-type: application/json', 'accept: text/event-stream', `authorization: Bearer ${app.token}`];
  return rawRequest({ headers, body: JSON.stringify({ query }) });
}

type Heard = { readonly sequence: number; readonly cursor: string };

/** Reads events from a stream, including the rest of the previous read, until there are enough or the stream ends. */
function createReader(socket: Socket) {
  const heard: Heard[] = [];
  let text = '';
  let isEnded = false;
  let notice = () => {};
  socket.on('data', (chunk) => {
    text += String(chunk);
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const [, sequence, cursor = ''] = /"sequence":(\d+),"cursor":"([^"]+)"/.exec(text.slice(0, end)) ?? [];
      if (sequence !== undefined) heard.push({ sequence: Number(sequence), cursor });
      text = text.slice(end + 2);
    }
    notice();
  });
  socket.on('close', () => {
    isEnded = true;
    notice();
  });
  return {
    heard,
    async until(isEnough: () => boolean): Promise<'enough' | 'ended'> {
      while (!isEnough()) {
        if (isEnded) return 'ended';
        await new Promise<void>((resolve) => {
          notice = resolve;
        });
      }
      return 'enough';
    },
  };
}

/** Resolves after this number of heartbeats on an idle stream, which measures time by the server's own timer. */
async function untilSigns(count: number): Promise<'still open'> {
  const order = await createOrder(app);
  const { socket, send } = await openRaw(app.app.url);
  send(follow(order.id, order.eventCursor));
  let signs = 0;
  for await (const chunk of socket) {
    signs += String(chunk).split(':\n\n').length - 1;
    if (signs >= count) return 'still open';
  }
  throw new Error('An idle stream was cut.');
}

/** The sequence numbers of an order's events, without the first one. */
async function readSequences(orderId: string): Promise<number[]> {
  const { rows } = await app.database.pool.query<{ sequence: number }>(
    'select sequence from events where order_id = $1 and sequence > 1 order by sequence',
    [orderId],
  );
  return rows.map(({ sequence }) => Number(sequence));
}

test('a client that stops reading its event stream is disconnected and continues with its cursor; an idle one is not', async () => {
  const order = await createOrder(app, { metadata });
  for (let paid = 0; paid < 5; paid += 1) await payOrder(app, order.id);
  const all = await readSequences(order.id);
  const stalled = await openRaw(app.app.url);
  const reader = createReader(stalled.socket);
  stalled.send(follow(order.id, order.eventCursor));
  await reader.until(() => reader.heard.length > 0);
  stalled.socket.pause();
  expect(await untilSigns(60)).toBe('still open');
  stalled.socket.resume();
  expect(await reader.until(() => reader.heard.length === all.length)).toBe('ended');

  const again = await openRaw(app.app.url);
  const rest = createReader(again.socket);
  again.send(follow(order.id, reader.heard.at(-1)?.cursor ?? ''));
  expect(await rest.until(() => rest.heard.length === all.length - reader.heard.length)).toBe('enough');
  again.end();
  expect([...reader.heard, ...rest.heard].map(({ sequence }) => sequence)).toEqual(all);
});

/** Follows an order on a socket. */
async function followOnSocket(orderId: string, after: string) {
  const socket = new WebSocket(`${app.app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const heard: Heard[] = [];
  let notice = () => {};
  const closed = once(socket, 'close').then(([code]) => Number(code));
  socket.on('message', (data) => {
    const { type, payload } = JSON.parse(String(data)) as { type: string; payload?: { data: { orderEvents: Heard } } };
    if (type === 'connection_ack') {
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: queryFor(orderId, after) } }));
    }
    if (payload !== undefined) heard.push(payload.data.orderEvents);
    notice();
  });
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${app.token}` } }));
  const until = async (count: number) => {
    while (heard.length < count) {
      await new Promise<void>((resolve) => {
        notice = resolve;
      });
    }
  };
  return { socket, heard, until, closed };
}

test('a socket that is not read is closed with 1013 and continues with its cursor, while others go on', async () => {
  const order = await createOrder(app, { metadata });
  for (let paid = 0; paid < 5; paid += 1) await payOrder(app, order.id);
  const healthy = await followOnSocket(order.id, order.eventCursor);
  const stalled = await followOnSocket(order.id, order.eventCursor);
  await stalled.until(1);
  stalled.socket.pause();
  expect(await untilSigns(60)).toBe('still open');
  await payOrder(app, order.id);
  const all = await readSequences(order.id);
  await healthy.until(all.length);
  expect(healthy.heard.map(({ sequence }) => sequence)).toEqual(all);
  stalled.socket.resume();
  expect(await stalled.closed).toBe(1013);
  expect(stalled.heard.length).toBeLessThan(all.length);

  const again = await followOnSocket(order.id, stalled.heard.at(-1)?.cursor ?? '');
  await again.until(all.length - stalled.heard.length);
  expect([...stalled.heard, ...again.heard].map(({ sequence }) => sequence)).toEqual(all);
  for (const { socket, closed } of [healthy, again]) {
    socket.close();
    await closed;
  }
});
