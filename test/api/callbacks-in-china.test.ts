import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { PaymentFlow, PaymentMethod } from '../../generated/graphql/graphql.ts';
import { alipayNotice, postAlipay } from '../support/alipay-notice.ts';
import { nextPlatformKey, testKeys } from '../support/chinese-providers.ts';
import { confirmCard, createOrder, payOrder, readOrder, sweepUntil } from '../support/orders.ts';
import { advanceSandbox, askControl, clearFaults, control, startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
  for (const provider of ['alipay', 'wechatpay']) {
    await control(app.sandboxUrl, 'webhooks', { provider, retryDelaysMs: [100, 200, 400] });
  }
});
afterEach(() => clearFaults(app));
afterAll(() => app.close());

type Route = { readonly method: PaymentMethod; readonly flow: PaymentFlow; readonly side: 'alipay' | 'wechatpay' };
const routes: readonly Route[] = [
  { method: 'ALIPAY', flow: 'QR_CODE', side: 'alipay' },
  { method: 'WECHAT_PAY', flow: 'QR_CODE', side: 'wechatpay' },
];

/** An order in CNY with a started payment, and a fault for its callbacks. */
async function started({ method, flow }: Route, fault?: object) {
  const order = await createOrder(app, { currency: 'CNY' });
  const payment = await payOrder(app, order.id, { method, flow });
  if (fault !== undefined) {
    await control(app.sandboxUrl, 'faults', { target: 'callback', match: { contains: payment.id }, ...fault });
  }
  return { orderId: order.id, paymentId: payment.id };
}

async function pay({ side }: Route, paymentId: string): Promise<void> {
  await control(app.sandboxUrl, `${side}/buyer/${paymentId}`, { action: 'pay' });
  await advanceSandbox(app, 2000);
}

type Delivery = { type: string; state: string; url: string; attempts: { status: number | null }[] };
async function deliveriesTo(side: string): Promise<Delivery[]> {
  const { deliveries } = await askControl<{ deliveries: (Delivery & { provider: string })[] }>(
    app.sandboxUrl,
    'deliveries',
  );
  return deliveries.filter(({ provider }) => provider === side);
}

describe.each(routes)('callbacks of $method', (route) => {
  test('that arrive six times count once', async () => {
    const { orderId, paymentId } = await started(route, { fault: 'duplicate', count: 5 });
    await pay(route, paymentId);
    const { types } = await readOrder(app, orderId);
    expect(types.filter((type) => type === 'PAYMENT_SUCCEEDED')).toHaveLength(1);
    expect((await deliveriesTo(route.side)).slice(-6).map(({ state }) => state)).toEqual(Array(6).fill('delivered'));
  });

  test('with a different amount change nothing, are acknowledged, and put their order into review', async () => {
    const { orderId, paymentId } = await started(route, { fault: 'wrong_amount' });
    await pay(route, paymentId);
    const order = await readOrder(app, orderId);
    expect(order).toMatchObject({ status: 'OPEN', needsReview: ['AMOUNT_MISMATCH'], captured: { amountMinor: 0 } });
    expect((await deliveriesTo(route.side)).at(-1)?.state).toBe('delivered');
    // A query finds the real payment.
    await sweepUntil(app, orderId, ({ status }) => status === 'CONFIRMED', 10_000);
  });

  test.each(['unknown_status', 'unreadable'])(
    'with the fault %s put their order into review, and a query finds the real payment',
    async (fault) => {
      const { orderId, paymentId } = await started(route, { fault });
      await pay(route, paymentId);
      const order = await readOrder(app, orderId);
      expect(order).toMatchObject({
        status: 'OPEN',
        needsReview: ['UNREADABLE_CALLBACK'],
        captured: { amountMinor: 0 },
      });
      expect((await deliveriesTo(route.side)).at(-1)?.state).toBe('delivered');
      const asked = await sweepUntil(app, orderId, ({ status }) => status === 'CONFIRMED', 2000);
      expect(asked).toMatchObject({ needsReview: ['UNREADABLE_CALLBACK'], captured: { amountMinor: 2500 } });
    },
  );

  test.each(['forge', 'alter', 'stale'])('with the fault %s are applied only if they are genuine', async (fault) => {
    const { orderId, paymentId } = await started(route, { fault });
    await pay(route, paymentId);
    const { types, needsReview } = await readOrder(app, orderId);
    expect(types.filter((type) => type === 'PAYMENT_SUCCEEDED')).toHaveLength(1);
    expect(needsReview).toEqual([]);
  });
});

test('a probe of WeChat Pay with a deliberately wrong signature is refused with a 4xx, and the next callback is accepted', async () => {
  const route = { method: 'WECHAT_PAY', flow: 'QR_CODE', side: 'wechatpay' } as const;
  const { orderId, paymentId } = await started(route, { fault: 'probe' });
  await pay(route, paymentId);
  expect((await readOrder(app, orderId)).status).toBe('CONFIRMED');
  const statuses = (await deliveriesTo('wechatpay'))
    .slice(-2)
    .flatMap(({ attempts }) => attempts.map(({ status }) => status));
  expect(statuses).toContain(400);
  expect(statuses.at(-1)).toBe(200);
});

test('a callback of WeChat Pay with a new certificate is accepted at once, because the server fetches the certificate', async () => {
  const route = { method: 'WECHAT_PAY', flow: 'QR_CODE', side: 'wechatpay' } as const;
  const { orderId, paymentId } = await started(route);
  await control(app.sandboxUrl, 'wechatpay/notification-key', { serial: nextPlatformKey.serial });
  await pay(route, paymentId);
  await control(app.sandboxUrl, 'wechatpay/notification-key', { serial: testKeys().wechatpay.platformSerial });
  expect((await readOrder(app, orderId)).status).toBe('CONFIRMED');
  expect((await deliveriesTo('wechatpay')).at(-1)?.attempts.map(({ status }) => status)).toEqual([200]);
});

test('a callback of Alipay in GBK pays its order', async () => {
  const route = { method: 'ALIPAY', flow: 'QR_CODE', side: 'alipay' } as const;
  const { orderId, paymentId } = await started(route, { fault: 'gbk' });
  await pay(route, paymentId);
  expect(await readOrder(app, orderId)).toMatchObject({ status: 'CONFIRMED', captured: { amountMinor: 2500 } });
});

/** A callback of Alipay that is signed by the test. */
const postNotice = (fields: Record<string, string>) => postAlipay(`${app.app.url}/webhooks/alipay`, fields);

describe('a notification that is signed with Alipay’s key, but not by the sandbox', () => {
  const route = { method: 'ALIPAY', flow: 'QR_CODE', side: 'alipay' } as const;

  test('pays its order and is answered with exactly the seven bytes that Alipay expects', async () => {
    const { orderId, paymentId } = await started(route);
    expect(await postNotice(alipayNotice(paymentId))).toEqual({ status: 200, body: 'success' });
    await app.app.idle();
    expect(await readOrder(app, orderId)).toMatchObject({ status: 'CONFIRMED', captured: { amountMinor: 2500 } });
  });

  test.each([
    ['another app', { app_id: '2021999999999999' }],
    ['another seller', { seller_id: '2088999999999999' }],
  ])('of %s is acknowledged and changes nothing, but puts its order into review', async (_what, fields) => {
    const { orderId, paymentId } = await started(route);
    expect(await postNotice(alipayNotice(paymentId, fields))).toEqual({ status: 200, body: 'success' });
    await app.app.idle();
    const order = await readOrder(app, orderId);
    expect(order).toMatchObject({ status: 'OPEN', captured: { amountMinor: 0 }, needsReview: ['AMOUNT_MISMATCH'] });
  });

  test('of a partial refund before its payment pays the order first, and records the result of the refund query', async () => {
    const { orderId, paymentId } = await started(route);
    await control(app.sandboxUrl, 'faults', {
      ...{ target: 'callback', fault: 'drop', match: { contains: paymentId }, times: 9 },
    });
    await pay(route, paymentId);
    await control(app.sandboxUrl, 'alipay/refunds', { out_trade_no: paymentId, amount: 300 });
    const { alipay } = await askControl<{
      alipay: { refunds: { outRequestNo: string }[]; trades: Record<string, string>[] };
    }>(app.sandboxUrl, `ledger?payment_id=${paymentId}`);
    const tradeNo = alipay.trades[0]?.trade_no ?? alipay.trades[0]?.tradeNo ?? '';
    // The amount is cumulative: 9.99 is not the amount of this refund.
    const refund = {
      refund_fee: '9.99',
      gmt_refund: '2026-11-25 10:05:00.123',
      out_biz_no: alipay.refunds[0]?.outRequestNo ?? '',
    };
    expect(await postNotice(alipayNotice(paymentId, { ...refund, trade_no: tradeNo }))).toMatchObject({
      body: 'success',
    });
    await app.app.idle();
    expect(await readOrder(app, orderId)).toMatchObject({
      ...{ status: 'CONFIRMED', paymentStatus: 'PARTIALLY_REFUNDED', refunded: { amountMinor: 300 } },
      refunds: [{ origin: 'PROVIDER', status: 'SUCCEEDED', amount: { amountMinor: 300 } }],
    });
  });
});

test('a notification of a refund without a number is acknowledged and goes into review: the refund is unknown', async () => {
  const route = { method: 'ALIPAY', flow: 'QR_CODE', side: 'alipay' } as const;
  const { orderId, paymentId } = await started(route);
  const trade = { trade_no: '2026112522001234567890129999' };
  expect(await postNotice(alipayNotice(paymentId, trade))).toMatchObject({ body: 'success' });
  await app.app.idle();
  const refund = { ...trade, notify_id: `r_${paymentId}`, refund_fee: '5.00', gmt_refund: '2026-11-25 10:05:00.123' };
  expect(await postNotice(alipayNotice(paymentId, refund))).toMatchObject({ body: 'success' });
  await app.app.idle();
  const order = await readOrder(app, orderId);
  expect(order).toMatchObject({ paymentStatus: 'PAID', refunds: [], needsReview: ['REFUND_ABNORMAL'] });
  const { rows } = await app.database.pool.query(`select status, payment_id from deliveries where event_id = $1`, [
    refund.notify_id,
  ]);
  expect(rows).toEqual([{ status: 'REVIEW', payment_id: paymentId }]);
});

test('an order that is paid by its old link to Alipay and by a card keeps one of the two', async () => {
  const order = await createOrder(app, { currency: 'CNY' });
  const link = await payOrder(app, order.id, { method: 'ALIPAY', flow: 'QR_CODE' });
  const card = await payOrder(app, order.id);
  expect((await readOrder(app, order.id)).payments.map(({ status }) => status)).toEqual([
    'CANCELED',
    'ACTION_REQUIRED',
  ]);
  await confirmCard(app, card);
  await sweepUntil(app, order.id, ({ status }) => status === 'CONFIRMED', 2000);
  await control(app.sandboxUrl, `alipay/buyer/${link.id}`, { action: 'pay' });
  const settled = await sweepUntil(
    app,
    order.id,
    ({ refunds, paymentStatus }) => refunds.length === 1 && paymentStatus !== 'OVERPAID',
    10_000,
  );
  expect(settled).toMatchObject({
    ...{ status: 'CONFIRMED', needsReview: [], refunded: { amountMinor: 2500 } },
    refunds: [{ origin: 'SURPLUS', status: 'SUCCEEDED', amount: { amountMinor: 2500 } }],
  });
});
