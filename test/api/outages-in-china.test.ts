import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { PayOrderInput } from '../../generated/graphql/graphql.ts';
import { paymentsPerOrderMax } from '../../src/commands/pay-order.ts';
import { createOrder, payOrder, payOrderDocument, readOrder, requestRefund, sweepUntil } from '../support/orders.ts';
import { askControl, clearFaults, control, startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterEach(() => clearFaults(app));
afterAll(() => app.close());

const dayMs = 24 * 60 * 60_000;
const minuteMs = 60_000;

function fault(rule: object): Promise<unknown> {
  return control(app.sandboxUrl, 'faults', { times: 100_000, ...rule });
}

async function pass(times: number, stepMs: number): Promise<void> {
  for (let step = 0; step < times; step += 1) {
    app.clock.advance(stepMs);
    await app.app.rounds.sweep();
    await app.app.idle();
  }
}

async function tryToPay(input: Omit<PayOrderInput, 'idempotencyKey'> & { idempotencyKey?: string }) {
  const { payOrder: answer } = await app.client.request(payOrderDocument, {
    input: { idempotencyKey: randomUUID(), ...input },
  });
  return answer;
}

async function capturedAtAlipay(paymentId: string): Promise<number | undefined> {
  const { alipay } = await askControl<{ alipay: { totals: Record<string, { captured: number }> } }>(
    app.sandboxUrl,
    `ledger?payment_id=${paymentId}`,
  );
  return alipay.totals[paymentId]?.captured;
}

test('the payment of an abandoned link that is opened late, closed and paid all the same is found without a callback', async () => {
  const order = await createOrder(app, { currency: 'CNY', expiresInSeconds: 86_400 });
  const payment = await payOrder(app, order.id, { method: 'ALIPAY', flow: 'QR_CODE' });
  await app.client.request('mutation($id: ID!) { cancelOrder(input: { orderId: $id }) { __typename } }', {
    id: order.id,
  });
  await pass(12, 10 * minuteMs);
  await fault({ fault: 'drop', match: { type: '*' } });
  await control(app.sandboxUrl, `alipay/buyer/${payment.id}`, { action: 'scan' });
  await pass(3, 15 * minuteMs);
  await control(app.sandboxUrl, `alipay/trades/${payment.id}/succeed`, {});
  await pass(10, dayMs);
  expect(await capturedAtAlipay(payment.id)).toBe(2500);
  expect(await readOrder(app, order.id)).toMatchObject({
    ...{ needsReview: ['LATE_PAYMENT'], payments: [{ status: 'SUCCEEDED', evidence: { source: 'QUERY' } }] },
  });
});

test('a refund that the provider does not accept is retried at growing intervals and goes into review', async () => {
  const order = await createOrder(app, { currency: 'CNY' });
  const payment = await payOrder(app, order.id, { method: 'WECHAT_PAY', flow: 'QR_CODE' });
  await control(app.sandboxUrl, `wechatpay/buyer/${payment.id}`, { action: 'pay' });
  await sweepUntil(app, order.id, ({ status }) => status === 'CONFIRMED', 10_000);
  await fault({ fault: 'rate_limit', match: { operation: 'refunds.create' } });
  await requestRefund(app, { paymentId: payment.id });
  await pass(6, minuteMs);
  expect((await readOrder(app, order.id)).needsReview).toEqual([]);
  await pass(24, 60 * minuteMs);
  expect(await readOrder(app, order.id)).toMatchObject({
    ...{ needsReview: ['REFUND_ABNORMAL'], refunds: [{ status: 'PENDING', nextCheckAt: expect.any(String) }] },
  });
  await clearFaults(app);
  await pass(3, dayMs);
  expect((await readOrder(app, order.id)).refunds).toMatchObject([{ status: expect.not.stringMatching('UNKNOWN') }]);
});

test('a method whose provider does not accept calls does not block other methods', async () => {
  await fault({ fault: 'rate_limit', match: { operation: 'alipay.trade.precreate' } });
  const { id: orderId } = await createOrder(app, { currency: 'CNY' });
  const refused = await tryToPay({ orderId, method: 'ALIPAY', flow: 'QR_CODE' });
  expect(refused).toMatchObject({ __typename: 'ProviderUnavailableError', code: 'PROVIDER_UNAVAILABLE' });
  const other = await tryToPay({ orderId, method: 'WECHAT_PAY', flow: 'QR_CODE' });
  expect(other).toMatchObject({ __typename: 'Payment', status: 'ACTION_REQUIRED' });
  expect((await readOrder(app, orderId)).payments.map(({ status }) => status)).toEqual(['CANCELED', 'ACTION_REQUIRED']);
});

test('an Alipay QR code that nobody has scanned is renewed by a repeated call with the same key', async () => {
  const { id: orderId } = await createOrder(app, { currency: 'CNY', expiresInSeconds: 86_400 });
  const idempotencyKey = randomUUID();
  const pay = async () => {
    const answer = await tryToPay({ idempotencyKey, orderId, method: 'ALIPAY', flow: 'QR_CODE' });
    if (answer?.__typename !== 'Payment' || answer.nextAction?.__typename !== 'QrCodeAction')
      throw new Error('No code.');
    return { id: answer.id, ...answer.nextAction };
  };
  const first = await pay();
  app.clock.advance(2 * 60 * minuteMs + 1000);
  await control(app.sandboxUrl, 'clock', { advanceMs: 2 * 60 * minuteMs + 1000 });
  const renewed = await pay();
  expect(renewed.id).toBe(first.id);
  expect(renewed.content).not.toBe(first.content);
  expect(new Date(renewed.expiresAt ?? 0).getTime()).toBeGreaterThan(app.clock.now().getTime());
});

test('a payment that cannot be closed because its provider does not answer blocks another one, after one query', async () => {
  const { id: orderId } = await createOrder(app, { currency: 'CNY' });
  await payOrder(app, orderId, { method: 'ALIPAY', flow: 'QR_CODE' });
  await fault({ fault: 'error_500_before', match: { operation: 'alipay.trade.query' } });
  const refused = await tryToPay({ orderId, method: 'WECHAT_PAY', flow: 'QR_CODE' });
  expect(refused).toMatchObject({ __typename: 'PaymentInProgressError', payment: { status: 'CANCELING' } });
  await clearFaults(app);
  await sweepUntil(app, orderId, ({ payments }) => payments[0]?.status === 'CANCELED', 10_000);
  expect(await tryToPay({ orderId, method: 'WECHAT_PAY', flow: 'QR_CODE' })).toMatchObject({
    status: 'ACTION_REQUIRED',
  });
});

test('the error for a query without an answer does not claim that nothing happened', async () => {
  const { id: orderId } = await createOrder(app, { currency: 'CNY' });
  const payment = await payOrder(app, orderId, { method: 'WECHAT_PAY', flow: 'QR_CODE' });
  await fault({ fault: 'error_500_before', match: { operation: 'transactions.query' } });
  app.clock.advance(1100);
  const { refreshPayment } = await app.client.request<{ refreshPayment: { code: string; message: string } }>(
    'mutation($id: ID!) { refreshPayment(paymentId: $id) { ... on Error { code message } } }',
    { id: payment.id },
  );
  expect(refreshPayment.code).toBe('PROVIDER_UNAVAILABLE');
  expect(refreshPayment.message).toContain('may have been made');
});

test('an order that needs a person is in the log, with the reason', async () => {
  const { id: orderId } = await createOrder(app, { currency: 'CNY' });
  const payment = await payOrder(app, orderId, { method: 'WECHAT_PAY', flow: 'QR_CODE' });
  await fault({ fault: 'wrong_amount', target: 'callback', match: { contains: payment.id } });
  await control(app.sandboxUrl, `wechatpay/buyer/${payment.id}`, { action: 'pay' });
  await control(app.sandboxUrl, 'clock', { advanceMs: 0 });
  await app.app.idle();
  expect(app.logged).toContainEqual({
    level: 'warn',
    fields: {
      ...{ requestId: expect.any(String), orderId, reasons: ['AMOUNT_MISMATCH'] },
      note: expect.stringContaining(payment.id),
    },
    message: 'an order needs a person',
  });
});

test('the number of payments of an order is limited, and the last one stays payable', async () => {
  const { id: orderId } = await createOrder(app, { currency: 'CNY' });
  const start = () => tryToPay({ orderId, method: 'ALIPAY', flow: 'QR_CODE' });
  for (let started = 0; started < paymentsPerOrderMax; started += 1) {
    expect(await start()).toMatchObject({ __typename: 'Payment' });
  }
  expect(await start()).toMatchObject({ __typename: 'OrderNotPayableError', message: expect.stringContaining('50') });
  const { payments } = await readOrder(app, orderId);
  expect(payments).toHaveLength(paymentsPerOrderMax);
  expect(payments.filter(({ status }) => status === 'ACTION_REQUIRED')).toHaveLength(1);
});
