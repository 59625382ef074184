import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { confirmCard, createOrder, payOrder } from '../support/orders.ts';
import { untilSettled } from '../support/settled.ts';
import { followMerchant, followOrder, wsClient } from '../support/subscriber.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const logEnd = async () => {
  await untilSettled(app.database.pool);
  const { orders } = await app.client.request<{ orders: { eventCursor: string } }>(
    '{ orders(first: 1) { eventCursor } }',
  );
  return orders.eventCursor;
};

test('from every cursor of an order, a subscriber gets exactly the later events', async () => {
  const start = await logEnd();
  const order = await createOrder(app);
  const all = followOrder(app, order.id, start);
  await confirmCard(app, await payOrder(app, order.id));
  const heard = await all.until(({ type }) => type === 'ORDER_CONFIRMED');
  await all.stop();
  expect(heard.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
  for (const { cursor, sequence } of heard.slice(0, -1)) {
    const rest = followOrder(app, order.id, cursor);
    await rest.until(({ type }) => type === 'ORDER_CONFIRMED');
    await rest.stop();
    expect(rest.heard).toEqual(heard.slice(sequence));
  }
});

test('a client that reads an order and subscribes after its cursor misses nothing', async () => {
  const order = await createOrder(app);
  await payOrder(app, order.id);
  const subscriber = followOrder(app, order.id, order.eventCursor);
  await subscriber.until(({ type }) => type === 'PAYMENT_ACTION_REQUIRED');
  await subscriber.stop();
  expect(subscriber.heard.map(({ type }) => type)).toEqual(['PAYMENT_STARTED', 'PAYMENT_ACTION_REQUIRED']);
});

const cursorOfOneEvent =
  'query($id: ID!) { order(id: $id) { events(first: 1) { edges { cursor } nodes { id cursor } } } }';

test('a cursor of one order is refused by the merchant’s log and by other orders, where it would skip events', async () => {
  const start = await logEnd();
  const [order, other] = [await createOrder(app), await createOrder(app)];
  const subscriber = followOrder(app, order.id, start);
  const [heard] = await subscriber.until(() => true);
  await subscriber.stop();
  const read = await app.client.request<{
    order: { events: { edges: { cursor: string }[]; nodes: { id: string; cursor: string }[] } };
  }>(cursorOfOneEvent, { id: order.id });
  const { edges, nodes } = read.order.events;
  const found = await app.client.request<{ node: { cursor: string } }>(
    'query($id: ID!) { node(id: $id) { ... on OrderEvent { cursor } } }',
    { id: nodes[0]?.id },
  );
  const cursors = [order.eventCursor, heard?.cursor, edges[0]?.cursor, nodes[0]?.cursor, found.node.cursor];
  for (const cursor of cursors) {
    if (cursor === undefined) throw new Error('A cursor is missing.');
    const refused = `after: is a cursor of the events of order ${order.id}`;
    await expect(followMerchant(app, cursor).until(() => true)).rejects.toThrow(refused);
    await expect(followOrder(app, other.id, cursor).until(() => true)).rejects.toThrow(refused);
    await expect(app.client.request(`{ events(after: "${cursor}") { nodes { id } } }`)).rejects.toThrow(refused);
    await expect(
      app.client.request(`{ order(id: "${other.id}") { events(after: "${cursor}") { nodes { id } } } }`),
    ).rejects.toThrow(refused);
    // In its own order, each cursor is valid.
    await app.client.request(`{ order(id: "${order.id}") { events(after: "${cursor}") { nodes { id } } } }`);
  }
});

test('a cursor of the merchant’s log is valid for every order, whether it came from a query or a subscription', async () => {
  const start = await logEnd();
  const order = await createOrder(app);
  const dashboard = followMerchant(app, start);
  const [created] = await dashboard.until(({ orderId }) => orderId === order.id);
  await dashboard.stop();
  const { events } = await app.client.request<{ events: { pageInfo: { endCursor: string } } }>(
    `{ events(after: "${start}", first: 1) { pageInfo { endCursor } } }`,
  );
  expect(events.pageInfo.endCursor).toBe(created?.cursor);
  await payOrder(app, order.id);
  const subscriber = followOrder(app, order.id, events.pageInfo.endCursor);
  await subscriber.until(({ type }) => type === 'PAYMENT_ACTION_REQUIRED');
  await subscriber.stop();
  expect(subscriber.heard.map(({ sequence }) => sequence)).toEqual([2, 3]);
});

test('a cursor of an earlier version is refused with an error that says so', async () => {
  const cursor = Buffer.from('v1.0123456789.1.5.5').toString('base64url');
  await expect(app.client.request(`{ events(after: "${cursor}") { nodes { id } } }`)).rejects.toThrow(
    'after: is a cursor of an earlier version',
  );
});

test('a dashboard that reconnects repeatedly with its last cursor gets the log without gaps or duplicates', async () => {
  const start = await logEnd();
  const heard: string[] = [];
  let cursor = start;
  const work = Promise.all(Array.from({ length: 8 }, async () => payOrder(app, (await createOrder(app)).id)));
  const [perOrder, orders] = [3, 8];
  while (heard.length < perOrder * orders) {
    const dashboard = followMerchant(app, cursor);
    const wanted = Math.min(3, perOrder * orders - heard.length);
    const events = await dashboard.until(() => dashboard.heard.length >= wanted);
    await dashboard.stop();
    heard.push(...events.map(({ orderId, sequence }) => `${orderId} ${sequence}`));
    cursor = events.at(-1)?.cursor ?? cursor;
  }
  await work;
  const last = followMerchant(app, cursor);
  await createOrder(app, { number: `last-${randomUUID()}` });
  await last.until(() => heard.length + last.heard.length >= 25);
  await last.stop();
  heard.push(...last.heard.map(({ orderId, sequence }) => `${orderId} ${sequence}`));
  const { rows } = await app.database.pool.query<{ name: string }>(
    `select order_id || ' ' || sequence as name from events order by epoch, xid, pos`,
  );
  const log = rows.map(({ name }) => name);
  expect(heard).toEqual(log.slice(log.indexOf(heard[0] ?? '')));
  expect(new Set(heard).size).toBe(heard.length);
});

test('a dashboard that filters by type gets only those events', async () => {
  const dashboard = followMerchant(app, await logEnd(), ['PAYMENT_STARTED']);
  await payOrder(app, (await createOrder(app)).id);
  await payOrder(app, (await createOrder(app)).id);
  await dashboard.until(() => dashboard.heard.length === 2);
  await dashboard.stop();
  expect(dashboard.heard.map(({ type }) => type)).toEqual(['PAYMENT_STARTED', 'PAYMENT_STARTED']);
});

test('SSE delivers the same events, and a client that disconnects leaves no subscription open', async () => {
  const start = await logEnd();
  const order = await createOrder(app);
  await payOrder(app, order.id);
  const ended = new AbortController();
  const response = await fetch(`${app.app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${app.token}` },
    body: JSON.stringify({
      query:
        'subscription($id: ID!, $after: EventCursor) { orderEvents(orderId: $id, after: $after) { sequence type } }',
      variables: { id: order.id, after: start },
    }),
    signal: ended.signal,
  });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  let received = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    received += decoder.decode(chunk as Uint8Array, { stream: true });
    if (received.includes('PAYMENT_ACTION_REQUIRED')) break;
  }
  ended.abort();
  const events = [...received.matchAll(/^data: (.+)$/gm)].map(([, data = '']) => JSON.parse(data).data.orderEvents);
  expect(events).toEqual([
    { sequence: 1, type: 'ORDER_CREATED' },
    { sequence: 2, type: 'PAYMENT_STARTED' },
    { sequence: 3, type: 'PAYMENT_ACTION_REQUIRED' },
  ]);
});

/** A raw socket, so that the test can see when it is closed. */
async function openSocket(payload: object = { authorization: `Bearer ${app.token}` }) {
  const socket = new WebSocket(`${app.app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const messages: { id?: string; type: string; payload?: unknown }[] = [];
  let notice = () => {};
  let closeCode: number | null = null;
  socket.on('message', (data) => {
    messages.push(JSON.parse(String(data)));
    notice();
  });
  socket.on('close', (code) => {
    closeCode = code;
    notice();
  });
  await new Promise((resolve) => socket.once('open', resolve));
  const until = async (fits: (message: { id?: string; type: string }) => boolean) => {
    while (!messages.some(fits)) {
      if (closeCode !== null) throw new Error(`The socket was closed: ${closeCode}`);
      await new Promise<void>((resolve) => {
        notice = resolve;
      });
    }
    return messages.find(fits);
  };
  socket.send(JSON.stringify({ type: 'connection_init', payload }));
  await until(({ type }) => type === 'connection_ack');
  return { socket, messages, until, send: (message: object) => socket.send(JSON.stringify(message)) };
}

test('a syntax error, a validation error and a bad argument end one operation each, never the socket', async () => {
  const { send, until, socket } = await openSocket();
  const order = await createOrder(app);
  send({
    id: 'good',
    type: 'subscribe',
    payload: { query: `subscription { orderEvents(orderId: "${order.id}", after: "${order.eventCursor}") { type } }` },
  });
  send({ id: 'syntax', type: 'subscribe', payload: { query: 'subscription {' } });
  send({ id: 'validation', type: 'subscribe', payload: { query: 'subscription { nothing }' } });
  send({
    id: 'variables',
    type: 'subscribe',
    payload: { query: 'subscription($n: Int!) { merchantEvents(after: $n) { id } }', variables: { n: 'x' } },
  });
  send({
    id: 'argument',
    type: 'subscribe',
    payload: { query: 'subscription { orderEvents(orderId: "nonsense") { id } }' },
  });
  for (const id of ['syntax', 'validation', 'variables', 'argument']) {
    const message = await until((candidate) => candidate.id === id);
    expect(JSON.stringify(message)).toContain('BAD_USER_INPUT');
  }
  await payOrder(app, order.id);
  expect(await until(({ id, type }) => id === 'good' && type === 'next')).toMatchObject({
    payload: { data: { orderEvents: { type: 'PAYMENT_STARTED' } } },
  });
  socket.close();
});

test('queries and mutations work over the socket as well', async () => {
  const client = wsClient(app);
  const results = [];
  for await (const result of client.iterate({ query: '{ orders(first: 1) { nodes { __typename } } }' }))
    results.push(result);
  expect(results).toMatchObject([{ data: { orders: { nodes: [{ __typename: 'Order' }] } } }]);
  await client.dispose();
});

test('without a token a subscription is UNAUTHENTICATED', async () => {
  const { send, until, socket } = await openSocket({});
  send({ id: '1', type: 'subscribe', payload: { query: 'subscription { merchantEvents { id } }' } });
  expect(JSON.stringify(await until(({ id }) => id === '1'))).toContain('UNAUTHENTICATED');
  socket.close();
});

test('an event of another node whose notification was lost is delivered by the first round of the tail watch', async () => {
  const order = await createOrder(app);
  const subscriber = followOrder(app, order.id, order.eventCursor);
  const other = await startTestApp({ database: app.database });
  await payOrder(other, order.id);
  await other.close();
  await untilSettled(app.database.pool);
  // This is the first round of this node: it begins at the end of the log at its start.
  expect(await app.app.rounds.watchTail()).toBeGreaterThanOrEqual(2);
  await subscriber.until(() => subscriber.heard.length === 2);
  await subscriber.stop();
  expect(subscriber.heard.map(({ type }) => type)).toEqual(['PAYMENT_STARTED', 'PAYMENT_ACTION_REQUIRED']);
});

test('an event has the order and its history as of its delivery', async () => {
  const order = await createOrder(app);
  const client = wsClient(app);
  const seen: number[][] = [];
  const query = `subscription { orderEvents(orderId: "${order.id}", after: "${order.eventCursor}") {
    sequence type order { version events(first: 100) { nodes { sequence } } } } }`;
  type Heard = {
    orderEvents: { sequence: number; type: string; order: { version: number; events: { nodes: unknown[] } } };
  };
  await confirmCard(app, await payOrder(app, order.id));
  for await (const { data } of client.iterate<Heard>({ query })) {
    if (!data) throw new Error('Nothing came.');
    const { sequence, type, order: now } = data.orderEvents;
    seen.push([now.version, now.events.nodes.length]);
    expect(now.version).toBeGreaterThanOrEqual(sequence);
    if (type === 'ORDER_CONFIRMED') break;
  }
  // The history is read right after the order, so it may be newer by one event. A stale one would be older.
  for (const [version = 0, events] of seen) expect(events).toBeGreaterThanOrEqual(version);
  expect(seen.at(-1)).toEqual([5, 5]);
  await client.dispose();
});

test('a document that is nested too deep ends its operation, never the socket', async () => {
  const { send, until, socket } = await openSocket();
  send({ id: 'deep', type: 'subscribe', payload: { query: `{ ${'a { '.repeat(1900)} b ${'}'.repeat(1900)} }` } });
  send({ id: 'after', type: 'subscribe', payload: { query: '{ orders(first: 1) { nodes { id } } }' } });
  expect(JSON.stringify(await until(({ id }) => id === 'deep'))).toContain('BAD_USER_INPUT');
  expect(await until(({ id, type }) => id === 'after' && type === 'next')).toBeDefined();
  socket.close();
});
