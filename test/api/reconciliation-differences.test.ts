import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { newId } from '../../src/domain/ids.ts';
import type { BillLine } from '../../src/domain/reconciliation.ts';
import type { PaymentProvider } from '../../src/providers/provider.ts';
import { confirmCard, createOrder, paidOrder, payOrder, readOrder } from '../support/orders.ts';
import { openProviderOf, passBoth, reconcileDay, toNextAfternoon, toNoon, withBill } from '../support/reconciling.ts';
import { clearFaults, control, startTestApp, type TestApp, untilCallbacksCame } from '../support/test-app.ts';

let app: TestApp;
let stripe: PaymentProvider;
let date: string;
beforeAll(async () => {
  app = await startTestApp();
  stripe = await openProviderOf(app, 'STRIPE');
});
afterAll(() => app.close());
// Each test has its own day, so the data of earlier tests is on other days.
beforeEach(async () => {
  date = await toNoon(app);
});

/** A paid order and its bill line. */
async function paidWithLine(): Promise<{ readonly orderId: string; readonly line: BillLine }> {
  const { orderId, payment } = await paidOrder(app);
  await untilCallbacksCame(app);
  return { orderId, line: lineOf(payment.id, payment.providerPaymentId) };
}

function lineOf(paymentId: string, providerPaymentId: string | null | undefined): BillLine {
  return {
    ...{ kind: 'payment', merchantNumber: paymentId, paymentNumber: null, providerRefundId: null },
    ...{ providerPaymentId: providerPaymentId ?? null, amountMinor: 2500n, currency: 'EUR', status: 'SUCCEEDED' },
    at: app.clock.now(),
  };
}

async function refundInConsole(line: BillLine, amount: number): Promise<BillLine> {
  const { providerPaymentId } = line;
  const refund = await control(app.sandboxUrl, 'stripe/refunds', { payment_intent: providerPaymentId, amount });
  if (typeof refund !== 'object' || refund === null || !('id' in refund)) throw new Error('No refund.');
  await untilCallbacksCame(app);
  return {
    ...line,
    ...{ kind: 'refund', merchantNumber: null, paymentNumber: line.merchantNumber, amountMinor: BigInt(amount) },
    providerRefundId: String(refund.id),
  };
}

/** Runs the reconciliation twice over a bill of these lines, on a later day. The second run must change nothing. */
async function reconcileTwice(lines: readonly BillLine[], orderIds: readonly string[], provider = stripe) {
  await toNextAfternoon(app);
  const first = await reconcileDay(app, withBill(provider, lines), date);
  const versions = async () => Promise.all(orderIds.map(async (id) => (await readOrder(app, id)).version));
  const after = await versions();
  const second = await reconcileDay(app, withBill(provider, lines), date);
  expect(await versions()).toEqual(after);
  return { ...first, second };
}

test('a different amount changes nothing and goes into review', async () => {
  const { orderId, line } = await paidWithLine();
  const { findings } = await reconcileTwice([{ ...line, amountMinor: 2400n }], [orderId]);
  expect(findings).toMatchObject([
    {
      ...{ kind: 'DIFFERENT_AMOUNT', subject: 'payment', action: 'IN_REVIEW', orderId },
      ...{ here: { amountMinor: 2500n, status: 'SUCCEEDED' }, there: { amountMinor: 2400n } },
    },
  ]);
  expect(await readOrder(app, orderId)).toMatchObject({
    ...{ paymentStatus: 'PAID', captured: { amountMinor: 2500 }, needsReview: ['AMOUNT_MISMATCH'] },
  });
});

test('a different currency is a different amount', async () => {
  const { orderId, line } = await paidWithLine();
  const { findings } = await reconcileTwice([{ ...line, currency: 'USD' }], [orderId]);
  expect(findings).toMatchObject([{ kind: 'DIFFERENT_AMOUNT', action: 'IN_REVIEW' }]);
});

test('money under one of our numbers that the database does not have is missing here and cannot be repaired', async () => {
  const line = lineOf(newId('payment'), 'pi_nobody');
  const { findings, second } = await reconcileTwice([line], []);
  expect(findings).toMatchObject([{ kind: 'MISSING_HERE', action: 'UNKNOWN_HERE', here: null, orderId: null }]);
  expect(second.findings).toEqual(findings);
});

test('money of another system of the merchant is foreign, and not a difference', async () => {
  const line = lineOf('SHOP-1', 'pi_shop');
  const refund: BillLine = { ...line, kind: 'refund', merchantNumber: 'R-1', paymentNumber: 'SHOP-1' };
  const { findings } = await reconcileTwice([line, refund], []);
  expect(findings).toMatchObject([
    { kind: 'FOREIGN', action: 'NONE' },
    { kind: 'FOREIGN', action: 'NONE' },
  ]);
});

test('a second payment that the provider has under our number is not matched', async () => {
  const { orderId, line } = await paidWithLine();
  const another: BillLine = { ...line, providerPaymentId: 'pi_another' };
  const { matched, findings } = await reconcileTwice([line, another], [orderId]);
  expect(matched).toEqual([line]);
  expect(findings).toMatchObject([{ kind: 'MISSING_HERE', action: 'IN_REVIEW', providerPaymentId: 'pi_another' }]);
  expect((await readOrder(app, orderId)).needsReview).toEqual(['AMOUNT_MISMATCH']);
});

test('a payment that the bill lists twice is matched once and goes into review', async () => {
  const { orderId, line } = await paidWithLine();
  const { matched, findings } = await reconcileTwice([line, line], [orderId]);
  expect(matched).toEqual([line]);
  expect(findings).toMatchObject([{ kind: 'LISTED_TWICE', action: 'IN_REVIEW' }]);
  expect((await readOrder(app, orderId)).needsReview).toEqual(['AMOUNT_MISMATCH']);
});

test('a payment that the bill lacks and the provider confirms is reported and needs no review', async () => {
  const { orderId } = await paidWithLine();
  const { findings, second } = await reconcileTwice([], [orderId]);
  expect(findings).toMatchObject([{ kind: 'MISSING_THERE', action: 'CONFIRMED', orderId, there: null }]);
  expect(second.findings).toEqual(findings);
  expect((await readOrder(app, orderId)).needsReview).toEqual([]);
});

test('a payment that the bill lacks and the provider denies goes into review', async () => {
  const { orderId } = await paidWithLine();
  const denying: PaymentProvider = {
    ...stripe,
    queryPayment: async () => ({ kind: 'notFound', payableUntil: null }),
  };
  const { findings } = await reconcileTwice([], [orderId], denying);
  expect(findings).toMatchObject([{ kind: 'MISSING_THERE', action: 'IN_REVIEW', orderId }]);
  const order = await readOrder(app, orderId);
  expect(order).toMatchObject({ paymentStatus: 'PAID', needsReview: ['AMOUNT_MISMATCH'] });
  expect(order.events.nodes.at(-1)?.note).toContain('not in the provider’s bill');
});

test('money of the last minute may be in the next day’s bill, so the provider is not queried', async () => {
  await passBoth(app, 20 * 3_600_000 - 30_000);
  const { orderId } = await paidWithLine();
  const { findings } = await reconcileTwice([], [orderId]);
  expect(findings).toMatchObject([{ kind: 'NEAR_BORDER', action: 'NONE', orderId }]);
});

test('a refund that precedes its payment in the bill is applied after it', async () => {
  const { id: orderId } = await createOrder(app);
  const started = await payOrder(app, orderId);
  await control(app.sandboxUrl, 'faults', { fault: 'drop', match: { type: '*' }, times: 1000 });
  await confirmCard(app, started);
  const line = lineOf(started.id, started.providerPaymentId);
  const refund = await refundInConsole(line, 500);
  await clearFaults(app);
  const { findings, second } = await reconcileTwice([refund, line], [orderId]);
  expect(findings.map(({ kind, subject, action }) => [kind, subject, action])).toEqual([
    ['MISSING_HERE', 'payment', 'APPLIED'],
    ['MISSING_HERE', 'refund', 'APPLIED'],
  ]);
  expect(second.findings).toEqual([]);
  expect(await readOrder(app, orderId)).toMatchObject({
    ...{ paymentStatus: 'PARTIALLY_REFUNDED', refunded: { amountMinor: 500 }, needsReview: [] },
  });
});

test('a refund that failed here is queried, because the bill may be older', async () => {
  const { orderId, line } = await paidWithLine();
  const refund = await refundInConsole(line, 500);
  await control(app.sandboxUrl, `stripe/refunds/${refund.providerRefundId}/fail`, {});
  await untilCallbacksCame(app);
  expect((await readOrder(app, orderId)).refunds).toMatchObject([{ status: 'FAILED' }]);
  const { findings } = await reconcileTwice([line, refund], [orderId]);
  expect(findings).toMatchObject([{ kind: 'MISSING_HERE', subject: 'refund', action: 'ASKED' }]);
  expect((await readOrder(app, orderId)).refunds).toMatchObject([{ status: 'FAILED' }]);
});

test('a refund that the bill lacks because its bank sent it back fails here, too', async () => {
  const { orderId, line } = await paidWithLine();
  const refund = await refundInConsole(line, 500);
  await control(app.sandboxUrl, 'faults', { fault: 'drop', match: { type: '*' }, times: 1000 });
  await control(app.sandboxUrl, `stripe/refunds/${refund.providerRefundId}/fail`, {});
  await untilCallbacksCame(app);
  await clearFaults(app);
  expect((await readOrder(app, orderId)).refunds).toMatchObject([{ status: 'SUCCEEDED' }]);
  const { findings, second } = await reconcileTwice([line], [orderId]);
  expect(findings).toMatchObject([{ kind: 'MISSING_THERE', subject: 'refund', action: 'APPLIED' }]);
  expect(second.findings).toEqual([]);
  expect(await readOrder(app, orderId)).toMatchObject({
    ...{ refunded: { amountMinor: 0 }, refunds: [{ status: 'FAILED' }], needsReview: ['REFUND_ABNORMAL'] },
  });
});

test('more lines than fit into one look-up are all compared', async () => {
  const { orderId, line } = await paidWithLine();
  const foreign = Array.from({ length: 1200 }, (_, n) => lineOf(`SHOP-${n}`, `pi_${n}`));
  const { matched, findings } = await reconcileTwice([...foreign, line], [orderId]);
  expect(matched).toEqual([line]);
  expect(findings).toHaveLength(1200);
});

test('a bill that lacks more of our payments than it lists is not ours: the provider is not queried, and no order changes', async () => {
  const orders = await Promise.all(Array.from({ length: 5 }, paidWithLine));
  await toNextAfternoon(app);
  // Another account has other lines, and does not know our payments.
  const foreign = { ...lineOf('pay_of_another', 'pi_another'), merchantNumber: 'of-another-system' };
  const bill = withBill(stripe, [foreign, foreign]);
  let asked = 0;
  const another: PaymentProvider = {
    ...bill,
    queryPayment: async () => {
      asked += 1;
      return { kind: 'notFound', payableUntil: null };
    },
  };
  const versions = async () => Promise.all(orders.map(async ({ orderId }) => (await readOrder(app, orderId)).version));
  const before = await versions();
  const { findings, doubt } = await reconcileDay(app, another, date);
  expect(doubt).toEqual({ missing: 5, listed: 0 });
  const missing = findings.filter(({ kind }) => kind === 'MISSING_THERE');
  expect(missing.map(({ action }) => action)).toEqual(Array.from({ length: 5 }, () => 'NOT_ASKED'));
  expect(asked).toBe(0);
  expect(await versions()).toEqual(before);

  // The operator can confirm that the bill is the right one.
  const certain = await reconcileDay(app, bill, date, { isToAskAboutAll: true });
  expect(certain.doubt).toBeNull();
  expect(certain.findings.filter(({ action }) => action === 'CONFIRMED')).toHaveLength(5);
});

test('a few payments that a bill lacks are single cases, and are queried', async () => {
  const orders = await Promise.all(Array.from({ length: 7 }, paidWithLine));
  await toNextAfternoon(app);
  const lines = orders.slice(0, 4).map(({ line }) => line);
  const { findings, doubt } = await reconcileDay(app, withBill(stripe, lines), date);
  expect(doubt).toBeNull();
  expect(findings.map(({ kind, action }) => `${kind} ${action}`)).toEqual(
    Array.from({ length: 3 }, () => 'MISSING_THERE CONFIRMED'),
  );
});
