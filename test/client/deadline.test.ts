import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import WebSocket from 'ws';
import { createClient } from '../../packages/client/src/client.ts';
import type { FollowStatus, PaystreamOptions } from '../../packages/client/src/main.ts';
import { answerMsMax } from '../../packages/client/src/request.ts';
import { silenceMsMax } from '../../packages/client/src/source.ts';

const never = new Promise<never>(() => {});
const operation = { query: '{ viewer { id } }', mutation: 'mutation { cancelOrder { __typename } }' };

/** A client in a time that passes when the test says so, whose pauses take none. */
function open(options: Partial<PaystreamOptions>) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const client = createClient({ url: 'http://127.0.0.1:1/graphql', ...options }, async (_ms, signal) => {
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  });
  onTestFinished(() => {
    client.close();
    vi.useRealTimers();
  });
  return client;
}

/** Answers after a number of requests that get lost. */
function lossyFetch(lost: number, data: object): typeof fetch {
  let requests = 0;
  return async () => {
    requests += 1;
    return requests <= lost ? never : Response.json({ data });
  };
}

test.each([
  ['a query that the server does not answer', operation.query, { fetch: () => never }],
  ['a mutation that the server does not answer', operation.mutation, { fetch: () => never }],
  ['a function for the token that does not end', operation.query, { token: () => never }],
])('%s is a network error after 30 s', async (_what, document, options) => {
  let failure: unknown = null;
  const request = open(options).request(document);
  request.catch((error: unknown) => {
    failure = error;
  });
  await vi.advanceTimersByTimeAsync(answerMsMax - 1);
  expect(failure).toBeNull();
  await vi.advanceTimersByTimeAsync(1);
  expect(failure).toMatchObject({ code: 'NETWORK' });
});

test('a request that has been answered leaves no timer behind', async () => {
  await open({ fetch: lossyFetch(0, { viewer: null }) }).request(operation.query);
  expect(vi.getTimerCount()).toBe(0);
});

test('a request that its caller ends rejects with the reason of the signal', async () => {
  const ending = new AbortController();
  const request = open({ fetch: () => never }).request(operation.query, {}, { signal: ending.signal });
  const reason = new Error('The page was left.');
  ending.abort(reason);
  await expect(request).rejects.toBe(reason);
  expect(vi.getTimerCount()).toBe(0);
});

test('`watch` reads the order again when no answer comes, and tells that it waits', async () => {
  const order = { id: 'ord_1', version: 1, eventCursor: 'cursor' };
  const told: string[] = [];
  const onStatus = ({ state, error }: FollowStatus) => void told.push(`${state} ${error?.code ?? ''}`);
  const watched = open({ fetch: lossyFetch(2, { order }) }).watch('ord_1', { transport: 'sse', onStatus });
  const first = watched.next();
  await vi.advanceTimersByTimeAsync(answerMsMax);
  await vi.waitUntil(() => told.length === 3);
  await vi.advanceTimersByTimeAsync(answerMsMax);
  expect((await first).value).toEqual(order);
  expect(told.slice(0, 5)).toEqual(['connecting ', 'waiting NETWORK', 'connecting ', 'waiting NETWORK', 'connecting ']);
});

test.each([
  ['merchant', { orders: { eventCursor: 'cursor' } }],
  [{ orderId: 'ord_1' }, { order: { eventCursor: 'cursor' } }],
] as const)('`follow` of %s asks again where the log ends when no answer comes', async (target, data) => {
  const events = open({ fetch: lossyFetch(1, data) }).follow(target, { transport: 'sse' });
  void events.next();
  await vi.advanceTimersByTimeAsync(answerMsMax);
  await vi.waitUntil(() => events.cursor === 'cursor');
});

test('over SSE, a function for the token that does not end is a broken connection', async () => {
  const told: FollowStatus[] = [];
  const events = open({ token: () => never }).follow(
    { orderId: 'ord_1' },
    { after: 'cursor', transport: 'sse', onStatus: (status) => void told.push(status) },
  );
  void events.next();
  await vi.advanceTimersByTimeAsync(silenceMsMax);
  expect(told[1]).toMatchObject({ state: 'waiting', error: { code: 'NETWORK' } });
});

test('a WebSocket whose handshake is not answered is a broken connection', async () => {
  const server = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const told: FollowStatus[] = [];
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  const events = open({ url, webSocketImpl: WebSocket }).follow(
    { orderId: 'ord_1' },
    { after: 'cursor', transport: 'websocket', onStatus: (status) => void told.push(status) },
  );
  for (let count = 1; count <= 2; count += 1) {
    const connected = once(server, 'connection');
    if (count === 1) void events.next();
    await connected;
    await vi.advanceTimersByTimeAsync(silenceMsMax);
    await vi.waitUntil(() => told.length >= 2 * count);
  }
  expect(told[1]).toMatchObject({ state: 'waiting', error: { code: 'NETWORK' } });
});
