import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { createClient } from '../../packages/client/src/client.ts';
import {
  createPaystreamClient,
  type FollowStatus,
  type OrderEvent,
  type PaystreamClient,
  PaystreamError,
} from '../../packages/client/src/main.ts';
import { openFragileLine } from '../support/fragile-line.ts';
import { createOrder, payOrder } from '../support/orders.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const transports = ['websocket', 'sse'] as const;

function open(more: { readonly url?: string; readonly token?: string | (() => string) } = {}): PaystreamClient {
  const { url = app.app.url, token = app.token } = more;
  return createPaystreamClient({ url: `${url}/graphql`, token, webSocketImpl: WebSocket });
}

async function take<T>(events: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

const failureOf = async (events: AsyncIterable<unknown>): Promise<unknown> => {
  try {
    for await (const _event of events);
  } catch (error) {
    return error;
  }
  return null;
};

test.each(transports)('errors that do not pass end the loop with a typed error: %s', async (transport) => {
  const { id, eventCursor } = await createOrder(app);
  const other = await createOrder(app);
  const client = open();
  const wrong = open({ token: 'wrong' });
  const cases: [events: AsyncIterable<OrderEvent>, code: RegExp][] = [
    [wrong.follow({ orderId: id }, { transport, after: eventCursor }), /^(FORBIDDEN|UNAUTHENTICATED)$/],
    [wrong.follow('merchant', { transport }), /^UNAUTHENTICATED$/],
    [client.follow({ orderId: id }, { transport, after: 'nonsense' }), /^BAD_USER_INPUT$/],
    [client.follow({ orderId: id }, { transport, after: other.eventCursor }), /^BAD_USER_INPUT$/],
    [client.follow('merchant', { transport, after: eventCursor }), /^BAD_USER_INPUT$/],
    [client.follow({ orderId: 'ord_nobody' }, { transport }), /^(NOT_FOUND|BAD_USER_INPUT)$/],
  ];
  for (const [events, code] of cases) {
    const failure = await failureOf(events);
    expect(failure).toBeInstanceOf(PaystreamError);
    expect((failure as PaystreamError).code).toMatch(code);
  }
  client.close();
  wrong.close();
});

test.each(transports)('a broken line is told, and nothing is missed or repeated: %s', async (transport) => {
  const line = await openFragileLine(() => app.app.url);
  const client = open({ url: line.url });
  const { id, eventCursor } = await createOrder(app);
  const told: FollowStatus['state'][] = [];
  const onStatus = ({ state }: FollowStatus) => {
    told.push(state);
  };
  const sequences: number[] = [];
  await payOrder(app, id);
  for await (const { sequence } of client.follow({ orderId: id }, { after: eventCursor, transport, onStatus })) {
    sequences.push(sequence);
    if (sequence === 7) break;
    // A payment closes the one before it: events 4 to 7.
    if (sequence === 3) {
      line.cut();
      await payOrder(app, id);
    }
  }
  expect(sequences).toEqual([2, 3, 4, 5, 6, 7]);
  expect(told.slice(0, 5)).toEqual(['connecting', 'live', 'waiting', 'connecting', 'live']);
  expect(told.at(-1)).toBe('ended');
  client.close();
  await line.close();
});

test.each(transports)(
  'a reader that is slow holds no more than the buffer, and gets everything: %s',
  async (transport) => {
    const client = open();
    const { id, eventCursor } = await createOrder(app);
    for (let count = 0; count < 4; count += 1) await payOrder(app, id);
    const states: string[] = [];
    const events = client.follow(
      { orderId: id },
      { after: eventCursor, transport, bufferMax: 2, onStatus: ({ state }) => void states.push(state) },
    );
    const sequences = (await take(events, 11)).map(({ sequence }) => sequence);
    expect(sequences).toEqual(Array.from({ length: 11 }, (_, index) => index + 2));
    expect(states.filter((state) => state === 'full').length).toBeGreaterThan(3);
    expect(states.filter((state) => state === 'waiting')).toEqual([]);
    client.close();
  },
);

test('without a cursor it starts where the log ends at the first `next`, and tells that cursor', async () => {
  const client = open();
  const { id, eventCursor } = await createOrder(app);
  const events = client.follow({ orderId: id });
  expect(events.cursor).toBeNull();
  const first = events.next();
  await expect.poll(() => events.cursor).toBe(eventCursor);
  await payOrder(app, id);
  expect((await first).value).toMatchObject({ sequence: 2, type: 'PAYMENT_STARTED' });
  expect(events.cursor).toBe((await first).value?.cursor);
  await events.return?.();
  expect(await events.next()).toEqual({ done: true, value: undefined });
  client.close();
});

test('a selection of one’s own is followed as well, and has to select the cursor', async () => {
  const client = open();
  const { id, eventCursor } = await createOrder(app);
  await payOrder(app, id);
  const document = (fields: string) =>
    `subscription($id: ID!, $after: EventCursor) { orderEvents(orderId: $id, after: $after) { ${fields} } }`;
  const target = { variables: { id }, after: eventCursor };
  expect(await take(client.follow({ ...target, document: document('cursor order { number }') }), 1)).toEqual([
    { cursor: expect.any(String), order: { number: expect.any(String) } },
  ]);
  expect(await failureOf(client.follow({ ...target, document: document('type') }))).toMatchObject({
    code: 'BAD_USER_INPUT',
    message: expect.stringContaining('cursor'),
  });
  client.close();
});

test('a signal and `close` end the loop without an error, also while it waits', async () => {
  const client = open();
  const ending = new AbortController();
  const aborted = take(client.follow('merchant', { signal: ending.signal }), 1);
  const closed = take(client.follow('merchant'), 1);
  const watched = take(client.watch((await createOrder(app)).id), 2);
  ending.abort();
  client.close();
  expect(await aborted).toEqual([]);
  expect(await closed).toEqual([]);
  expect((await watched).length).toBeLessThanOrEqual(1);
});

test('where no WebSocket can be opened, it goes over to SSE', async () => {
  class Refused extends WebSocket {
    constructor(address: string, ...rest: never[]) {
      super(address.replace('/graphql', '/nowhere'), ...rest);
    }
  }
  const client = createPaystreamClient({ url: `${app.app.url}/graphql`, token: app.token, webSocketImpl: Refused });
  const { id, eventCursor } = await createOrder(app);
  await payOrder(app, id);
  const used: string[] = [];
  const events = client.follow(
    { orderId: id },
    { after: eventCursor, onStatus: ({ state, transport }) => void used.push(`${transport} ${state}`) },
  );
  expect(await take(events, 2)).toHaveLength(2);
  expect(used).toContain('websocket waiting');
  expect(used).toContain('sse live');
  client.close();
});

test('a client that has had a WebSocket stays with it while the server is away', async () => {
  const line = await openFragileLine(() => app.app.url);
  let isAway = false;
  class Away extends WebSocket {
    constructor(address: string, ...rest: never[]) {
      super(isAway ? address.replace('/graphql', '/nowhere') : address, ...rest);
    }
  }
  const client = createPaystreamClient({ url: `${line.url}/graphql`, token: app.token, webSocketImpl: Away });
  const { id, eventCursor } = await createOrder(app);
  await payOrder(app, id);
  const used: string[] = [];
  const onStatus = ({ state, transport }: FollowStatus) => {
    used.push(`${transport} ${state}`);
    if (used.filter((status) => status === 'websocket waiting').length === 4) isAway = false;
  };
  const sequences: number[] = [];
  for await (const { sequence } of client.follow({ orderId: id }, { after: eventCursor, onStatus })) {
    sequences.push(sequence);
    if (sequence === 7) break;
    if (sequence === 3) {
      isAway = true;
      line.cut();
      await payOrder(app, id);
    }
  }
  expect(sequences).toEqual([2, 3, 4, 5, 6, 7]);
  expect(used.filter((status) => status.startsWith('sse'))).toEqual([]);
  client.close();
  await line.close();
});

test('over SSE, it goes back to a WebSocket once one can be opened, and misses nothing', async () => {
  let isPossible = false;
  class Sometimes extends WebSocket {
    constructor(address: string, ...rest: never[]) {
      super(isPossible ? address : address.replace('/graphql', '/nowhere'), ...rest);
    }
  }
  const options = { url: `${app.app.url}/graphql`, token: app.token, webSocketImpl: Sometimes };
  const client = createClient(options, async (_ms, signal) => {
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  });
  const { id, eventCursor } = await createOrder(app);
  await payOrder(app, id);
  const used: string[] = [];
  const onStatus = ({ state, transport }: FollowStatus) => void used.push(`${transport} ${state}`);
  const sequences: number[] = [];
  for await (const { sequence } of client.follow({ orderId: id }, { after: eventCursor, onStatus })) {
    sequences.push(sequence);
    if (sequence === 7) break;
    if (sequence === 3) {
      expect(used.at(-1)).toBe('sse live');
      isPossible = true;
      await expect.poll(() => used.at(-1)).toBe('websocket live');
      await payOrder(app, id);
    }
  }
  expect(sequences).toEqual([2, 3, 4, 5, 6, 7]);
  expect(used.slice(-4, -1)).toEqual(['sse live', 'websocket connecting', 'websocket live']);
  client.close();
});
