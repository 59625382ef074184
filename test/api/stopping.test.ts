import { afterAll, beforeAll, expect, test } from 'vitest';
import { stopMsMax } from '../../src/app.ts';
import { payOrderMsMax } from '../../src/commands/pay-order.ts';
import { createOrder, orderInput, payOrder, readOrder } from '../support/orders.ts';
import { followMerchant, wsClient } from '../support/subscriber.ts';
import { control, startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const payDocument =
  'mutation($input: PayOrderInput!) { payOrder(input: $input) { __typename ... on Payment { status } } }';

test('a server that stops lets payOrder have its answer, over HTTP and over a socket, and takes nobody new', async () => {
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
