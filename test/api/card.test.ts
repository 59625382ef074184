import { afterAll, beforeAll, expect, test } from 'vitest';
import { confirmCard, createOrder, payOrder, refreshPayment } from '../support/orders.ts';
import { startTestApp, type TestApp, untilCallbacksCame } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const cardOf = async (id: string) => {
  const { payment } = await app.client.request<{ payment: { card: object | null; status: string } }>(
    `{ payment: node(id: "${id}") { ... on Payment { status card { brand last4 } } } }`,
  );
  return payment;
};

test.each(['AUTOMATIC', 'MANUAL'] as const)(
  'with %s capture, a payment has the card that paid once Stripe was asked',
  async (captureMode) => {
    const { id } = await createOrder(app, { captureMode });
    const payment = await payOrder(app, id);
    expect(await cardOf(payment.id)).toMatchObject({ card: null });
    await confirmCard(app, payment, 'pm_card_visa_chargeDeclined');
    app.clock.advance(1100);
    await refreshPayment(app, payment.id);
    expect(await cardOf(payment.id)).toEqual({ status: 'ACTION_REQUIRED', card: null });
    await confirmCard(app, payment, 'pm_card_mastercard');
    app.clock.advance(1100);
    await refreshPayment(app, payment.id);
    const status = captureMode === 'MANUAL' ? 'AUTHORIZED' : 'SUCCEEDED';
    expect(await cardOf(payment.id)).toEqual({ status, card: { brand: 'mastercard', last4: '4444' } });
  },
);

test('a payment that a callback settled has its card once Stripe was asked', async () => {
  const { id } = await createOrder(app);
  const payment = await payOrder(app, id);
  await confirmCard(app, payment);
  await untilCallbacksCame(app);
  await app.app.idle();
  expect(await cardOf(payment.id)).toEqual({ status: 'SUCCEEDED', card: null });
  app.clock.advance(1100);
  await refreshPayment(app, payment.id);
  expect(await cardOf(payment.id)).toEqual({ status: 'SUCCEEDED', card: { brand: 'visa', last4: '4242' } });
});

test('other methods have no card', async () => {
  const { id } = await createOrder(app, { currency: 'CNY' });
  const payment = await payOrder(app, id, { method: 'ALIPAY', flow: 'QR_CODE' });
  expect(await cardOf(payment.id)).toMatchObject({ card: null });
});
