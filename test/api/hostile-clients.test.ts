import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import fc from 'fast-check';
import { OperationTypeNode } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { schema } from '../../src/graphql/schema.ts';
import {
  chance,
  type Dice,
  diceOf,
  hostileEnvelope,
  hostileOperation,
  type Known,
  mangled,
  pick,
} from '../support/hostile-requests.ts';
import { createOrder, payOrder } from '../support/orders.ts';
import { isSearch, searchOf } from '../support/search.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const { numRuns, seed } = searchOf(160);

const eventLoopDelayMsMax = 200;
const delay = monitorEventLoopDelay({ resolution: 10 });

let app: TestApp;
let known: Known;
beforeAll(async () => {
  app = await startTestApp();
  delay.enable();
  const order = await createOrder(app);
  known = { orderId: order.id, paymentId: (await payOrder(app, order.id)).id, cursor: order.eventCursor };
});
afterAll(async () => {
  delay.disable();
  await app.close();
  // Of the server and of the clients, which share the process. A machine with other work may be slow, so only a search looks at it.
  if (!isSearch) return;
  const p99Ms = delay.percentile(99) / 1e6;
  console.log(`event loop delay: p99 ${p99Ms.toFixed(1)} ms, longest ${(delay.max / 1e6).toFixed(1)} ms`);
  expect(p99Ms).toBeLessThan(eventLoopDelayMsMax);
});

const faults = () =>
  app.logged.filter(({ level }) => level === 'error').map(({ fields, message }) => ({ message, fields }));

type Hostile = { readonly path: string; readonly init: RequestInit };

function byPost(body: string | Buffer, contentType: string): Hostile {
  const headers = { 'content-type': contentType, authorization: `Bearer ${app.token}` };
  return { path: '/graphql', init: { method: 'POST', headers, body: body as BodyInit } };
}

const percent = (value: unknown) =>
  encodeURIComponent(wellFormed(typeof value === 'string' ? value : JSON.stringify(value)));
/** Text that percent-encoding can represent: unpaired surrogates have no UTF-8 encoding. */
const wellFormed = (text: string) => text.replaceAll(/\p{Surrogate}/gu, '\ufffd');

const tameWays = ['json'];
const ways = ['json', 'json', 'form', 'mangled', 'bytes', 'get'];

function hostileRequest(dice: Dice): Hostile {
  const kind = pick(dice, [OperationTypeNode.QUERY, OperationTypeNode.MUTATION]);
  const envelope = hostileEnvelope(dice, hostileOperation(dice, schema, kind, known));
  const pairs = Object.entries(envelope).map(([name, value]) => `${percent(name)}=${percent(value ?? 'null')}`);
  const form = dice.isWild && chance(dice, 40) ? mangled(dice, pairs.join('&')) : pairs.join('&');
  switch (pick(dice, dice.isWild ? ways : tameWays)) {
    case 'json':
      return byPost(JSON.stringify(envelope), 'application/json');
    case 'mangled':
      return byPost(wellFormed(mangled(dice, JSON.stringify(envelope))), 'application/json');
    case 'bytes':
      return byPost(Buffer.from(mangled(dice, JSON.stringify(envelope)), 'latin1'), 'application/json');
    case 'form':
      return byPost(wellFormed(form), 'application/x-www-form-urlencoded');
    default:
      return {
        path: `/graphql?${form.slice(0, 12_000).replaceAll(/[^!-~]/g, '')}`,
        init: { headers: { authorization: `Bearer ${app.token}` } },
      };
  }
}

test('no request, whatever it contains, is answered with a server error', async () => {
  await fc.assert(
    fc.asyncProperty(fc.noBias(fc.gen()), async (draw) => {
      const dice = diceOf(draw);
      app.logged.length = 0;
      const { path, init } = hostileRequest(dice);
      const response = await fetch(app.app.url + path, init);
      const text = await response.text();
      expect(response.status, text).toBeLessThan(500);
      const { errors = [] } = JSON.parse(text) as { errors?: { extensions?: { code?: string } }[] };
      expect(errors.filter(({ extensions }) => typeof extensions?.code !== 'string')).toEqual([]);
      expect(text).not.toContain('"INTERNAL"');
      expect(faults()).toEqual([]);
    }),
    { seed, numRuns, endOnFailure: true },
  );
});

/** The status of a request for a stream, and what the server sends at once. A subscription goes on until the client leaves. */
async function beginningOf(body: string): Promise<{ status: number; text: string }> {
  const leaving = new AbortController();
  const headers = {
    ...{ 'content-type': 'application/json', accept: 'text/event-stream' },
    authorization: `Bearer ${app.token}`,
  };
  const init = { method: 'POST', headers, body, signal: leaving.signal };
  const response = await fetch(`${app.app.url}/graphql`, init);
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (response.headers.get('content-type')?.startsWith('text/event-stream') && text !== '') break;
  }
  leaving.abort();
  return { status: response.status, text };
}

test('no request for an event stream, whatever it contains, is answered with a server error', async () => {
  const kinds = [OperationTypeNode.SUBSCRIPTION, OperationTypeNode.SUBSCRIPTION, OperationTypeNode.QUERY] as const;
  await fc.assert(
    fc.asyncProperty(fc.noBias(fc.gen()), async (draw) => {
      const dice = diceOf(draw);
      app.logged.length = 0;
      const text = JSON.stringify(hostileEnvelope(dice, hostileOperation(dice, schema, pick(dice, kinds), known)));
      const answer = await beginningOf(dice.isWild && chance(dice, 20) ? wellFormed(mangled(dice, text)) : text);
      expect(answer.status, answer.text).toBeLessThan(500);
      expect(answer.text).not.toContain('"INTERNAL"');
      expect(faults()).toEqual([]);
    }),
    { seed, numRuns: Math.ceil(numRuns / 2), endOnFailure: true },
  );
});

/** Close codes for a client that violates the protocol (44xx) or the WebSocket framing below it. */
const clientsFault = [1002, 1003, 1007, 1009, 4400, 4401, 4406, 4409, 4429];

async function openSocket(init: object | null = { authorization: `Bearer ${app.token}` }) {
  const socket = new WebSocket(`${app.app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const closed = once(socket, 'close').then(([code]) => Number(code));
  const messages: string[] = [];
  socket.on('message', (data) => messages.push(String(data)));
  socket.on('error', () => {});
  await once(socket, 'open');
  if (init !== null) {
    socket.send(JSON.stringify({ type: 'connection_init', payload: init }));
    await once(socket, 'message');
  }
  /** Resolves when the server has read everything that was sent, with its close code or null. */
  const settled = () => {
    const pong = once(socket, 'pong').then(() => null);
    if (socket.readyState === WebSocket.OPEN) socket.ping();
    return Promise.race([closed, pong]);
  };
  return { socket, closed, messages, settled };
}

function hostileMessage(dice: Dice): string | Buffer {
  const kinds = [OperationTypeNode.QUERY, OperationTypeNode.MUTATION, OperationTypeNode.SUBSCRIPTION] as const;
  const operation = hostileOperation(dice, schema, pick(dice, kinds), known);
  const id = dice.isWild ? pick<unknown>(dice, ['1', '2', '__proto__', '', 1, null]) : String(dice.draw(fc.nat));
  const subscribe = { id, type: 'subscribe', payload: hostileEnvelope(dice, operation) };
  const message = pick<object>(dice, [
    ...[subscribe, subscribe, subscribe, subscribe, subscribe, { ...subscribe, type: 'next' }],
    ...[{ id, type: 'complete' }, { id, type: 'error', payload: [{ message: 'x' }] }, { type: 'connection_ack' }],
    ...[{ type: 'ping', payload: { a: 1 } }, { type: 'pong' }, { type: 'nothing' }, { type: 7 }, {}, []],
  ]);
  const text = JSON.stringify(message);
  if (!dice.isWild) return JSON.stringify(subscribe);
  return chance(dice, 5) ? Buffer.from(text) : chance(dice, 10) ? mangled(dice, text) : text;
}

test('no socket, whatever it sends, is closed with a server error', async () => {
  await fc.assert(
    fc.asyncProperty(fc.noBias(fc.gen()), async (draw) => {
      const dice = diceOf(draw);
      app.logged.length = 0;
      const { socket, messages, settled, closed } = await openSocket();
      for (let sent = 0; sent < 4 && socket.readyState === WebSocket.OPEN; sent += 1) socket.send(hostileMessage(dice));
      expect([null, ...clientsFault]).toContain(await settled());
      socket.close();
      await closed;
      expect(messages.filter((text) => text.includes('"INTERNAL"'))).toEqual([]);
      expect(faults()).toEqual([]);
    }),
    { seed, numRuns: Math.ceil(numRuns / 2), endOnFailure: true },
  );
  await app.app.idle();
  expect(faults()).toEqual([]);
});

const subscribe = (id: string, query = 'subscription { merchantEvents { id } }') =>
  JSON.stringify({ id, type: 'subscribe', payload: { query } });

test.each<[string, (string | Buffer)[], number]>([
  ['next, which only a server sends', [JSON.stringify({ id: '1', type: 'next', payload: {} })], 4400],
  ['error, which only a server sends', [JSON.stringify({ id: '1', type: 'error', payload: [{ message: 'x' }] })], 4400],
  ['connection_ack, which only a server sends', [JSON.stringify({ type: 'connection_ack' })], 4400],
  ['an unknown type', [JSON.stringify({ type: 'start', id: '1' })], 4400],
  ['a message that is not JSON', ['{'], 4400],
  [
    'variables that are a list',
    [JSON.stringify({ id: '1', type: 'subscribe', payload: { query: '{a}', variables: [] } })],
    4400,
  ],
  ['a binary message', [Buffer.from(subscribe('1'))], 4400],
  ['the same id twice', [subscribe('1'), subscribe('1')], 4409],
  ['connection_init twice', [JSON.stringify({ type: 'connection_init' })], 4429],
  ['a message over 64 KiB', ['x'.repeat(64 * 1024 + 1)], 1009],
])('a socket that sends %s is closed with its code', async (_what, messages, code) => {
  const { socket, closed } = await openSocket();
  for (const message of messages) socket.send(message);
  expect(await closed).toBe(code);
});

test('a socket that sends a ping nested too deep to be written back is closed with 4400, and no error is logged', async () => {
  app.logged.length = 0;
  const { socket, closed } = await openSocket();
  const depth = 9000;
  socket.send(`{"type":"ping","payload":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`);
  expect(await closed).toBe(4400);
  expect(faults()).toEqual([]);
});

test('a socket that subscribes before connection_init is closed with 4401', async () => {
  const { socket, closed } = await openSocket(null);
  socket.send(subscribe('1'));
  expect(await closed).toBe(4401);
});

test('a socket that sends a text frame of invalid UTF-8 is closed with 1007, and nothing is logged', async () => {
  app.logged.length = 0;
  const { socket, closed } = await openSocket();
  socket.send(Buffer.from([0xff, 0xfe, 0xfd]), { binary: false });
  expect(await closed).toBe(1007);
  expect(app.logged).toEqual([]);
});

test.each([
  ['a literal', 'subscription { merchantEvents @skip(if: true) { id } }', {}],
  ['a variable', 'subscription($on: Boolean!) { merchantEvents @include(if: $on) { id } }', { on: false }],
  ['a fragment', 'subscription { ...F @skip(if: true) } fragment F on Subscription { merchantEvents { id } }', {}],
  [
    'a fragment’s field',
    'subscription { ...F } fragment F on Subscription { merchantEvents @include(if: false) { id } }',
    {},
  ],
  ['an inline fragment', 'subscription { ... @include(if: false) { merchantEvents { id } } }', {}],
])('a subscription without its field, by %s, is BAD_USER_INPUT', async (_how, query, variables) => {
  const response = await fetch(`${app.app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${app.token}` },
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  expect(text).toContain('BAD_USER_INPUT');
  expect(text).toContain('cannot be used on the root field of a subscription');
});

test.each(['0000-01-01T00:00:00Z', '0001-01-01T00:00:00+14:00', '9999-12-31T23:59:59-14:00'])(
  'the instant %s, which the database cannot hold, is BAD_USER_INPUT',
  async (instant) => {
    const response = await fetch(`${app.app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${app.token}` },
      body: JSON.stringify({
        query: 'query($at: DateTime) { orders(filter: { createdFrom: $at }) { nodes { id } } }',
        variables: { at: instant },
      }),
    });
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
  },
);

test('an id of a provider account that the database cannot hold is NOT_FOUND', async () => {
  const mutation = 'mutation($id: ID!) { testProviderAccount(id: $id) { ... on Error { code } } }';
  const answer = await app.client.request(mutation, { id: '\0' });
  expect(answer).toEqual({ testProviderAccount: { code: 'NOT_FOUND' } });
});
