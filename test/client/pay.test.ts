import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { createPaystreamClient, type Order } from '../../packages/client/src/main.ts';
import { memoryStorage } from '../../packages/client/src/storage.ts';
import { booksOf, confirmCard, createOrder } from '../support/orders.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

function open(storage = memoryStorage()) {
  return createPaystreamClient({ url: `${app.app.url}/graphql`, token: app.token, webSocketImpl: WebSocket, storage });
}

test.each(['websocket', 'sse'] as const)('an order is paid once and followed to its end over %s', async (transport) => {
  const client = open();
  const { id: orderId } = await createOrder(app);
  const seen: Order[] = [];
  const watched = (async () => {
    for await (const order of client.watch(orderId, { transport })) {
      seen.push(order);
      if (order.status === 'CONFIRMED') return;
    }
  })();
  const first = await client.pay({ orderId, method: 'CARD', flow: 'EMBEDDED' });
  const again = await client.pay({ orderId, method: 'CARD', flow: 'EMBEDDED' });
  if (first.kind !== 'actionRequired' || again.kind !== 'actionRequired') throw new Error(JSON.stringify(first));
  expect(again.payment.id).toBe(first.payment.id);
  await confirmCard(app, { ...first.payment, nextAction: first.action } as never);
  await watched;
  expect(seen.map(({ version }) => version)).toEqual([...seen.map(({ version }) => version)].sort((a, b) => a - b));
  expect(await client.pay({ orderId, method: 'CARD', flow: 'EMBEDDED' })).toMatchObject({ kind: 'paid' });
  expect((await booksOf(app, first.payment.id)).totals).toMatchObject({ paymentIntents: 1, charges: 1 });
  client.close();
});
