import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PaymentFlow, PaymentMethod, PayOrderInput } from '../../generated/graphql/graphql.ts';
import { createOrder, payOrder, payOrderDocument, readOrder, requestRefund, sweepUntil } from '../support/orders.ts';
import { followOrder } from '../support/subscriber.ts';
import {
  advanceSandbox,
  askControl,
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

type Route = {
  readonly method: PaymentMethod;
  readonly flow: PaymentFlow;
  readonly side: 'alipay' | 'wechatpay';
  readonly action: string;
};

const routes: readonly Route[] = [
  { method: 'ALIPAY', flow: 'REDIRECT', side: 'alipay', action: 'RedirectAction' },
  { method: 'ALIPAY', flow: 'QR_CODE', side: 'alipay', action: 'QrCodeAction' },
  { method: 'ALIPAY', flow: 'MOBILE_WEB', side: 'alipay', action: 'RedirectAction' },
  { method: 'WECHAT_PAY', flow: 'QR_CODE', side: 'wechatpay', action: 'QrCodeAction' },
  { method: 'WECHAT_PAY', flow: 'MOBILE_WEB', side: 'wechatpay', action: 'RedirectAction' },
  { method: 'WECHAT_PAY', flow: 'IN_APP', side: 'wechatpay', action: 'WeChatPayBridgeAction' },
];
const buyer = { returnUrl: 'http://shop.example/back', openId: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o', buyerIp: '203.0.113.7' };

/** Starts a payment and does what the shop's page does next: it opens the provider's page or calls the bridge. */
async function start({ method, flow }: Pick<Route, 'method' | 'flow'>, orderId: string) {
  const payment = await payOrder(app, orderId, { method, flow, ...buyer });
  const { nextAction } = payment;
  if (nextAction?.__typename === 'RedirectAction') {
    const page = await fetch(nextAction.url);
    if (!page.ok) throw new Error(`The provider shows no page: ${page.status} ${await page.text()}`);
  }
  if (nextAction?.__typename === 'WeChatPayBridgeAction') {
    const { __typename: _, expiresAt: __, ...bridge } = nextAction;
    await control(app.sandboxUrl, 'wechatpay/bridge', bridge);
  }
  return payment;
}

/** The buyer's part, by script. */
function act({ side }: Pick<Route, 'side'>, paymentId: string, action: string): Promise<unknown> {
  return control(app.sandboxUrl, `${side}/buyer/${paymentId}`, { action });
}

type Totals = { charges: number; captured: number; refunded: number; refundPending: number };
async function totalsOf({ side }: Pick<Route, 'side'>, paymentId: string): Promise<Totals | undefined> {
  const ledgers = await askControl<Record<string, { totals: Record<string, Totals> }>>(
    app.sandboxUrl,
    `ledger?payment_id=${paymentId}`,
  );
  return ledgers[side]?.totals[paymentId];
}

/** WeChat Pay takes a moment to send money back. */
const refundMs = 10_000;

describe.each(routes)('$method by $flow', (route) => {
  test('goes from an order to paid, partly refunded and refunded, and its subscriber gets each step', async () => {
    const order = await createOrder(app, { currency: 'CNY' });
    const subscriber = followOrder(app, order.id, order.eventCursor);
    const payment = await start(route, order.id);
    expect(payment).toMatchObject({ status: 'ACTION_REQUIRED', nextAction: { __typename: route.action } });

    await act(route, payment.id, 'pay');
    await subscriber.until(({ type }) => type === 'ORDER_CONFIRMED');
    const paid = await readOrder(app, order.id);
    expect(paid).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PAID', captured: { amountMinor: 2500 } });
    expect(paid.payments).toMatchObject([
      {
        status: 'SUCCEEDED',
        nextAction: null,
        evidence: { source: 'CALLBACK' },
        providerPaymentId: expect.any(String),
      },
    ]);

    const part = await requestRefund(app, { paymentId: payment.id, amountMinor: 1000, reason: '退一部分' });
    expect(part).toMatchObject({ __typename: 'Refund', amount: { amountMinor: 1000 } });
    await advanceSandbox(app, refundMs);
    await sweepUntil(app, order.id, ({ refunded }) => refunded.amountMinor === 1000);
    expect(await readOrder(app, order.id)).toMatchObject({ paymentStatus: 'PARTIALLY_REFUNDED' });

    await requestRefund(app, { paymentId: payment.id, amountMinor: 1500 });
    await advanceSandbox(app, refundMs);
    const back = await sweepUntil(app, order.id, ({ refunded }) => refunded.amountMinor === 2500);
    expect(back).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'REFUNDED', needsReview: [] });
    await subscriber.stop();
    expect(await totalsOf(route, payment.id)).toMatchObject({
      ...{ charges: 1, captured: 2500, refunded: 2500, refundPending: 0 },
    });
  });

  test('when all callbacks are lost, queries lead to the same result', async () => {
    await control(app.sandboxUrl, 'faults', { fault: 'drop', match: { type: '*' }, times: 1000 });
    try {
      const order = await createOrder(app, { currency: 'CNY' });
      const payment = await start(route, order.id);
      await act(route, payment.id, 'pay');
      const paid = await sweepUntil(app, order.id, ({ status }) => status === 'CONFIRMED', 10_000);
      expect(paid.payments).toMatchObject([{ status: 'SUCCEEDED', evidence: { source: 'QUERY' } }]);
    } finally {
      await fetch(`${app.sandboxUrl}/control/faults`, { method: 'DELETE' });
    }
  });

  test('that the buyer declines can be paid all the same', async () => {
    const order = await createOrder(app, { currency: 'CNY' });
    const payment = await start(route, order.id);
    await act(route, payment.id, 'decline');
    await act(route, payment.id, 'pay');
    await untilCallbacksCame(app);
    await sweepUntil(app, order.id, ({ status }) => status === 'CONFIRMED', 10_000);
    expect(await totalsOf(route, payment.id)).toMatchObject({ charges: 1 });
  });

  test('started twice with the same key is one payment', async () => {
    const order = await createOrder(app, { currency: 'CNY' });
    const { method, flow } = route;
    const input = { idempotencyKey: randomUUID(), orderId: order.id, method, flow, ...buyer };
    const answers = await Promise.all([1, 2, 3].map(() => app.client.request(payOrderDocument, { input })));
    const ids = answers.map(({ payOrder: payment }) => (payment?.__typename === 'Payment' ? payment.id : payment));
    expect(new Set(ids).size).toBe(1);
    expect((await readOrder(app, order.id)).payments).toHaveLength(1);
  });
});

test('only configured methods that accept the order’s currency and capture mode are offered', async () => {
  const methods = async (input: Parameters<typeof createOrder>[1]) => {
    const { id } = await createOrder(app, input);
    const { paymentMethods } = await app.client.request<{ paymentMethods: { method: string; flows: string[] }[] }>(
      'query($id: ID!) { paymentMethods(orderId: $id) { method flows } }',
      { id },
    );
    return paymentMethods.map(({ method }) => method);
  };
  expect(await methods({ currency: 'CNY' })).toEqual(['CARD', 'ALIPAY', 'WECHAT_PAY']);
  expect(await methods({ currency: 'EUR' })).toEqual(['CARD']);
  expect(await methods({ currency: 'CNY', captureMode: 'MANUAL' })).toEqual(['CARD']);
});

test.each<[PaymentMethod, PaymentFlow, string]>([
  ['ALIPAY', 'REDIRECT', 'returnUrl'],
  ['ALIPAY', 'MOBILE_WEB', 'returnUrl'],
  ['WECHAT_PAY', 'MOBILE_WEB', 'buyerIp'],
  ['WECHAT_PAY', 'IN_APP', 'openId'],
])('%s by %s without its %s is an error on that field, and nothing is written', async (method, flow, path) => {
  const order = await createOrder(app, { currency: 'CNY' });
  const input = { idempotencyKey: randomUUID(), orderId: order.id, method, flow };
  const { payOrder: refused } = await app.client.request(payOrderDocument, { input });
  expect(refused).toMatchObject({ __typename: 'InvalidInputError', issues: [{ path }] });
  expect((await readOrder(app, order.id)).payments).toEqual([]);
});

test('an abandoned Alipay link that is paid all the same is a late payment', async () => {
  const order = await createOrder(app, { currency: 'CNY' });
  const payment = await start({ method: 'ALIPAY', flow: 'REDIRECT' }, order.id);
  const { cancelOrder } = await app.client.request<{ cancelOrder: { status: string } }>(
    'mutation($id: ID!) { cancelOrder(input: { orderId: $id }) { ... on Order { status } } }',
    { id: order.id },
  );
  expect(cancelOrder).toEqual({ status: 'CANCELED' });
  await act({ side: 'alipay' }, payment.id, 'pay');
  const late = await sweepUntil(app, order.id, ({ payments }) => payments[0]?.status === 'SUCCEEDED', 10_000);
  expect(late.needsReview).toEqual(['LATE_PAYMENT']);
});

test('an abandoned Alipay link that its buyer opens later is closed at Alipay', async () => {
  const order = await createOrder(app, { currency: 'CNY' });
  const payment = await start({ method: 'ALIPAY', flow: 'REDIRECT' }, order.id);
  await app.client.request('mutation($id: ID!) { cancelOrder(input: { orderId: $id }) { ... on Order { status } } }', {
    id: order.id,
  });
  await act({ side: 'alipay' }, payment.id, 'scan');
  const isClosed = async () => {
    const { alipay } = await askControl<{ alipay: { trades: { status?: string; trade_status?: string }[] } }>(
      app.sandboxUrl,
      `ledger?payment_id=${payment.id}`,
    );
    return JSON.stringify(alipay.trades).includes('TRADE_CLOSED');
  };
  for (let step = 0; step < 20 && !(await isClosed()); step += 1) {
    app.clock.advance(10_000);
    await app.app.rounds.sweep();
  }
  expect(await isClosed()).toBe(true);
  expect((await readOrder(app, order.id)).payments).toMatchObject([{ status: 'CANCELED' }]);
});

test('an expired WeChat Pay code is renewed by a repeated call with the same key', async () => {
  const order = await createOrder(app, { currency: 'CNY', expiresInSeconds: 86_400 });
  const input: PayOrderInput = {
    ...{ idempotencyKey: randomUUID(), orderId: order.id, ...buyer },
    ...{ method: 'WECHAT_PAY', flow: 'MOBILE_WEB' },
  };
  const pay = async () => {
    const { payOrder: payment } = await app.client.request(payOrderDocument, { input });
    if (payment?.__typename !== 'Payment' || payment.nextAction?.__typename !== 'RedirectAction')
      throw new Error('No page.');
    return { id: payment.id, ...payment.nextAction };
  };
  const first = await pay();
  expect((await pay()).url).toBe(first.url);
  app.clock.advance(4.9 * 60_000);
  expect((await pay()).url).toBe(first.url);
  app.clock.advance(12_000);
  const renewed = await pay();
  expect(renewed.id).toBe(first.id);
  expect(renewed.url).not.toBe(first.url);
  expect(new Date(renewed.expiresAt ?? 0).getTime()).toBeGreaterThan(app.clock.now().getTime());
});

test('a refund made in a provider’s console is recorded with its payment and order', async () => {
  for (const route of [routes[0], routes[3]]) {
    if (route === undefined) throw new Error('No such route.');
    const order = await createOrder(app, { currency: 'CNY' });
    const payment = await start(route, order.id);
    await act(route, payment.id, 'pay');
    await sweepUntil(app, order.id, ({ status }) => status === 'CONFIRMED', 10_000);
    await control(app.sandboxUrl, `${route.side}/refunds`, { out_trade_no: payment.id, amount: 700 });
    await advanceSandbox(app, refundMs);
    const told = await sweepUntil(app, order.id, ({ refunded }) => refunded.amountMinor === 700, 2000);
    expect(told.refunds).toMatchObject([{ origin: 'PROVIDER', status: 'SUCCEEDED', amount: { amountMinor: 700 } }]);
  }
});
