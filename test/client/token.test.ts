import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { createResumingClient } from '../../examples/frontend/resuming-client.ts';
import { createPaystreamClient, type PaystreamClient, PaystreamError } from '../../packages/client/src/main.ts';
import { testMasterKeys } from '../support/merchants.ts';
import { createOrder, payOrder } from '../support/orders.ts';
import { createMinter } from '../support/principals.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ config: { masterKeys: testMasterKeys } });
});
afterAll(() => app.close());

const transports = ['websocket', 'sse'] as const;

function open(token: () => Promise<string>): PaystreamClient {
  const client = createPaystreamClient({ url: `${app.app.url}/graphql`, token, webSocketImpl: WebSocket });
  onTestFinished(() => client.close());
  return client;
}

/** A client whose function for the token fails once. */
function openForgetful(error: Error): PaystreamClient {
  let calls = 0;
  return open(async () => {
    calls += 1;
    if (calls === 1) throw error;
    return app.token;
  });
}

async function first<T>(values: AsyncIterable<T>): Promise<T | null> {
  for await (const value of values) return value;
  return null;
}

const offline = new TypeError('fetch failed');

test('a function that fails to get the token is a network error of a request, and its error the cause', async () => {
  const failure = await openForgetful(offline)
    .request('{ viewer { id } }')
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(PaystreamError);
  expect(failure).toMatchObject({ code: 'NETWORK', cause: offline });
});

test.each(transports)(
  '`follow` and `watch` go on after a function that failed to get the token: %s',
  async (transport) => {
    const { id, eventCursor } = await createOrder(app);
    await payOrder(app, id);
    expect(
      await first(openForgetful(offline).follow({ orderId: id }, { transport, after: eventCursor })),
    ).toMatchObject({
      type: 'PAYMENT_STARTED',
    });
    expect(await first(openForgetful(offline).watch(id, { transport }))).toMatchObject({ id });
  },
);

test('`pay` goes on after a function that failed to get the token', async () => {
  const { id } = await createOrder(app);
  const result = await openForgetful(offline).pay({ orderId: id, method: 'CARD', flow: 'EMBEDDED' });
  expect(result.kind).toBe('actionRequired');
});

test.each(transports)('a function ends `follow` with a PaystreamError that does not pass: %s', async (transport) => {
  const { id, eventCursor } = await createOrder(app);
  const signedOut = new PaystreamError('UNAUTHENTICATED', 'Nobody is signed in.');
  const events = openForgetful(signedOut).follow({ orderId: id }, { transport, after: eventCursor });
  await expect(first(events)).rejects.toBe(signedOut);
});

/** Ends the tokens that were minted for a minute. */
async function letExpire(): Promise<void> {
  app.clock.advance(61_000);
  await app.app.rounds.endRevoked();
}

async function createTokens(): Promise<(seconds: number) => Promise<string>> {
  const { merchant } = await app.client.request<{ merchant: { id: string } }>('{ merchant { id } }');
  const mint = await createMinter(app, merchant.id);
  return (seconds) => mint('VIEWER', 'vera', seconds);
}

test.each(transports)(
  '`follow` goes on with a new token when one expires, and misses nothing: %s',
  async (transport) => {
    const mint = await createTokens();
    const { id, eventCursor } = await createOrder(app);
    await payOrder(app, id);
    let calls = 0;
    const client = open(() => {
      calls += 1;
      return mint(60);
    });
    const sequences: number[] = [];
    for await (const { sequence } of client.follow({ orderId: id }, { transport, after: eventCursor })) {
      sequences.push(sequence);
      if (sequence === 7) break;
      if (sequence === 3) {
        await letExpire();
        await payOrder(app, id);
      }
    }
    expect(sequences).toEqual([2, 3, 4, 5, 6, 7]);
    expect(calls).toBe(2);
  },
);

test.each(transports)('`follow` ends when the server refuses the new token as well: %s', async (transport) => {
  const mint = await createTokens();
  const { id, eventCursor } = await createOrder(app);
  await payOrder(app, id);
  const token = await mint(60);
  const follow = async () => {
    for await (const { sequence } of open(async () => token).follow(
      { orderId: id },
      { transport, after: eventCursor },
    )) {
      if (sequence === 3) await letExpire();
    }
  };
  await expect(follow()).rejects.toMatchObject({ code: expect.stringMatching(/^(FORBIDDEN|UNAUTHENTICATED)$/) });
});

test('a subscription that joins a WebSocket whose token has expired goes on with a new one', async () => {
  const mint = await createTokens();
  const { id, eventCursor } = await createOrder(app);
  await payOrder(app, id);
  const client = open(() => mint(60));
  const transport = 'websocket';
  const held = client.follow({ orderId: id }, { transport, after: eventCursor });
  expect((await held.next()).value).toMatchObject({ sequence: 2 });
  app.clock.advance(61_000); // the server has not closed the socket yet
  expect(await first(client.follow({ orderId: id }, { transport, after: eventCursor }))).toMatchObject({ sequence: 2 });
  expect((await held.next()).value).toMatchObject({ sequence: 3 });
});

test('the resuming client of the examples goes on with a new token, and ends when that one is refused', async () => {
  const mint = await createTokens();
  const { id, eventCursor } = await createOrder(app);
  await payOrder(app, id);
  let token = await mint(60);
  let heard = 0;
  const socket = createResumingClient({
    url: `${app.app.url.replace('http', 'ws')}/graphql`,
    connectionParams: () => ({ authorization: `Bearer ${token}` }),
    webSocketImpl: WebSocket,
  });
  const query =
    'subscription($id: ID!, $after: EventCursor) { orderEvents(orderId: $id, after: $after) { cursor sequence } }';
  const ended = new Promise((resolve) => {
    socket.subscribe(
      { query, variables: { id, after: eventCursor } },
      {
        next() {
          heard += 1;
        },
        error: resolve,
        complete: () => resolve(null),
      },
    );
  });
  await expect.poll(() => heard).toBe(2);
  token = await mint(200);
  await letExpire();
  await payOrder(app, id);
  await expect.poll(() => heard).toBe(6);
  app.clock.advance(200_000);
  await app.app.rounds.endRevoked();
  expect(await ended).toMatchObject({ code: 4403 });
});
