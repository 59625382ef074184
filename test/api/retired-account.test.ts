import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { graphql } from '../../generated/graphql/gql.ts';
import { chineseSetups } from '../support/chinese-providers.ts';
import {
  capturePayment,
  createOrder,
  paidOrder,
  payOrder,
  readOrder,
  requestRefund,
  sweepUntil,
} from '../support/orders.ts';
import { advanceSandbox, askControl, control, startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
/** A server on the same database with only Alipay configured. */
let without: TestApp;

beforeAll(async () => {
  app = await startTestApp();
  without = await startTestApp({
    ...{ database: app.database, clock: app.clock },
    config: { providers: chineseSetups(app.sandboxUrl).filter(({ name }) => name === 'ALIPAY') },
  });
});
afterAll(async () => {
  await without.close();
  await app.close();
});

const documents = {
  cancelOrder: graphql(`
    mutation CancelOrderThere($id: ID!) {
      answer: cancelOrder(input: { orderId: $id }) { __typename ... on Order { status } ... on Error { code } }
    }
  `),
  cancelPayment: graphql(`
    mutation CancelPaymentThere($id: ID!) {
      answer: cancelPayment(input: { paymentId: $id }) { __typename ... on Payment { status } ... on Error { code } }
    }
  `),
  refreshPayment: graphql(`
    mutation RefreshPaymentThere($id: ID!) {
      answer: refreshPayment(paymentId: $id) { __typename ... on Payment { status } ... on Error { code message } }
    }
  `),
};
const ask = async (document: keyof typeof documents, id: string) =>
  (await without.client.request(documents[document], { id })).answer;

/** An order with an open payment at WeChat Pay, whose account is retired later. */
async function openThere() {
  const { id: orderId } = await createOrder(app, { currency: 'CNY' });
  const { id: paymentId } = await payOrder(app, orderId, { method: 'WECHAT_PAY', flow: 'QR_CODE' });
  return { orderId, paymentId };
}

/** The errors in the log. An internal error would be among them. */
const failures = () => without.logged.filter(({ level }) => level === 'error');

test('the buyer pays by another method, and the old payment is closed once its account is configured again', async () => {
  const { orderId, paymentId } = await openThere();
  const other = await payOrder(without, orderId, { method: 'ALIPAY', flow: 'QR_CODE' });
  expect(other).toMatchObject({ status: 'ACTION_REQUIRED' });
  expect((await readOrder(without, orderId)).payments).toMatchObject([
    { id: paymentId, status: 'CANCELING', nextAction: null },
    { id: other.id, status: 'ACTION_REQUIRED' },
  ]);
  await control(app.sandboxUrl, `alipay/buyer/${other.id}`, { action: 'pay' });
  const paid = await sweepUntil(without, orderId, ({ status }) => status === 'CONFIRMED', 1000);
  expect(paid).toMatchObject({ paymentStatus: 'PAID', needsReview: [] });
  const order = await sweepUntil(app, orderId, ({ payments }) => payments[0]?.status === 'CANCELED', 6000);
  expect(order).toMatchObject({ paymentStatus: 'PAID', captured: { amountMinor: 2500 } });
  const { wechatpay } = await askControl<{ wechatpay: { transactions: { trade_state: string }[] } }>(
    app.sandboxUrl,
    `ledger?payment_id=${paymentId}`,
  );
  expect(wechatpay.transactions).toMatchObject([{ trade_state: 'CLOSED' }]);
  expect(failures()).toEqual([]);
});

test('if the old payment is paid all the same, the surplus is refunded once its account is configured again', async () => {
  const { orderId, paymentId } = await openThere();
  const other = await payOrder(without, orderId, { method: 'ALIPAY', flow: 'QR_CODE' });
  await control(app.sandboxUrl, `alipay/buyer/${other.id}`, { action: 'pay' });
  await control(app.sandboxUrl, `wechatpay/buyer/${paymentId}`, { action: 'pay' });
  await sweepUntil(without, orderId, ({ status }) => status === 'CONFIRMED', 1000);
  await sweepUntil(app, orderId, ({ refunds }) => refunds[0]?.evidence != null);
  await advanceSandbox(app, 60_000); // a refund takes WeChat Pay a while
  const order = await sweepUntil(app, orderId, ({ refunds }) => refunds[0]?.status === 'SUCCEEDED');
  expect(order).toMatchObject({
    paymentStatus: 'PAID',
    refunds: [{ origin: 'SURPLUS', amount: { amountMinor: 2500 } }],
  });
});

test('a canceled order is CLOSING until its provider can be queried, and a repeated call returns the same', async () => {
  const { orderId } = await openThere();
  for (let call = 0; call < 2; call += 1)
    expect(await ask('cancelOrder', orderId)).toMatchObject({ status: 'CLOSING' });
  await sweepUntil(app, orderId, ({ status }) => status === 'CANCELED', 6000);
  expect(failures()).toEqual([]);
});

test('a canceled payment is CANCELING until its provider can be queried', async () => {
  const { orderId, paymentId } = await openThere();
  expect(await ask('cancelPayment', paymentId)).toMatchObject({ status: 'CANCELING' });
  await sweepUntil(app, orderId, ({ payments }) => payments[0]?.status === 'CANCELED', 6000);
});

test('operations that need the provider are PROVIDER_UNAVAILABLE, and nothing is written', async () => {
  const open = await openThere();
  const { payment: authorized } = await paidOrder(app, { captureMode: 'MANUAL' });
  const { payment: paid } = await paidOrder(app);
  await advanceSandbox(app, 0);
  const rows = async () => {
    const ids = [open.paymentId, authorized.id, paid.id];
    const sql = `select to_jsonb(p) - 'asked_at' as payment, (select count(*) from events e where e.order_id = p.order_id) as events
      from payments p where id = any($1) order by id`;
    return (await app.database.pool.query(sql, [ids])).rows;
  };
  const before = await rows();
  const unavailable = { code: 'PROVIDER_UNAVAILABLE' };
  expect(await ask('refreshPayment', open.paymentId)).toMatchObject({
    ...unavailable,
    message: expect.stringContaining('not configured'),
  });
  expect(await capturePayment(without, { paymentId: authorized.id })).toMatchObject(unavailable);
  expect(await requestRefund(without, { paymentId: paid.id })).toMatchObject(unavailable);
  expect(await rows()).toEqual(before);
  expect(failures()).toEqual([]);
});

test('a repeated call that was first made before the account was retired returns the current state', async () => {
  const { payment } = await paidOrder(app);
  await control(app.sandboxUrl, 'faults', { fault: 'rate_limit', match: { contains: payment.id }, times: 1 });
  const refund = { paymentId: payment.id, amountMinor: 100, idempotencyKey: randomUUID() };
  expect(await requestRefund(app, refund)).toMatchObject({ status: 'PENDING' });
  app.clock.advance(40_000);
  expect(await requestRefund(without, refund)).toMatchObject({ status: 'PENDING' });
  const held = await paidOrder(app, { captureMode: 'MANUAL' });
  await control(app.sandboxUrl, 'faults', {
    fault: 'rate_limit',
    match: { path: '/v1/payment_intents/*/capture' },
    times: 1,
  });
  const capture = { paymentId: held.payment.id, idempotencyKey: randomUUID() };
  expect(await capturePayment(app, capture)).toMatchObject({ captureRequested: { amountMinor: 2500 } });
  app.clock.advance(40_000);
  expect(await capturePayment(without, capture)).toMatchObject({ captureRequested: { amountMinor: 2500 } });
  expect(failures()).toEqual([]);
});

test('a payment that may have reached its provider blocks another one elsewhere, and the error says why', async () => {
  const { id: orderId } = await createOrder(app, { currency: 'CNY' });
  await control(app.sandboxUrl, 'faults', {
    fault: 'error_500_after',
    match: { operation: 'native.create' },
    times: 1,
  });
  const key = randomUUID();
  const unknown = await payOrder(app, orderId, { method: 'WECHAT_PAY', flow: 'QR_CODE', idempotencyKey: key });
  expect(unknown).toMatchObject({ status: 'UNKNOWN' });
  const again = { method: 'WECHAT_PAY', flow: 'QR_CODE', idempotencyKey: key } as const;
  expect(await payOrder(without, orderId, again)).toMatchObject({ id: unknown.id, status: 'UNKNOWN' });
  await expect(payOrder(without, orderId, { method: 'ALIPAY', flow: 'QR_CODE' })).rejects.toThrow(
    'PAYMENT_IN_PROGRESS',
  );
});
