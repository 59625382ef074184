import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stopMsMax } from '../../src/app.ts';
import { payOrderMsMax } from '../../src/commands/pay-order.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { createGate } from '../../src/limits/gate.ts';
import { createOrder, orderInput, payOrder, readOrder } from '../support/orders.ts';
import { openRaw, rawRequest } from '../support/raw-http.ts';
import { followMerchant, wsClient } from '../support/subscriber.ts';
import { control, startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const payDocument =
  'mutation($input: PayOrderInput!) { payOrder(input: $input) { __typename ... on Payment { status } } }';

test('a stopping server answers a payOrder call in progress, over HTTP and over a socket, and refuses new connections', async () => {
  const [byHttp, bySocket] = [await createOrder(app), await createOrder(app)];
  const delayMs = 15_000;
  await control(app.sandboxUrl, 'faults', { fault: 'delay', ms: delayMs, times: 2 });
  const answer = payOrder(app, byHttp.id);
  const client = wsClient(app);
  const { idempotencyKey } = orderInput();
  const input = { idempotencyKey, orderId: bySocket.id, method: 'CARD', flow: 'EMBEDDED' };
  const told = client.iterate({ query: payDocument, variables: { input } }).next();
  const idle = followMerchant(app, null);
  for (const { id } of [byHttp, bySocket]) {
    await expect.poll(async () => (await readOrder(app, id)).payments[0]?.status).toBe('SUBMITTING');
  }
  const stopping = app.app.stopAccepting();
  await expect(fetch(`${app.app.url}/healthz`, { headers: { connection: 'close' } })).rejects.toThrow();
  await control(app.sandboxUrl, 'clock', { advanceMs: delayMs });
  expect((await answer).status).toBe('ACTION_REQUIRED');
  expect((await told).value).toEqual({ data: { payOrder: { __typename: 'Payment', status: 'ACTION_REQUIRED' } } });
  await stopping;
  await idle.stop();
});

test('a stop may take longer than the longest payOrder', () => {
  expect(stopMsMax).toBeGreaterThan(payOrderMsMax);
});

const health = rawRequest({ method: 'GET', target: '/healthz' });
test.each<[string, Buffer]>([
  ['another', health],
  ['another and nonsense', Buffer.concat([health, Buffer.from('nonsense\r\n\r\n')])],
  [
    'an offer of h2c',
    rawRequest({ method: 'GET', target: '/healthz', headers: ['connection: upgrade', 'upgrade: h2c'] }),
  ],
])('a stop does not wait for a disconnected client that sent a request and %s after it', async (_what, behind) => {
  const server = createHttpServer({});
  const url = await server.listen(0, '127.0.0.1');
  const asked = new Promise<ServerResponse>((resolve) => {
    server.serve({
      graphql: (_request, response) => {
        resolve(response);
        return new Promise(() => {}); // still in progress when the server stops
      },
      ...{
        hasGraphiql: false,
        origins: { foreignOf: () => null, isListed: async () => false },
        operations: createGate({ inFlightMax: 1, queuedMax: 0 }),
        webhooks: { handle: async () => {}, refuse: () => {} },
        exports: async () => {},
        webSocket: () => {},
        ready: async () => null,
        home: null,
        returnPage: null,
      },
      log: { info: () => {}, warn: () => {}, error: () => {} },
    });
  });
  const connection = await openRaw(url);
  const first = rawRequest({ headers: ['content-type: application/json'], body: '{"query":"{__typename}"}' });
  connection.send(Buffer.concat([first, behind]));
  const gone = once(await asked, 'close');
  connection.end();
  await gone;
  await server.stopAccepting(stopMsMax);
  await server.close();
});
