import { z } from 'zod';
import { applyPaymentReport } from '../domain/apply-payment-report.ts';
import { refuseCapture } from '../domain/capture.ts';
import { after } from '../domain/clock.ts';
import {
  InvalidInputError,
  NotFoundError,
  PaymentNotCapturableError,
  ProviderRejectedError,
} from '../domain/errors.ts';
import { isId } from '../domain/ids.ts';
import type { OrderChange } from '../domain/order-change.ts';
import { isClosed } from '../domain/order-lifecycle.ts';
import type { Payment } from '../domain/payment.ts';
import type { PaymentReport } from '../domain/report.ts';
import { nextCheckAt } from '../domain/schedule.ts';
import { checkPayment } from '../provider-calls/check-payment.ts';
import {
  type Actor,
  type CommandContext,
  changeAndWake,
  checkAmount,
  isConfigured,
  logProviderError,
  providerOf,
} from '../provider-calls/context.ts';
import { isFree, leasedFrom } from '../provider-calls/lease.ts';
import { callDeadlineMs, paymentOrderOf } from '../provider-calls/requests.ts';
import { isProviderError, NotExecutedError, RejectedError } from '../providers/provider.ts';
import { claimIntent, findIntent, hashOf, type Intent } from '../store/idempotency-store.ts';
import { loadOrder } from '../store/order-store.ts';
import { findPayment } from '../store/payment-store.ts';
import { amountMinor, idempotencyKey, parseInput } from './input.ts';

const inputSchema = z.object({
  idempotencyKey,
  paymentId: z.string().refine((id) => isId('payment', id), 'is not a payment id.'),
  amountMinor: amountMinor.nullish(),
});

/**
 * Takes the money of an authorization, all of it or a part; the rest is released. Returns the payment's id. It stays AUTHORIZED while the
 * provider has not confirmed it, also when it was too busy, and is asked again, under the same key, until it has.
 */
export async function capturePayment(context: CommandContext, actor: Actor, input: unknown): Promise<string> {
  const { idempotencyKey: key, ...wanted } = parseInput(inputSchema, input);
  const { paymentId } = wanted;
  const { merchantId } = actor;
  const payment = await findPayment(context.db.pool, paymentId);
  if (payment === null || payment.merchantId !== merchantId) throw new NotFoundError('There is no such payment.');
  const { orderId } = payment;
  const intent: Intent = { merchantId, operation: 'capturePayment', key, inputHash: hashOf(wanted) };
  const next = await changeAndWake(context, 'capture.intent', orderId, async (change, tx): Promise<Next> => {
    const prior = await findIntent(tx, intent);
    if (prior !== null) return resume(context, change, paymentId, prior.attempt, wanted.amountMinor ?? null);
    const { authorizedMinor, captureAttempt } = checkCapturable(change, paymentId);
    const captureMinor = wanted.amountMinor ?? authorizedMinor;
    if (captureMinor > authorizedMinor) {
      throw new InvalidInputError([
        { path: 'amountMinor', message: `must be at most ${authorizedMinor}, what was authorized.` },
      ]);
    }
    checkAmount(context, payment, captureMinor);
    const attempt = captureAttempt + 1;
    await claimIntent(tx, intent, paymentId, change.at, attempt);
    change.plan(paymentId, { captureMinor, captureAttempt: attempt, ...leasedFrom(change.at) });
    return 'submit';
  });
  if (next === 'submit') await submitCapture(context, orderId, paymentId);
  if (next === 'ask') await checkPayment(context, paymentId);
  return paymentId;
}

type Next = 'submit' | 'ask' | 'nothing';

/**
 * The same intent again. Taken up only when nobody else is at it.
 * @throws {DomainError} the refusal that the first call was answered by.
 */
function resume(
  context: CommandContext,
  change: OrderChange,
  paymentId: string,
  attempt: number | null,
  amountMinor: bigint | null,
): Next {
  const payment = change.payment(paymentId);
  const isRefused = attempt !== null && payment.refusedCaptures.includes(attempt);
  if (isRefused || payment.status === 'SUCCEEDED') refuse(payment, amountMinor ?? payment.amountMinor);
  const isOpen = payment.captureMinor !== null && isFree(payment, change.at) && isConfigured(context, payment);
  if (isOpen) change.plan(paymentId, leasedFrom(change.at));
  return isOpen ? 'ask' : 'nothing';
}

function checkCapturable(change: OrderChange, paymentId: string): Payment {
  const payment = change.payment(paymentId);
  const why = ((): string | null => {
    if (payment.status === 'SUCCEEDED') return 'it is captured already';
    if (payment.status !== 'AUTHORIZED') return 'it is not authorized';
    if (payment.captureMinor !== null) return 'it is being captured';
    return isClosed(change) ? 'its order is closed; resolve the review first' : null;
  })();
  if (why !== null) throw new PaymentNotCapturableError(paymentId, why);
  return payment;
}

/** Tells the provider of a capture that is committed and leased to the caller. */
async function submitCapture(context: CommandContext, orderId: string, paymentId: string): Promise<void> {
  const held = await loadOrder(context.db.pool, orderId);
  const payment = held?.payments.find(({ id }) => id === paymentId);
  if (held === null || payment === undefined) throw new Error(`Payment ${paymentId} is gone.`);
  const { captureMinor, captureAttempt } = payment;
  if (captureMinor === null) return; // somebody has learned the outcome meanwhile
  let report: PaymentReport;
  try {
    report = await providerOf(context, payment).capturePayment(
      paymentOrderOf(held, payment),
      { amountMinor: captureMinor, attempt: captureAttempt },
      AbortSignal.timeout(callDeadlineMs),
    );
  } catch (error) {
    return captureFailed(context, payment, error);
  }
  await context.failpoint('capture.called');
  await changeAndWake(context, 'capture.answer', orderId, (change) => {
    applyPaymentReport(change, report);
    change.plan(paymentId, { leasedUntil: null });
  });
}

async function captureFailed(context: CommandContext, asked: Payment, error: unknown): Promise<void> {
  const { id, orderId, captureAttempt, captureMinor } = asked;
  if (!isProviderError(error)) throw error;
  logProviderError(context, error, { paymentId: id }, 'a capture was refused, or its outcome is unknown');
  await changeAndWake(context, 'capture.answer', orderId, (change) => {
    if (error instanceof RejectedError) return refuseCapture(change, id, captureAttempt, error.failure);
    const payment = change.payment(id);
    if (payment.captureMinor === null || payment.captureAttempt !== captureAttempt) return;
    const checkAt =
      error instanceof NotExecutedError ? after(change.at, error.retryAfterMs) : nextCheckAt(payment, 0, change.at);
    change.plan(id, { checkAt, checkAttempts: 0, leasedUntil: null });
  });
  if (!(error instanceof RejectedError)) return;
  await checkPayment(context, id); // most likely it has lapsed, or was captured in the console: say what is so now
  const payment = await findPayment(context.db.pool, id);
  if (payment !== null) refuse(payment, captureMinor);
}

/** Answers a capture that the provider has refused. It is none where what was wanted is captured all the same. */
function refuse({ id, status, capturedMinor }: Payment, wantedMinor: bigint | null): void {
  if (status === 'SUCCEEDED' && capturedMinor === wantedMinor) return;
  if (status === 'SUCCEEDED') throw new PaymentNotCapturableError(id, 'another amount was captured meanwhile');
  throw new ProviderRejectedError(id, 'The provider refused the capture. What became of the payment is in its status.');
}
