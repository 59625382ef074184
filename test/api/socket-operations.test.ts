import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import WebSocket from 'ws';
import type { Limits } from '../../src/limits/limits.ts';
import { createOrder } from '../support/orders.ts';
import { untilSettled } from '../support/settled.ts';
import { startTestApp, type TestApp, unlimited } from '../support/test-app.ts';

let app: TestApp;
afterEach(() => app.close());

const start = async (limits: Partial<Limits> = {}) => {
  app = await startTestApp({ config: { limits: { ...unlimited, ...limits } } });
};

/** A subscription whose beginning is fixed, so that it does not matter when it starts. */
async function fromNow(): Promise<string> {
  await untilSettled(app.database.pool);
  const { orders } = await app.client.request<{ orders: { eventCursor: string } }>(
    '{ orders(first: 1) { eventCursor } }',
  );
  return `subscription { merchantEvents(after: "${orders.eventCursor}") { type } }`;
}

type Message = { readonly id?: string; readonly type: string; readonly payload?: unknown };

/** A socket whose messages are sent as they are, and what it has heard. */
async function open() {
  const socket = new WebSocket(`${app.app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const heard: Message[] = [];
  const closed = once(socket, 'close').then(([code]) => code as number);
  socket.on('message', (data) => heard.push(JSON.parse(String(data)) as Message));
  await once(socket, 'open');
  const send = (message: object) => socket.send(JSON.stringify(message));
  send({ type: 'connection_init', payload: { authorization: `Bearer ${app.token}` } });
  await expect.poll(() => heard.length).toBe(1);
  const of = (id: string) => heard.filter((message) => message.id === id);
  return {
    ...{ socket, heard, closed, send, of },
    subscribe: (id: string, query = 'subscription { merchantEvents { type } }') =>
      send({ id, type: 'subscribe', payload: { query } }),
    complete: (id: string) => send({ id, type: 'complete' }),
    /** Resolves when everything that was sent before has been decided. */
    async settled(): Promise<void> {
      const id = `settled-${Math.random()}`;
      send({ id, type: 'subscribe', payload: { query: '{ merchant { id } }' } });
      await expect.poll(() => of(id).length, { timeout: 10_000 }).toBe(2);
    },
  };
}

test.each([
  ['before it has started', false],
  ['when it runs', true],
])(
  'an id that is used again after its subscription was completed %s has one subscription, which the end of the socket ends',
  async (_when, isRunning) => {
    await start({ subscriptionsPerPrincipal: 1 });
    const followed = await fromNow();
    const { socket, closed, of, subscribe, complete, settled } = await open();
    subscribe('1', followed);
    if (isRunning) await settled();
    for (let again = 0; again < 10; again += 1) {
      complete('1');
      subscribe('1', followed);
    }
    await settled();
    await createOrder(app);
    await expect.poll(() => of('1').length).toBeGreaterThan(0);
    await settled();
    expect(of('1').map(({ type }) => type)).toEqual(['next']);
    socket.close();
    await closed;
    // Nobody holds the only place.
    const other = await open();
    other.subscribe('1');
    await other.settled();
    expect(other.of('1')).toEqual([]);
  },
);

test('what starts when its socket closes is ended', async () => {
  await start({ subscriptionsPerPrincipal: 20 });
  for (let sockets = 0; sockets < 5; sockets += 1) {
    const { socket, closed, subscribe, complete } = await open();
    for (let id = 0; id < 20; id += 1) {
      subscribe('1');
      complete('1');
      subscribe(String(id));
    }
    socket.close();
    await closed;
  }
  await expect
    .poll(async () => {
      const { socket, of, subscribe, settled } = await open();
      for (let id = 0; id < 20; id += 1) subscribe(String(id));
      await settled();
      socket.terminate();
      return Array.from({ length: 20 }, (_none, id) => of(String(id))).flat();
    })
    .toEqual([]);
});

test('an id whose operation goes on closes the socket with 4409', async () => {
  await start();
  const { closed, subscribe } = await open();
  subscribe('1');
  subscribe('1');
  expect(await closed).toBe(4409);
});

test('the messages that wait for an id are taken in their order', async () => {
  await start();
  const { heard, subscribe, complete, settled } = await open();
  subscribe('1');
  complete('1');
  subscribe('1', '{ one: __typename }');
  subscribe('2', '{ two: __typename }');
  await settled();
  const results = heard.filter(({ type }) => type === 'next').map(({ payload }) => JSON.stringify(payload));
  expect(results.slice(0, 2)).toEqual(['{"data":{"one":"Query"}}', '{"data":{"two":"Query"}}']);
});

test('subscriptions beyond the rate of their caller wait for it, and leave the rate of queries alone', async () => {
  await start({ queries: { perSecond: 4, burst: 4 } });
  const { of, heard, subscribe } = await open();
  for (let id = 0; id < 6; id += 1)
    subscribe(String(id), 'subscription { merchantEvents(after: "no cursor") { type } }');
  subscribe('query', '{ merchant { id } }');
  await expect.poll(() => of('query').length, { timeout: 10_000 }).toBe(2);
  // Each that starts is refused for its cursor, none for the rate.
  await expect.poll(() => heard.filter(({ type }) => type === 'complete').length, { timeout: 10_000 }).toBe(7);
  expect(JSON.stringify(heard)).not.toContain('RATE_LIMITED');
  expect(heard.findIndex(({ id }) => id === 'query')).toBeLessThan(heard.findLastIndex(({ id }) => id !== 'query'));
});

test('beyond the operations in progress of a socket its messages wait, and all are answered in the end', async () => {
  await start({ operationsPerSocket: 2 });
  const followed = await fromNow();
  const { heard, subscribe, complete, settled, of } = await open();
  for (let id = 0; id < 20; id += 1) {
    subscribe(`query ${id}`, '{ merchant { id } }');
    subscribe(`subscription ${id}`);
    complete(`subscription ${id}`);
  }
  subscribe('last', followed);
  await settled();
  expect(heard.filter(({ id, type }) => id?.startsWith('query') && type === 'next')).toHaveLength(20);
  await createOrder(app);
  await expect.poll(() => of('last').length).toBe(1);
  expect(heard.some(({ id }) => id?.startsWith('subscription'))).toBe(false);
});
