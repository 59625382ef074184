import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { createPaystreamClient, type Order, type PaystreamOptions } from '../../packages/client/src/main.ts';
import { memoryStorage } from '../../packages/client/src/storage.ts';
import { testMasterKeys } from '../support/merchants.ts';
import { booksOf, confirmCard, createOrder, refreshPayment } from '../support/orders.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ config: { masterKeys: testMasterKeys } });
});
afterAll(() => app.close());

function open(options: Partial<PaystreamOptions> = {}) {
  const { token } = app;
  return createPaystreamClient({
    ...{ url: `${app.app.url}/graphql`, token, webSocketImpl: WebSocket, storage: memoryStorage() },
    ...options,
  });
}

const byCard = (orderId: string) => ({ orderId, method: 'CARD', flow: 'EMBEDDED' }) as const;

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

test('a buyer’s page needs nothing but the client token of the order', async () => {
  const { id: orderId } = await createOrder(app);
  const { order } = await app.client.request<{ order: { clientToken: string } }>(
    'query($id: ID!) { order(id: $id) { clientToken } }',
    { id: orderId },
  );
  const client = open({ token: async () => order.clientToken });
  const statuses: string[] = [];
  const watched = (async () => {
    for await (const { paymentStatus } of client.watch(orderId)) {
      statuses.push(paymentStatus);
      if (paymentStatus === 'PAID') return;
    }
  })();
  const result = await client.pay(byCard(orderId));
  if (result.kind !== 'actionRequired') throw new Error(JSON.stringify(result));
  await confirmCard(app, { nextAction: result.action } as never);
  await watched;
  expect(statuses.slice(-1)).toEqual(['PAID']);
  const types: string[] = [];
  for await (const { type } of client.follow({ orderId }, { after: result.order.eventCursor })) {
    types.push(type);
    if (type === 'ORDER_CONFIRMED') break;
  }
  expect(types).toContain('PAYMENT_SUCCEEDED');
  client.close();
});

test('the next call after a payment that is over starts another one, in every tab the same', async () => {
  const storage = memoryStorage();
  const [one, two] = [open({ storage }), open({ storage })];
  const { id: orderId } = await createOrder(app);
  const first = await one.pay(byCard(orderId));
  if (first.kind !== 'actionRequired') throw new Error(JSON.stringify(first));
  await app.client.request('mutation($id: ID!) { cancelPayment(input: { paymentId: $id }) { __typename } }', {
    id: first.payment.id,
  });
  expect(await one.pay(byCard(orderId))).toMatchObject({ kind: 'failed', payment: { status: 'CANCELED' } });
  const [second, third] = await Promise.all([one.pay(byCard(orderId)), two.pay(byCard(orderId))]);
  if (second.kind !== 'actionRequired' || third.kind !== 'actionRequired') throw new Error(JSON.stringify(second));
  expect(second.payment.id).not.toBe(first.payment.id);
  expect(third.payment.id).toBe(second.payment.id);
});

test('a page that lost its storage and asks for an earlier attempt is told that the order is paid', async () => {
  const { id: orderId } = await createOrder(app);
  const storage = memoryStorage();
  const client = open({ storage });
  const first = await client.pay(byCard(orderId));
  if (first.kind !== 'actionRequired') throw new Error(JSON.stringify(first));
  await app.client.request('mutation($id: ID!) { cancelPayment(input: { paymentId: $id }) { __typename } }', {
    id: first.payment.id,
  });
  await client.pay(byCard(orderId));
  const second = await client.pay(byCard(orderId));
  if (second.kind !== 'actionRequired') throw new Error(JSON.stringify(second));
  await confirmCard(app, { nextAction: second.action } as never);
  app.clock.advance(1100);
  await refreshPayment(app, second.payment.id);
  expect(await open().pay(byCard(orderId))).toMatchObject({ kind: 'paid', payment: { id: second.payment.id } });
});

test('an event that says that a payment is over ends its attempt', async () => {
  const storage = memoryStorage();
  const client = open({ storage });
  const { id: orderId, eventCursor } = await createOrder(app);
  const first = await client.pay(byCard(orderId));
  if (first.kind !== 'actionRequired') throw new Error(JSON.stringify(first));
  await app.client.request('mutation($id: ID!) { cancelPayment(input: { paymentId: $id }) { __typename } }', {
    id: first.payment.id,
  });
  for await (const { type } of client.follow({ orderId }, { after: eventCursor })) {
    if (type === 'PAYMENT_CANCELED') break;
  }
  expect(await client.pay(byCard(orderId))).toMatchObject({ kind: 'actionRequired' });
  client.close();
});

test('every other outcome has its kind', async () => {
  const client = open();
  const { id: orderId } = await createOrder(app);
  expect(await client.pay({ orderId, method: 'ALIPAY' })).toMatchObject({ kind: 'methodNotAvailable' }); // in EUR
  expect(await client.pay({ orderId, method: 'CARD', flow: 'REDIRECT' })).toMatchObject({
    kind: 'invalid',
    issues: [{ path: 'returnUrl' }],
  });
  expect(await client.pay(byCard('ord_01jd8m0v6te4r8x3y5z7a9b1c2'))).toMatchObject({
    kind: 'refused',
    code: 'NOT_FOUND',
  });
  await app.client.request('mutation($id: ID!) { cancelOrder(input: { orderId: $id }) { __typename } }', {
    id: orderId,
  });
  expect(await client.pay(byCard(orderId))).toMatchObject({ kind: 'notPayable', order: { status: 'CANCELED' } });
  const deaf = open({ fetch: async () => Promise.reject(new TypeError('No line.')) });
  expect(await deaf.pay(byCard(orderId), { patienceMs: 0 })).toMatchObject({
    kind: 'unknown',
    error: { code: 'NETWORK' },
  });
  await expect(open({ token: 'wrong' }).pay(byCard(orderId))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  await expect(client.pay(byCard(orderId), { signal: AbortSignal.abort(new Error('Left.')) })).rejects.toThrow('Left.');
});

test('a storage that is full or forbidden does not stop a payment', async () => {
  const refuse = () => {
    throw new Error('The quota is used up.');
  };
  const client = open({ storage: { getItem: refuse, setItem: refuse, removeItem: refuse } });
  const { id: orderId } = await createOrder(app);
  const [first, again] = [await client.pay(byCard(orderId)), await client.pay(byCard(orderId))];
  if (first.kind !== 'actionRequired' || again.kind !== 'actionRequired') throw new Error(JSON.stringify(first));
  expect(again.payment.id).toBe(first.payment.id);
});
