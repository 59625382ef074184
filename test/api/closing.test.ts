import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { confirmCard, createOrder, payOrder, readOrder } from '../support/orders.ts';
import { control, startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

type Answer = { answer: { __typename: string; id?: string; status?: string; code?: string } };

const cancel = async (orderId: string) => {
  const { answer } = await app.client.request<Answer>(
    'mutation($input: CancelOrderInput!) { answer: cancelOrder(input: $input) { __typename ... on Order { id status } ... on Error { code } } }',
    { input: { orderId, reason: 'the customer changed their mind' } },
  );
  return answer;
};
const cancelPayment = async (paymentId: string) => {
  const { answer } = await app.client.request<Answer>(
    'mutation($input: CancelPaymentInput!) { answer: cancelPayment(input: $input) { __typename ... on Payment { id status } ... on Error { code } } }',
    { input: { paymentId } },
  );
  return answer;
};
const refresh = async (paymentId: string) => {
  const { answer } = await app.client.request<Answer>(
    'mutation($id: ID!) { answer: refreshPayment(paymentId: $id) { __typename ... on Payment { id status } ... on Error { code } } }',
    { id: paymentId },
  );
  return answer;
};
const fault = (rule: object) => control(app.sandboxUrl, 'faults', rule);

test('an order without payments is canceled at once, and canceling it again has no effect', async () => {
  const { id } = await createOrder(app);
  expect(await cancel(id)).toMatchObject({ __typename: 'Order', status: 'CANCELED' });
  expect(await cancel(id)).toMatchObject({ __typename: 'Order', status: 'CANCELED' });
  expect((await readOrder(app, id)).types).toEqual(['ORDER_CREATED', 'ORDER_CLOSING', 'ORDER_CANCELED']);
});

test('an order whose buyer has yet to pay is canceled once the provider has closed the payment', async () => {
  const { id } = await createOrder(app);
  const payment = await payOrder(app, id);
  expect(await cancel(id)).toMatchObject({ status: 'CANCELED' });
  const order = await readOrder(app, id);
  expect(order).toMatchObject({ paymentStatus: 'UNPAID', payments: [{ status: 'CANCELED', nextAction: null }] });
  expect(order.types.slice(-4)).toEqual(['ORDER_CLOSING', 'PAYMENT_CANCELING', 'PAYMENT_CANCELED', 'ORDER_CANCELED']);
  expect((await confirmCard(app, payment)).status).toBe(400);
});

test('a buyer who pays before the cancellation has paid: the order is confirmed', async () => {
  const { id } = await createOrder(app);
  const payment = await payOrder(app, id);
  await fault({ fault: 'drop', match: { contains: payment.id }, times: 20 });
  await confirmCard(app, payment);
  expect(await cancel(id)).toMatchObject({ status: 'CONFIRMED' });
  expect(await cancel(id)).toMatchObject({ code: 'ORDER_NOT_CANCELABLE' });
});

test('while the provider does not answer, the order is CLOSING; once it does, CANCELED', async () => {
  const { id } = await createOrder(app);
  const payment = await payOrder(app, id);
  await fault({
    fault: 'error_500_before',
    match: { path: `/v1/payment_intents/${payment.providerPaymentId}*` },
    times: 1,
  });
  expect(await cancel(id)).toMatchObject({ status: 'CLOSING' });
  expect(await cancel(id)).toMatchObject({ status: 'CANCELED' });
});

test('an order past its expiry is closed at the provider and expires with its payment', async () => {
  const { id } = await createOrder(app, { expiresInSeconds: 60 });
  await payOrder(app, id);
  app.clock.advance(61_000);
  await app.app.rounds.sweep();
  await app.app.rounds.sweep();
  const order = await readOrder(app, id);
  expect(order).toMatchObject({ status: 'EXPIRED', payments: [{ status: 'EXPIRED' }], allowedActions: [] });
  expect(order.types.at(-1)).toBe('ORDER_EXPIRED');
});

test('an order that was paid just before its expiry is confirmed, with or without the callback', async () => {
  const { id } = await createOrder(app, { expiresInSeconds: 60 });
  const payment = await payOrder(app, id);
  await fault({ fault: 'drop', match: { contains: payment.id }, times: 20 });
  await confirmCard(app, payment);
  app.clock.advance(61_000);
  await app.app.rounds.sweep();
  await app.app.rounds.sweep();
  expect(await readOrder(app, id)).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PAID' });
});

test('money that comes after the cancellation is accepted, shown as late, and confirms the order', async () => {
  const { id } = await createOrder(app);
  const payment = await payOrder(app, id);
  await cancel(id);
  await control(app.sandboxUrl, `stripe/payment_intents/${payment.providerPaymentId}/succeed`, {});
  app.clock.advance(1100);
  expect(await refresh(payment.id)).toMatchObject({ status: 'SUCCEEDED' });
  expect(await readOrder(app, id)).toMatchObject({
    status: 'CONFIRMED',
    paymentStatus: 'PAID',
    needsReview: ['LATE_PAYMENT'],
  });
});

test('a payment can be canceled alone, and the order can be paid by another payment', async () => {
  const { id } = await createOrder(app);
  const payment = await payOrder(app, id);
  expect(await cancelPayment(payment.id)).toMatchObject({ status: 'CANCELED' });
  expect(await cancelPayment(payment.id)).toMatchObject({ status: 'CANCELED' });
  expect(await payOrder(app, id)).toMatchObject({ status: 'ACTION_REQUIRED' });
});

test('an authorization can be voided', async () => {
  const { id } = await createOrder(app, { captureMode: 'MANUAL' });
  const payment = await payOrder(app, id);
  await confirmCard(app, payment);
  app.clock.advance(1100);
  await refresh(payment.id);
  expect(await readOrder(app, id)).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'AUTHORIZED' });
  expect(await cancelPayment(payment.id)).toMatchObject({ status: 'CANCELED' });
  expect(await readOrder(app, id)).toMatchObject({ paymentStatus: 'UNPAID' });
});

test('refreshPayment queries the provider at most once a second', async () => {
  const { id } = await createOrder(app);
  const payment = await payOrder(app, id);
  await fault({ fault: 'drop', match: { contains: payment.id }, times: 20 });
  app.clock.advance(5000);
  app.clock.stop();
  onTestFinished(() => app.clock.goOn());
  expect(await refresh(payment.id)).toMatchObject({ status: 'ACTION_REQUIRED' });
  await confirmCard(app, payment);
  expect(await refresh(payment.id)).toMatchObject({ status: 'ACTION_REQUIRED' });
  app.clock.advance(1100);
  expect(await refresh(payment.id)).toMatchObject({ status: 'SUCCEEDED' });
});

test('a provider that answers with an error leaves refreshPayment PROVIDER_UNAVAILABLE and the payment as it was', async () => {
  const { id } = await createOrder(app);
  const payment = await payOrder(app, id);
  await fault({
    fault: 'error_500_before',
    match: { path: `/v1/payment_intents/${payment.providerPaymentId}*` },
    times: 1,
  });
  expect(await refresh(payment.id)).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
  expect((await readOrder(app, id)).payments).toMatchObject([{ status: 'ACTION_REQUIRED' }]);
});

test.each([
  ['answered with 500 after doing it', 'error_500_after'],
  ['broke the connection twice after doing it', 'reset_after'],
  ['answered with an unparsable body', 'malformed'],
])('a creation that the provider %s is UNKNOWN, then found, with one PaymentIntent', async (_what, name) => {
  const { id, number } = await createOrder(app);
  await fault({ fault: name, match: { operation: 'payment_intents.create', contains: number }, times: 2 });
  const payment = await payOrder(app, id);
  expect(payment).toMatchObject({ status: 'UNKNOWN', failure: null });
  expect(payment.nextCheckAt).not.toBeNull();
  app.clock.advance(6000);
  await app.app.rounds.sweep();
  expect(await readOrder(app, id)).toMatchObject({
    payments: [{ id: payment.id, status: 'ACTION_REQUIRED', nextAction: { __typename: 'ConfirmCardAction' } }],
  });
});

test('a creation that certainly did not happen is PROVIDER_UNAVAILABLE, and the same key completes it later', async () => {
  const { id, number } = await createOrder(app);
  await fault({ fault: 'rate_limit', match: { operation: 'payment_intents.create', contains: number }, times: 1 });
  const input = { idempotencyKey: `key of ${id}` };
  await expect(payOrder(app, id, input)).rejects.toThrow('ProviderUnavailableError');
  expect(await payOrder(app, id, input)).toMatchObject({ status: 'ACTION_REQUIRED' });
  expect((await readOrder(app, id)).payments).toHaveLength(1);
});

test('a creation that the provider refuses is PROVIDER_REJECTED with the failed payment, and another one may start', async () => {
  const { id } = await createOrder(app, { currency: 'CNY', lines: [{ name: 'Gum', quantity: 1, unitAmountMinor: 1 }] });
  await expect(payOrder(app, id)).rejects.toThrow(/ProviderRejectedError.*FAILED.*amount_too_small/);
  expect((await readOrder(app, id)).allowedActions).toContain('PAY');
});
