import { providerActor, systemActor } from '../domain/actor.ts';
import { applyPaymentReport } from '../domain/apply-payment-report.ts';
import { refuseCapture } from '../domain/capture.ts';
import { after } from '../domain/clock.ts';
import type { Payment } from '../domain/payment.ts';
import type { PaymentReport } from '../domain/report.ts';
import { nextCheckAt } from '../domain/schedule.ts';
import { isProviderError, NotExecutedError, RejectedError } from '../providers/provider.ts';
import { changeOrder } from '../store/change-order.ts';
import { loadOrder } from '../store/order-store.ts';
import { logProviderError, providerOf } from './accounts.ts';
import type { CommandContext } from './context.ts';
import { paymentOrderOf, withinCallDeadline } from './requests.ts';

/**
 * Submits a capture that is committed and leased to the caller, and applies the provider's answer. Without an answer the capture stays
 * planned and is submitted again under the same key.
 *
 * @returns `refused` when the provider refuses this capture for good.
 */
export async function submitCapture(
  context: CommandContext,
  orderId: string,
  paymentId: string,
): Promise<'done' | 'refused'> {
  const held = await loadOrder(context.db.pool, orderId);
  const payment = held?.payments.find(({ id }) => id === paymentId);
  if (held === null || payment === undefined) throw new Error(`Payment ${paymentId} no longer exists.`);
  const { captureMinor, captureAttempt } = payment;
  if (captureMinor === null) return 'done'; // a callback has reported the outcome in the meantime
  let report: PaymentReport;
  try {
    const asked = { amountMinor: captureMinor, attempt: captureAttempt };
    report = await withinCallDeadline((signal) =>
      providerOf(context, payment).capturePayment(paymentOrderOf(held, payment), asked, signal),
    );
  } catch (error) {
    return captureFailed(context, payment, error);
  }
  await context.failpoint('capture.called');
  await changeOrder(context, 'capture.answer', { orderId, actor: providerActor(payment) }, (change) => {
    applyPaymentReport(change, report);
    change.plan(paymentId, { leasedUntil: null });
  });
  return 'done';
}

async function captureFailed(context: CommandContext, asked: Payment, error: unknown): Promise<'done' | 'refused'> {
  const { id, orderId, captureAttempt } = asked;
  if (!isProviderError(error)) throw error;
  logProviderError(context, error, { paymentId: id }, 'a capture was refused, or its outcome is unknown');
  const actor = error instanceof RejectedError ? providerActor(asked) : systemActor;
  await changeOrder(context, 'capture.answer', { orderId, actor }, (change) => {
    if (error instanceof RejectedError) return refuseCapture(change, id, captureAttempt, error.failure);
    const payment = change.payment(id);
    if (payment.captureMinor === null || payment.captureAttempt !== captureAttempt) return;
    const checkAt =
      error instanceof NotExecutedError ? after(change.at, error.retryAfterMs) : nextCheckAt(payment, 0, change.at);
    change.plan(id, { checkAt, checkAttempts: 0, leasedUntil: null });
  });
  return error instanceof RejectedError ? 'refused' : 'done';
}
