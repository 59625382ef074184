import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { createPaystreamClient, type PaystreamClient, PaystreamError } from '../../packages/client/src/main.ts';
import { createOrder, payOrder } from '../support/orders.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
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
