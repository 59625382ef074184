import { expect, onTestFinished, test } from 'vitest';
import type { CallbackRequest } from '../../sandbox/callback-post.ts';
import { type Sandbox, startSandbox } from '../../sandbox/server.ts';
import type { PaymentReport } from '../../src/domain/report.ts';
import {
  OutcomeUnknownError,
  type PaymentOrder,
  type PaymentProvider,
  RejectedError,
  type WebhookMessage,
} from '../../src/providers/provider.ts';
import type { Send } from '../../src/providers/wechatpay/transport.ts';
import {
  anOrderToPay,
  apiV3Key,
  appId,
  aRefundToMake,
  certificateSerial,
  certified,
  mchId,
  merchant,
  merchantSerial,
  openProvider,
  patient,
  platform,
  publicKeyId,
  now as startsAt,
  webhookUrl,
} from './wechatpay-rig.ts';

const pem = (key: typeof merchant.privateKey) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const second = 1000;
const minute = 60 * second;

/** The adapter at the door of a sandbox in virtual time, and what WeChat Pay has posted to it. */
type Shop = {
  readonly provider: PaymentProvider;
  readonly sandbox: Sandbox;
  readonly posted: readonly CallbackRequest[];
  /** What the callbacks say, each of them verified. */
  read(): WebhookMessage[];
  /** The buyer, in WeChat. */
  buyer(order: PaymentOrder, act: object): Promise<unknown>;
};

async function openShop(): Promise<Shop> {
  const posted: CallbackRequest[] = [];
  const sandbox = await startSandbox({
    port: null,
    dataDir: null,
    seed: 1,
    virtualTime: { startsAt },
    stripe: { secretKey: 'sk_test_rig', publishableKey: 'pk_test_rig', webhookSecret: 'whsec_rig', webhookUrl: null },
    wechatpay: {
      appId,
      mchId,
      apiV3Key,
      merchantSerial,
      merchantPublicKey: merchant.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      platformKeys: [
        { serial: certificateSerial, privateKey: pem(certified.privateKey) },
        { serial: publicKeyId, privateKey: pem(platform.privateKey) },
      ],
    },
    post: async (request) => {
      posted.push(request);
      const { status, body } = provider.acknowledgement;
      return { status, body };
    },
  });
  onTestFinished(() => sandbox.close());
  const send: Send = async ({ method, url, headers, body }) => {
    const { pathname, search } = new URL(url);
    const answer = await sandbox.request({ method, path: pathname + search, headers, body });
    if (typeof answer === 'string') throw new Error(answer);
    return answer;
  };
  const provider = openProvider({ baseUrl: 'http://sandbox.invalid/', send, now: () => sandbox.now() });
  return {
    provider,
    sandbox,
    posted,
    read: () =>
      posted.map(({ headers, body }) => {
        const received = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
        const delivery = { headers: Object.fromEntries(received), body: Buffer.from(body), receivedAt: sandbox.now() };
        provider.verifyWebhook(delivery);
        return provider.readWebhook(delivery.body, delivery.receivedAt);
      }),
    buyer: (order, act) => sandbox.control(`/control/wechatpay/buyer/${order.paymentId}`, act),
  };
}

async function reportOf({ provider }: Shop, order: PaymentOrder): Promise<PaymentReport> {
  const answer = await provider.queryPayment(order, patient());
  if (answer.kind === 'notFound') throw new Error('WeChat Pay was expected to know the payment.');
  return answer.report;
}

const openId = 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o';
const byFlow = test.each<[flow: PaymentOrder['flow'], facts: Partial<PaymentOrder>]>([
  ['QR_CODE', {}],
  ['MOBILE_WEB', { buyerIp: '203.0.113.7', returnUrl: 'https://shop.example/thanks' }],
  ['IN_APP', { openId }],
]);

/** Starts a payment and lets its buyer pay it. */
async function pay(shop: Shop, order: PaymentOrder, act: object = {}): Promise<void> {
  const { nextAction } = await shop.provider.startPayment(order, patient());
  if (nextAction?.kind === 'WECHAT_PAY_BRIDGE') {
    const { kind: _kind, expiresAt: _expiresAt, ...call } = nextAction;
    await shop.sandbox.control('/control/wechatpay/bridge', call);
  }
  await shop.buyer(order, { action: 'pay', ...act });
}

byFlow('by %s a payment is started, paid, refunded in part, and asked about all the way', async (flow, facts) => {
  const shop = await openShop();
  const { provider, sandbox } = shop;
  const order = anOrderToPay({ flow, ...facts });
  await provider.startPayment(order, patient());
  expect(await reportOf(shop, order)).toMatchObject({ status: 'ACTION_REQUIRED', capturedMinor: null });
  await pay(shop, order, { coupon: 150 });
  const paid = await reportOf(shop, order);
  expect(paid).toMatchObject({ status: 'SUCCEEDED', amountMinor: 1000n, currency: 'CNY', capturedMinor: 1000n });
  expect(await provider.listRefunds(order, patient())).toEqual({ refunds: [], returned: 'NONE' });
  await expect(provider.startPayment(order, patient())).resolves.toMatchObject({ status: 'SUCCEEDED' });
  await expect(provider.closePayment(order, patient())).resolves.toMatchObject({ report: { status: 'SUCCEEDED' } });

  const refund = aRefundToMake({ paymentId: order.paymentId, providerPaymentId: paid.providerPaymentId });
  expect(await provider.queryRefund(refund, patient())).toEqual({ kind: 'notFound' });
  const accepted = await provider.startRefund(refund, patient());
  expect(accepted).toMatchObject({ refundId: refund.refundId, status: 'PENDING', amountMinor: 300n, currency: 'CNY' });
  expect(await provider.startRefund(refund, patient())).toMatchObject({ providerRefundId: accepted.providerRefundId });
  await sandbox.advance(minute);
  expect(await provider.queryRefund(refund, patient())).toMatchObject({ report: { status: 'SUCCEEDED' } });
  expect(await provider.listRefunds(order, patient())).toEqual({ refunds: [], returned: 'SOME' });
  expect(await reportOf(shop, order)).toMatchObject({ status: 'SUCCEEDED', capturedMinor: 1000n });

  expect(shop.read()).toMatchObject([
    { kind: 'payment', report: { paymentId: order.paymentId, status: 'SUCCEEDED', capturedMinor: 1000n } },
    {
      kind: 'refund',
      report: { refundId: refund.refundId, status: 'SUCCEEDED', amountMinor: 300n },
      payment: { status: 'SUCCEEDED', amountMinor: 1000n, providerPaymentId: paid.providerPaymentId },
    },
  ]);
});

byFlow('by %s a payment that was closed can be paid no more, and was never told of', async (flow, facts) => {
  const shop = await openShop();
  const order = anOrderToPay({ flow, ...facts });
  await shop.provider.startPayment(order, patient());
  const closed = await shop.provider.closePayment(order, patient());
  expect(closed).toMatchObject({ kind: 'report', report: { status: 'CANCELED' } });
  await expect(pay(shop, order)).rejects.toBeInstanceOf(RejectedError);
  await shop.sandbox.advance(minute);
  expect(shop.posted).toEqual([]);
});

byFlow('by %s a payment may be started again, and only in the same words', async (flow, facts) => {
  const shop = await openShop();
  const order = anOrderToPay({ flow, ...facts });
  const first = await shop.provider.startPayment(order, patient());
  await shop.sandbox.advance(6 * minute);
  const second = await shop.provider.startPayment(order, patient());
  expect(second.nextAction).not.toEqual(first.nextAction);
  const other = await shop.provider.startPayment({ ...order, description: 'Three tickets' }, patient());
  expect(other).toMatchObject({ status: 'ACTION_REQUIRED', nextAction: null });
});

test('a payment that WeChat Pay was never told of is not there', async () => {
  const { provider } = await openShop();
  const nothing = { kind: 'notFound', payableUntil: null };
  expect(await provider.queryPayment(anOrderToPay(), patient())).toEqual(nothing);
  expect(await provider.closePayment(anOrderToPay(), patient())).toEqual(nothing);
});

test('a payment whose time has run out is closed as expired', async () => {
  const shop = await openShop();
  const order = anOrderToPay();
  await shop.provider.startPayment(order, patient());
  await shop.sandbox.advance(31 * minute);
  expect(await reportOf(shop, order)).toMatchObject({ status: 'ACTION_REQUIRED' }); // nothing closes by itself
  expect(await shop.provider.closePayment(order, patient())).toMatchObject({ report: { status: 'EXPIRED' } });
});

test('a buyer who is just paying holds the payment, and may walk away', async () => {
  const shop = await openShop();
  const order = anOrderToPay();
  await shop.provider.startPayment(order, patient());
  await shop.buyer(order, { action: 'open' });
  expect(await reportOf(shop, order)).toMatchObject({ status: 'PROCESSING' });
  await shop.buyer(order, { action: 'leave' });
  expect(await reportOf(shop, order)).toMatchObject({ status: 'ACTION_REQUIRED' });
});

test.each([
  ['succeed', 'SUCCEEDED', null],
  ['fail', 'PENDING', 'abnormal'],
  ['close', 'FAILED', 'closed'],
])('a refund whose end the console decides can %s', async (act, status, reason) => {
  const shop = await openShop();
  const order = anOrderToPay();
  await shop.sandbox.control('/control/faults', { fault: 'refund_pending_then_failed' });
  await pay(shop, order);
  const refund = aRefundToMake({ paymentId: order.paymentId });
  await shop.provider.startRefund(refund, patient());
  await shop.sandbox.control(`/control/wechatpay/refunds/${refund.refundId}/${act}`);
  await shop.sandbox.advance(second);
  const ended = { status, failure: reason === null ? null : { reason } };
  expect(await shop.provider.queryRefund(refund, patient())).toMatchObject({ report: ended });
  expect(shop.read().at(-1)).toMatchObject({ kind: 'refund', report: { refundId: refund.refundId, ...ended } });
});

test('a refund that was made in the console is told of, and asked about by its number', async () => {
  const shop = await openShop();
  const order = anOrderToPay();
  await pay(shop, order);
  await shop.sandbox.control('/control/wechatpay/refunds', { out_trade_no: order.paymentId, amount: 300 });
  await shop.sandbox.advance(minute);
  const message = shop.read().at(-1);
  if (message?.kind !== 'refund') throw new Error('A refund was expected.');
  expect(message.report).toMatchObject({ refundId: null, amountMinor: 300n, status: 'SUCCEEDED' });
  const { providerRefundId } = message.report;
  const name = { paymentId: order.paymentId, providerPaymentId: null, refundId: null, providerRefundId };
  expect(await shop.provider.queryRefund(name, patient())).toMatchObject({
    report: { ...message.report, evidence: {} },
  });
});

test.each(['bad_signature', 'unsigned', 'wrong_serial', 'probe'])(
  'an answer with the fault %s is not believed, and the next one is',
  async (fault) => {
    const shop = await openShop();
    const order = anOrderToPay();
    await shop.sandbox.control('/control/faults', { fault, match: { operation: 'native.create' } });
    await expect(shop.provider.startPayment(order, patient())).rejects.toBeInstanceOf(OutcomeUnknownError);
    expect(await shop.provider.startPayment(order, patient())).toMatchObject({ status: 'ACTION_REQUIRED' });
  },
);

test('notifications by either key are verified while one replaces the other', async () => {
  const shop = await openShop();
  for (const serial of [certificateSerial, publicKeyId]) {
    await shop.sandbox.control('/control/wechatpay/notification-key', { serial });
    await pay(shop, anOrderToPay());
    await shop.sandbox.advance(second);
  }
  expect(shop.read()).toMatchObject([{ kind: 'payment' }, { kind: 'payment' }]);
  expect(shop.posted.map(({ url }) => url)).toEqual([webhookUrl, webhookUrl]);
});
