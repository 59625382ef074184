import { expect, onTestFinished, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/server.ts';
import type { PaymentFlow } from '../../src/domain/payment.ts';
import type { PaymentReport } from '../../src/domain/report.ts';
import {
  OutcomeUnknownError,
  type PaymentOrder,
  type PaymentProvider,
  RejectedError,
  type WebhookMessage,
} from '../../src/providers/provider.ts';
import { alipayPrivateKey, anOrder, appPublicPem, aRefund, config, now, openProvider } from './alipay-rig.ts';
import { failureOf, patient, reportIn } from './contract-steps.ts';

/** The adapter, on the real SDK, against a sandbox in virtual time, and what the sandbox has posted. */
type World = {
  readonly provider: PaymentProvider;
  readonly sandbox: Sandbox;
  /** What came in as callbacks, verified and read. */
  readonly messages: readonly WebhookMessage[];
  buyer(order: PaymentOrder, action: 'scan' | 'pay'): Promise<void>;
  fault(operation: string, fault: string): Promise<void>;
};

async function openWorld(): Promise<World> {
  const messages: WebhookMessage[] = [];
  const { status, body: acknowledged } = openProvider().acknowledgement;
  const sandbox = await startSandbox({
    port: 0,
    dataDir: null,
    seed: 1,
    stripe: { secretKey: 'sk_test_x', publishableKey: 'pk_test_x', webhookSecret: 'whsec_x', webhookUrl: null },
    alipay: {
      ...{ appId: config.appId, sellerId: config.sellerId, appPublicKey: appPublicPem },
      privateKey: alipayPrivateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    },
    virtualTime: { startsAt: now },
    unansweredRequests: 'status-599',
    post: async ({ headers, body }) => {
      const lowered = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
      const delivery = { headers: Object.fromEntries(lowered), body: Buffer.from(body), receivedAt: sandbox.now() };
      provider.verifyWebhook(delivery);
      messages.push(provider.readWebhook(delivery.body, delivery.receivedAt));
      return { status, body: acknowledged };
    },
  });
  onTestFinished(() => sandbox.close());
  const provider = openProvider({ gateway: `${sandbox.url}/gateway.do`, now: () => sandbox.now() });
  return {
    ...{ provider, sandbox, messages },
    async buyer({ paymentId }, action) {
      await sandbox.control(`/control/alipay/buyer/${paymentId}`, { action });
      await sandbox.advance(0);
    },
    async fault(operation, fault) {
      await sandbox.control('/control/faults', { target: 'request', fault, match: { operation } });
    },
  };
}

/** The buyer follows the link, which is when Alipay looks at it. */
async function open({ nextAction }: PaymentReport): Promise<void> {
  if (nextAction?.kind !== 'REDIRECT') return;
  const response = await fetch(nextAction.url);
  expect(response.status).toBe(200);
}

const flows: PaymentFlow[] = ['REDIRECT', 'QR_CODE', 'MOBILE_WEB'];

test.each(flows)('%s is paid, told, and found paid by a query', async (flow) => {
  const { provider, sandbox, messages, buyer } = await openWorld();
  const order = anOrder({ flow });
  const started = await provider.startPayment(order, patient());
  expect(started.status).toBe('ACTION_REQUIRED');
  expect(await provider.queryPayment(order, patient())).toEqual({ kind: 'notFound', payableUntil: order.expiresAt });
  await open(started);
  await sandbox.advance(1000);
  await buyer(order, 'pay');
  const asked = reportIn(await provider.queryPayment(order, patient()));
  expect(asked).toMatchObject({ status: 'SUCCEEDED', amountMinor: 1230n, capturedMinor: 1230n, currency: 'CNY' });
  const [told] = messages;
  expect(messages).toHaveLength(1);
  expect(told).toMatchObject({
    kind: 'payment',
    report: { ...asked, evidence: { source: 'CALLBACK', providerTime: asked.evidence.providerTime } },
  });
});

test('a subject of any letters is signed so that Alipay takes it', async () => {
  const { provider, buyer } = await openWorld();
  for (const flow of flows) {
    const order = anOrder({ flow, description: '100% 咖啡 + 茶 & "x" <y> \'z\' \\ 🙂 é a%20b &quot;' });
    await open(await provider.startPayment(order, patient()));
    await buyer(order, 'pay');
    expect(reportIn(await provider.queryPayment(order, patient())).status).toBe('SUCCEEDED');
  }
});

test('a scanned code waits for its buyer, and is closed', async () => {
  const { provider, buyer } = await openWorld();
  const order = anOrder();
  await provider.startPayment(order, patient());
  expect(await provider.closePayment(order, patient())).toEqual({ kind: 'notFound', payableUntil: order.expiresAt });
  await buyer(order, 'scan');
  expect(reportIn(await provider.queryPayment(order, patient())).status).toBe('ACTION_REQUIRED');
  expect(reportIn(await provider.closePayment(order, patient())).status).toBe('CANCELED');
  expect(reportIn(await provider.closePayment(order, patient())).status).toBe('CANCELED');
  expect(await failureOf(provider.startPayment(order, patient()))).toBeInstanceOf(RejectedError);
});

test('a buyer who paid before the closing has paid', async () => {
  const { provider, buyer } = await openWorld();
  const order = anOrder();
  await provider.startPayment(order, patient());
  await buyer(order, 'pay');
  expect(reportIn(await provider.closePayment(order, patient())).status).toBe('SUCCEEDED');
  // A repetition of what was paid finds the money.
  expect((await provider.startPayment(order, patient())).status).toBe('SUCCEEDED');
});

test('what nobody has paid in time is over', async () => {
  const { provider, sandbox, buyer } = await openWorld();
  const order = anOrder();
  const unopened = anOrder();
  for (const one of [order, unopened]) await provider.startPayment(one, patient());
  await buyer(order, 'scan');
  await sandbox.advance(31 * 60_000);
  expect(reportIn(await provider.queryPayment(order, patient())).status).toBe('EXPIRED');
  expect(await provider.queryPayment(unopened, patient())).toEqual({ kind: 'notFound', payableUntil: null });
});

test('refunds are made once each, told once each, and add up to all', async () => {
  const { provider, sandbox, messages, buyer } = await openWorld();
  const order = anOrder();
  await provider.startPayment(order, patient());
  await buyer(order, 'pay');
  const first = aRefund(order);
  const second = aRefund(order, { amountMinor: 1000n, reason: null });
  expect(await provider.queryRefund(first, patient())).toEqual({ kind: 'notFound' });
  expect(await provider.startRefund(first, patient())).toMatchObject({ status: 'SUCCEEDED', amountMinor: 230n });
  // Once more under its number is not once more.
  expect(await provider.startRefund(first, patient())).toMatchObject({ status: 'SUCCEEDED', amountMinor: 230n });
  expect(await failureOf(provider.startRefund({ ...first, amountMinor: 300n }, patient()))).toBeInstanceOf(
    OutcomeUnknownError,
  );
  expect(await provider.listRefunds(order, patient())).toEqual({ refunds: [], returned: null });
  await sandbox.advance(5000);
  expect(await provider.startRefund(second, patient())).toMatchObject({ status: 'SUCCEEDED', amountMinor: 1000n });
  await sandbox.advance(5000);
  expect(await provider.listRefunds(order, patient())).toEqual({ refunds: [], returned: 'ALL' });
  expect(reportIn(await provider.queryPayment(order, patient())).status).toBe('SUCCEEDED');
  for (const refund of [first, second]) {
    expect(await provider.queryRefund(refund, patient())).toMatchObject({
      report: { refundId: refund.refundId, status: 'SUCCEEDED', amountMinor: refund.amountMinor },
    });
  }
  expect(await failureOf(provider.startRefund(aRefund(order), patient()))).toBeInstanceOf(RejectedError);
  const told = messages.filter(({ kind }) => kind === 'refund');
  expect(told[0]).toMatchObject({ report: { refundId: first.refundId }, payment: { status: 'SUCCEEDED' } });
});

test('a refund from the console is told, and its amount is asked for', async () => {
  const { provider, sandbox, messages, buyer } = await openWorld();
  const order = anOrder();
  await provider.startPayment(order, patient());
  await buyer(order, 'pay');
  await sandbox.control('/control/alipay/refunds', { out_trade_no: order.paymentId, amount: 100 });
  await sandbox.advance(1000);
  const told = messages.find((message) => message.kind === 'refund');
  expect(told).toMatchObject({ report: { refundId: null, amountMinor: null }, payment: { status: 'SUCCEEDED' } });
  const providerRefundId = told?.kind === 'refund' ? told.report.providerRefundId : null;
  const name = { refundId: null, providerRefundId, paymentId: order.paymentId, providerPaymentId: null };
  expect(await provider.queryRefund(name, patient())).toMatchObject({ report: { refundId: null, amountMinor: 100n } });
});

test.each([
  'timeout_after',
  'reset_after',
  'error_500_after',
  'malformed',
  'bad_signature',
  'unsigned',
  'system_error',
])('after %s the outcome is unknown, and a repetition tells it', async (fault) => {
  const world = await openWorld();
  const { provider, buyer } = world;
  const order = anOrder();
  await provider.startPayment(order, patient());
  await buyer(order, 'pay');
  for (const amountMinor of [230n, 1000n]) {
    const refund = aRefund(order, { amountMinor });
    await world.fault('alipay.trade.refund', fault);
    if (fault === 'reset_after') await world.fault('alipay.trade.refund', fault); // the SDK sends once more
    expect(await failureOf(provider.startRefund(refund, patient()))).toBeInstanceOf(OutcomeUnknownError);
    expect(await provider.startRefund(refund, patient())).toMatchObject({ status: 'SUCCEEDED', amountMinor });
    await world.sandbox.advance(5000);
  }
  // With the second of them all went back, which closes the trade: its repetition was answered all the same.
  expect(await provider.listRefunds(order, patient())).toMatchObject({ returned: 'ALL' });
});

test('in GBK all is as in UTF-8: reports, refusals and callbacks', async () => {
  const world = await openWorld();
  const { provider, buyer, messages } = world;
  await world.sandbox.control('/control/faults', { target: 'request', fault: 'gbk', times: 99 });
  await world.sandbox.control('/control/faults', { target: 'callback', fault: 'gbk', times: 99 });
  const order = anOrder({ description: '两张票 誠乗乕' });
  expect((await provider.startPayment(order, patient())).status).toBe('ACTION_REQUIRED');
  await buyer(order, 'pay');
  expect(reportIn(await provider.queryPayment(order, patient())).status).toBe('SUCCEEDED');
  expect(messages).toMatchObject([{ kind: 'payment', report: { status: 'SUCCEEDED' } }]);
  const tooMuch = aRefund(order, { amountMinor: 100_000n });
  expect(await failureOf(provider.startRefund(tooMuch, patient()))).toBeInstanceOf(RejectedError);
  expect(await provider.startRefund(aRefund(order), patient())).toMatchObject({ status: 'SUCCEEDED' });
  expect(await provider.queryRefund(aRefund(order), patient())).toEqual({ kind: 'notFound' });
});
