import { afterAll, beforeAll, expect, test } from 'vitest';
import { booksOf, confirmCard, createOrder, payOrder, readOrder } from '../support/orders.ts';
import { followOrder } from '../support/subscriber.ts';
import {
  askControl,
  clearFaults,
  control,
  startTestApp,
  type TestApp,
  untilCallbacksCame,
} from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const paidOrder = [
  'ORDER_CREATED',
  'PAYMENT_STARTED',
  'PAYMENT_ACTION_REQUIRED',
  'PAYMENT_SUCCEEDED',
  'ORDER_CONFIRMED',
];

test('an order paid by card is confirmed by the callback, and its subscriber gets every step once and in order', async () => {
  const { orders } = await app.client.request<{ orders: { eventCursor: string } }>(
    '{ orders(first: 1) { eventCursor } }',
  );
  const order = await createOrder(app);
  const subscriber = followOrder(app, order.id, orders.eventCursor);
  const payment = await payOrder(app, order.id);
  expect(payment).toMatchObject({ status: 'ACTION_REQUIRED', evidence: { source: 'RESPONSE' } });

  expect((await confirmCard(app, payment)).status).toBe(200);
  const heard = await subscriber.until(({ type }) => type === 'ORDER_CONFIRMED');
  await subscriber.stop();

  expect(heard.map(({ type }) => type)).toEqual(paidOrder);
  expect(heard.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
  const paid = await readOrder(app, order.id);
  expect(paid).toMatchObject({
    ...{ status: 'CONFIRMED', paymentStatus: 'PAID', version: 5, types: paidOrder, allowedActions: ['REFUND'] },
    captured: { amountMinor: 2500 },
    payments: [
      { status: 'SUCCEEDED', captured: { amountMinor: 2500 }, evidence: { source: 'CALLBACK' }, nextAction: null },
    ],
  });
  const ledger = await askControl<{ payments: Record<string, unknown> }>(
    app.sandboxUrl,
    `ledger?payment_id=${payment.id}`,
  );
  expect(JSON.stringify(ledger)).toContain('2500');
});

test('a declined card leaves the payment open and says why, and another card pays it', async () => {
  const order = await createOrder(app);
  const subscriber = followOrder(app, order.id, order.eventCursor);
  const payment = await payOrder(app, order.id);
  expect((await confirmCard(app, payment, 'pm_card_chargeDeclinedInsufficientFunds')).status).toBe(402);
  const isDeclined = ({ sequence, type }: { sequence: number; type: string }) =>
    sequence === 4 && type === 'PAYMENT_ACTION_REQUIRED';
  await subscriber.until(isDeclined);
  const declined = await readOrder(app, order.id);
  expect(declined.payments[0]).toMatchObject({
    status: 'ACTION_REQUIRED',
    failure: { reason: 'insufficient_funds', providerCode: 'insufficient_funds' },
    nextAction: { __typename: 'ConfirmCardAction' },
  });
  await confirmCard(app, payment);
  await subscriber.until(({ type }) => type === 'ORDER_CONFIRMED');
  await subscriber.stop();
  const paid = await readOrder(app, order.id);
  expect(paid.payments).toMatchObject([{ status: 'SUCCEEDED', failure: null }]);
  // The event keeps the failure that the payment does not have any more; no other event has one.
  expect(paid.events.nodes.filter(({ failure }) => failure !== null)).toMatchObject([
    {
      ...{ sequence: 4, type: 'PAYMENT_ACTION_REQUIRED' },
      failure: { reason: 'insufficient_funds', message: expect.any(String), providerCode: 'insufficient_funds' },
    },
  ]);
});

test('an order is confirmed when its buyer pays on the checkout page', async () => {
  const order = await createOrder(app);
  const subscriber = followOrder(app, order.id, order.eventCursor);
  const payment = await payOrder(app, order.id, { flow: 'REDIRECT', returnUrl: 'https://shop.example/back' });
  if (payment.nextAction?.__typename !== 'RedirectAction') throw new Error('The payment leads nowhere.');
  const page = await fetch(payment.nextAction.url, {
    method: 'POST',
    body: new URLSearchParams({ action: 'pay', card: '4242424242424242' }),
    redirect: 'manual',
  });
  expect([302, 303]).toContain(page.status);
  await subscriber.until(({ type }) => type === 'ORDER_CONFIRMED');
  await subscriber.stop();
  expect((await readOrder(app, order.id)).payments).toMatchObject([{ status: 'SUCCEEDED', flow: 'REDIRECT' }]);
});

test('when all callbacks are lost, queries alone find that the buyer has paid', async () => {
  const order = await createOrder(app);
  const payment = await payOrder(app, order.id);
  const [intentId = ''] = payment.providerPaymentId?.split('_secret_') ?? [];
  await fetch(`${app.sandboxUrl}/control/faults`, {
    method: 'POST',
    body: JSON.stringify({ fault: 'drop', match: { contains: intentId }, times: 20 }),
  });
  await confirmCard(app, payment);
  expect((await readOrder(app, order.id)).status).toBe('OPEN');
  app.clock.advance(11_000);
  await app.app.rounds.sweep();
  expect(await readOrder(app, order.id)).toMatchObject({
    status: 'CONFIRMED',
    payments: [{ status: 'SUCCEEDED', evidence: { source: 'QUERY' } }],
  });
});

test('a page that its provider keeps for at least half an hour expires with its order as the next action', async () => {
  const order = await createOrder(app, { expiresInSeconds: 60 });
  const { nextAction } = await payOrder(app, order.id, { flow: 'REDIRECT', returnUrl: 'https://shop.example/back' });
  const { order: shown } = await app.client.request<{ order: { expiresAt: string } }>(
    'query($id: ID!) { order(id: $id) { expiresAt } }',
    { id: order.id },
  );
  expect(nextAction).toMatchObject({ expiresAt: shown.expiresAt });
});

async function press(url: string, body: Record<string, string>): Promise<void> {
  await (await fetch(url, { method: 'POST', body: new URLSearchParams(body), redirect: 'manual' })).text();
}

/** A page that its buyer has paid by a delayed payment method. */
async function paidLater() {
  const order = await createOrder(app);
  const input = {
    idempotencyKey: `page of ${order.id}`,
    flow: 'REDIRECT',
    returnUrl: 'https://shop.example/',
  } as const;
  const payment = await payOrder(app, order.id, input);
  if (payment.nextAction?.__typename !== 'RedirectAction') throw new Error('The payment leads nowhere.');
  const { url } = payment.nextAction;
  await control(app.sandboxUrl, 'faults', { fault: 'processing_then_failed' });
  await press(url, { action: 'pay', card: '4242424242424242' });
  const [intent] = (await booksOf(app, payment.id)).paymentIntents;
  const fail = () => control(app.sandboxUrl, `stripe/payment_intents/${intent?.id}/finish`, { outcome: 'failed' });
  return { order, input, payment, url, fail };
}

test('a page whose delayed payment fails has failed: its link is not returned again, and the buyer starts another payment', async () => {
  const { order, input, payment, url, fail } = await paidLater();
  await untilCallbacksCame(app);
  const [processing] = (await readOrder(app, order.id)).payments;
  expect(processing).toMatchObject({ status: 'PROCESSING', nextAction: null });
  await fail();
  await untilCallbacksCame(app);
  expect((await readOrder(app, order.id)).payments).toMatchObject([
    { status: 'FAILED', nextAction: null, failure: { providerCode: 'async_payment_failed' } },
  ]);
  expect(await payOrder(app, order.id, input)).toMatchObject({ id: payment.id, status: 'FAILED', nextAction: null });
  const next = await payOrder(app, order.id, { ...input, idempotencyKey: `next page of ${order.id}` });
  expect(next).toMatchObject({ status: 'ACTION_REQUIRED', nextAction: { __typename: 'RedirectAction' } });
  expect(next.nextAction).not.toMatchObject({ url });
});

test('when its callbacks are lost, queries find the same for a page that fails later', async () => {
  const { order, input, payment, fail } = await paidLater();
  await control(app.sandboxUrl, 'faults', { fault: 'drop', match: { type: '*' }, times: 100 });
  await fail();
  app.clock.advance(3 * 60 * 60_000); // the order and the page are over as well
  await app.app.rounds.sweep();
  expect((await readOrder(app, order.id)).payments).toMatchObject([
    { id: payment.id, status: 'FAILED', nextAction: null, failure: { providerCode: 'async_payment_failed' } },
  ]);
  expect(await payOrder(app, order.id, input)).toMatchObject({ status: 'FAILED', nextAction: null });
  await clearFaults(app);
});
