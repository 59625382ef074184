import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PaymentFlow, PaymentMethod } from '../../generated/graphql/graphql.ts';
import { BillNotAvailableError, NoBillError } from '../../src/providers/bill.ts';
import type { PaymentProvider } from '../../src/providers/provider.ts';
import { confirmCard, createOrder, payOrder, readOrder } from '../support/orders.ts';
import { openProviderOf, reconcileDay, toNextAfternoon, toNextNight, toNoon } from '../support/reconciling.ts';
import {
  advanceSandbox,
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

type Side = {
  readonly name: 'STRIPE' | 'ALIPAY' | 'WECHATPAY';
  readonly method: PaymentMethod;
  readonly flow: PaymentFlow;
  /** The buyer pays. */
  pay(payment: Awaited<ReturnType<typeof payOrder>>): Promise<unknown>;
  /** The merchant makes a refund in the provider's console. */
  refund(paymentId: string, providerPaymentId: string, amount: number): Promise<unknown>;
};

const sides: readonly Side[] = [
  {
    ...{ name: 'STRIPE', method: 'CARD', flow: 'EMBEDDED' },
    pay: (payment) => confirmCard(app, payment),
    refund: (_, intent, amount) => control(app.sandboxUrl, 'stripe/refunds', { payment_intent: intent, amount }),
  },
  {
    ...{ name: 'ALIPAY', method: 'ALIPAY', flow: 'QR_CODE' },
    pay: ({ id }) => control(app.sandboxUrl, `alipay/buyer/${id}`, { action: 'pay' }),
    refund: (id, _, amount) => control(app.sandboxUrl, 'alipay/refunds', { out_trade_no: id, amount }),
  },
  {
    ...{ name: 'WECHATPAY', method: 'WECHAT_PAY', flow: 'QR_CODE' },
    pay: ({ id }) => control(app.sandboxUrl, `wechatpay/buyer/${id}`, { action: 'pay' }),
    refund: (id, _, amount) => control(app.sandboxUrl, 'wechatpay/refunds', { out_trade_no: id, amount }),
  },
];

/** WeChat Pay takes a moment to send money back. */
const refundMs = 10_000;

describe.each(sides)('the bill of $name', ({ name, method, flow, pay, refund }) => {
  let provider: PaymentProvider;
  let date: string;
  beforeEach(async () => {
    provider = await openProviderOf(app, name);
    date = await toNoon(app);
  });

  const paid = async (description: string) => {
    const { id: orderId } = await createOrder(app, { currency: 'CNY', description });
    const payment = await payOrder(app, orderId, { method, flow });
    await pay(payment);
    await untilCallbacksCame(app);
    return { orderId, paymentId: payment.id };
  };

  test('repairs everything that lost callbacks would have reported, and nothing more when it is read again', async () => {
    const known = await paid('杯子,红色的');
    const { providerPaymentId } = (await readOrder(app, known.orderId)).payments[0] ?? {};
    await control(app.sandboxUrl, 'faults', { fault: 'drop', match: { type: '*' }, times: 1000 });
    const unheard = await paid('Two cups, "red"');
    await refund(known.paymentId, providerPaymentId ?? '', 700);
    await advanceSandbox(app, refundMs);
    await clearFaults(app);
    expect(await readOrder(app, unheard.orderId)).toMatchObject({ paymentStatus: 'PENDING' });
    await toNextAfternoon(app);

    const dry = await reconcileDay(app, provider, date, { isDryRun: true });
    expect(dry.findings.map(({ kind, subject, action }) => [kind, subject, action]).sort()).toEqual([
      ['MISSING_HERE', 'payment', 'NONE'],
      ['MISSING_HERE', 'refund', 'NONE'],
    ]);

    const { matched, findings } = await reconcileDay(app, provider, date);
    expect(matched.map(({ merchantNumber }) => merchantNumber)).toEqual([known.paymentId]);
    expect(findings).toHaveLength(2);
    expect(findings).toContainEqual(
      expect.objectContaining({
        ...{ kind: 'MISSING_HERE', subject: 'payment', action: 'APPLIED', paymentId: unheard.paymentId },
        there: { amountMinor: 2500n, currency: 'CNY', status: 'SUCCEEDED' },
      }),
    );
    expect(findings).toContainEqual(
      expect.objectContaining({
        ...{ kind: 'MISSING_HERE', subject: 'refund', action: 'APPLIED', paymentId: known.paymentId },
        there: { amountMinor: 700n, currency: 'CNY', status: 'SUCCEEDED' },
      }),
    );
    const repaired = await readOrder(app, unheard.orderId);
    expect(repaired).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PAID', needsReview: [] });
    expect(repaired.payments).toMatchObject([{ status: 'SUCCEEDED', evidence: { source: 'RECONCILIATION' } }]);
    const refunded = await readOrder(app, known.orderId);
    expect(refunded).toMatchObject({ paymentStatus: 'PARTIALLY_REFUNDED', refunded: { amountMinor: 700 } });
    expect(refunded.refunds).toMatchObject([
      { status: 'SUCCEEDED', origin: 'PROVIDER', evidence: { source: 'RECONCILIATION' } },
    ]);

    const again = await reconcileDay(app, provider, date);
    expect(again.findings).toEqual([]);
    expect(again.matched).toHaveLength(3);
    expect((await readOrder(app, unheard.orderId)).version).toBe(repaired.version);
    expect((await readOrder(app, known.orderId)).version).toBe(refunded.version);
  });

  test('is not available before its day has ended', async () => {
    const reading = reconcileDay(app, provider, date);
    await expect(reading).rejects.toThrow(BillNotAvailableError);
    await expect(reading).rejects.toThrow(`The day ${date} has not ended`);
  });
});

test.each(['ALIPAY', 'WECHATPAY'] as const)(
  '%s has no bill in the night after the day, and the error says when it will have one',
  async (name) => {
    const provider = await openProviderOf(app, name);
    const date = await toNoon(app);
    await toNextNight(app);
    const reading = reconcileDay(app, provider, date);
    await expect(reading).rejects.toThrow(BillNotAvailableError);
    await expect(reading).rejects.toThrow(/10:00 of the next day/);
  },
);

describe('a day of which WeChat Pay has no bill', () => {
  let provider: PaymentProvider;
  let date: string;
  beforeEach(async () => {
    provider = await openProviderOf(app, 'WECHATPAY');
    date = await toNoon(app);
  });

  test('has no differences if we have no money of the day either', async () => {
    await toNextAfternoon(app);
    expect(await reconcileDay(app, provider, date)).toEqual({ hasBill: false, matched: [], findings: [], doubt: null });
  });

  test('is not taken as a day without trades before its bill is due', async () => {
    await toNextNight(app);
    const none = { ...provider, readBill: () => Promise.reject(new NoBillError('There is none.')) };
    await expect(reconcileDay(app, none, date)).rejects.toThrow(NoBillError);
  });

  test('cannot be compared if we have money of the day', async () => {
    const { id: orderId } = await createOrder(app, { currency: 'CNY' });
    const { id } = await payOrder(app, orderId, { method: 'WECHAT_PAY', flow: 'QR_CODE' });
    await control(app.sandboxUrl, `wechatpay/buyer/${id}`, { action: 'pay' });
    await untilCallbacksCame(app);
    await toNextAfternoon(app);
    const none = { ...provider, readBill: () => Promise.reject(new NoBillError('There is none.')) };
    await expect(reconcileDay(app, none, date)).rejects.toThrow(/none\. But the database has money/);
  });
});
