import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PaymentPartsFragment } from '../../generated/graphql/graphql.ts';
import {
  booksOf,
  capturePayment,
  createOrder,
  paidOrder,
  payOrder,
  readOrder,
  requestRefund,
  sweepUntil,
} from '../support/orders.ts';
import { askControl, clearFaults, control, startTestApp, type TestApp } from '../support/test-app.ts';

// Separate from other lost answers: these calls wait for the real time-out of 15 s, all at the same time.

let app: TestApp;
/** A node whose call hangs while its clock advances. */
let other: TestApp;

type Started<T> = { readonly orderId: string; readonly paymentId: string; readonly answer: T };
let created: Started<PaymentPartsFragment>;
let captured: Started<Awaited<ReturnType<typeof capturePayment>>>;
let refunded: Started<Awaited<ReturnType<typeof requestRefund>>>;
let voided: Started<{ status?: string }>;
let takenUp: Started<PaymentPartsFragment> & { readonly meanwhile: string | undefined };

/** The request may be executed, but the connection stays silent, also for a retry by the SDK. */
const unanswered = (on: TestApp, match: object, fault = 'timeout_after') =>
  control(on.sandboxUrl, 'faults', [
    { fault, match, times: 2 },
    { fault: 'drop', match: {}, target: 'callback', times: 1000 },
  ]);

async function create(): Promise<typeof created> {
  const { id: orderId, number } = await createOrder(app);
  await unanswered(app, { operation: 'payment_intents.create', contains: number });
  const answer = await payOrder(app, orderId);
  return { orderId, paymentId: answer.id, answer };
}

async function capture(): Promise<typeof captured> {
  const { orderId, payment } = await paidOrder(app, { captureMode: 'MANUAL' });
  await unanswered(app, { path: `/v1/payment_intents/${payment.providerPaymentId}/capture` });
  const answer = await capturePayment(app, { paymentId: payment.id, amountMinor: 900 });
  return { orderId, paymentId: payment.id, answer };
}

async function refund(): Promise<typeof refunded> {
  const { orderId, payment } = await paidOrder(app);
  await unanswered(app, { operation: 'refunds.create', contains: payment.id });
  const answer = await requestRefund(app, { paymentId: payment.id, amountMinor: 900 });
  return { orderId, paymentId: payment.id, answer };
}

async function cancel(): Promise<typeof voided> {
  const { orderId, payment } = await paidOrder(app, { captureMode: 'MANUAL' });
  await unanswered(app, { path: `/v1/payment_intents/${payment.providerPaymentId}/cancel` });
  const { answer } = await app.client.request<{ answer: { status?: string } }>(
    'mutation($id: ID!) { answer: cancelPayment(input: { paymentId: $id }) { ... on Payment { status } } }',
    { id: payment.id },
  );
  return { orderId, paymentId: payment.id, answer };
}

/** Starts a call that hangs, which to the other server looks as if this one had died. Resolves while it still hangs. */
async function hang() {
  const { id: orderId, number } = await createOrder(other);
  await unanswered(other, { operation: 'payment_intents.create', contains: number }, 'timeout_before');
  const call = payOrder(other, orderId);
  while (!(await hangsAt(other.sandboxUrl)));
  await clearFaults(other);
  other.clock.advance(31_000);
  await other.app.rounds.sweep();
  const [meanwhile] = (await readOrder(other, orderId)).payments;
  return { orderId, call, meanwhile: meanwhile?.status };
}

async function hangsAt(sandboxUrl: string): Promise<boolean> {
  const { faults } = await askControl<{ faults: { fault: string; times: number }[] }>(sandboxUrl, 'faults');
  return faults.some(({ fault, times }) => fault === 'timeout_before' && times === 1);
}

beforeAll(async () => {
  [app, other] = await Promise.all([startTestApp(), startTestApp()]);
  const { call, ...hung } = await hang();
  [created, captured, refunded, voided] = await Promise.all([create(), capture(), refund(), cancel()]);
  const answer = await call;
  takenUp = { ...hung, paymentId: answer.id, answer };
});
afterAll(() => Promise.all([app.close(), other.close()]));

test('a payment whose creation times out is UNKNOWN, and a query finds one payment', async () => {
  const { orderId, paymentId, answer } = created;
  expect(answer).toMatchObject({ status: 'UNKNOWN', failure: null, nextCheckAt: expect.any(String) });
  await sweepUntil(app, orderId, ({ payments }) => payments[0]?.status === 'ACTION_REQUIRED', 6000);
  expect((await booksOf(app, paymentId)).totals.paymentIntents).toBe(1);
});

test('a capture that times out leaves AUTHORIZED with captureRequested, and has captured the money once', async () => {
  const { orderId, paymentId, answer } = captured;
  expect(answer).toMatchObject({
    ...{ status: 'AUTHORIZED', captureRequested: { amountMinor: 900 }, nextCheckAt: expect.any(String) },
  });
  const order = await sweepUntil(app, orderId, ({ payments }) => payments[0]?.status === 'SUCCEEDED', 6000);
  expect(order.payments).toMatchObject([{ captureRequested: null, evidence: { source: 'QUERY' } }]);
  expect((await booksOf(app, paymentId)).totals).toMatchObject({ charges: 1, captured: 900, authorized: 0 });
});

test('a refund that times out is UNKNOWN, and is executed once', async () => {
  const { orderId, paymentId, answer } = refunded;
  expect(answer).toMatchObject({
    ...{ status: 'UNKNOWN', payment: { refundable: { amountMinor: 1600 } }, nextCheckAt: expect.any(String) },
  });
  const order = await sweepUntil(app, orderId, ({ refunds }) => refunds[0]?.status === 'SUCCEEDED', 6000);
  expect(order.refunds).toMatchObject([{ evidence: { source: 'QUERY' } }]);
  expect((await booksOf(app, paymentId)).refunds).toHaveLength(1);
});

test('a void that times out is CANCELING until the provider confirms it', async () => {
  const { orderId, paymentId, answer } = voided;
  expect(answer).toMatchObject({ status: 'CANCELING' });
  await sweepUntil(app, orderId, ({ payments }) => payments[0]?.status === 'CANCELED', 6000);
  expect((await booksOf(app, paymentId)).totals).toMatchObject({ captured: 0, authorized: 0 });
});

test('a call that never returns leases its payment for 30 s; then another node processes it, under the same key', async () => {
  const { orderId, paymentId, answer, meanwhile } = takenUp;
  expect(meanwhile).toBe('ACTION_REQUIRED');
  // The late end of the lost call does not revert anything.
  expect(answer).toMatchObject({ status: 'ACTION_REQUIRED' });
  expect((await readOrder(other, orderId)).types).toEqual([
    ...['ORDER_CREATED', 'PAYMENT_STARTED', 'PAYMENT_ACTION_REQUIRED'],
  ]);
  expect((await booksOf(other, paymentId)).totals.paymentIntents).toBe(1);
});
