import { providerActor, systemActor } from '../domain/actor.ts';
import { applyPaymentReport } from '../domain/apply-payment-report.ts';
import { after } from '../domain/clock.ts';
import { ProviderRejectedError, ProviderUnavailableError } from '../domain/errors.ts';
import type { Order } from '../domain/order.ts';
import { type Evidence, isAbandoned, type Payment, type PaymentFailure } from '../domain/payment.ts';
import { markUnknown } from '../domain/payment-checks.ts';
import { type PaymentReport, paymentReport } from '../domain/report.ts';
import { NotExecutedError, OutcomeUnknownError, type PaymentProvider, RejectedError } from '../providers/provider.ts';
import { changeOrder } from '../store/change-order.ts';
import { rememberSpan } from '../store/trace-store.ts';
import { logProviderError, providerOf } from './accounts.ts';
import type { CommandContext } from './context.ts';
import { paymentOrderOf, withinCallDeadline } from './requests.ts';

/**
 * Submits a payment to its provider and applies the answer. The payment must be committed as SUBMITTING and leased to
 * the caller. Without an answer the payment becomes UNKNOWN, never FAILED.
 *
 * @param order the payment's order.
 * @throws {ProviderUnavailableError} when the call was certainly not executed.
 * @throws {ProviderRejectedError} when the provider refuses the payment for good.
 */
export async function submitPayment(context: CommandContext, order: Order, payment: Payment): Promise<void> {
  const { id: paymentId, orderId } = payment;
  const provider = providerOf(context, payment);
  // Before the call: the callback may come before the answer.
  await rememberSpan(context.db.pool, paymentId, context.clock.now());
  let report: PaymentReport;
  try {
    report = await withinCallDeadline((signal) => provider.startPayment(paymentOrderOf({ order }, payment), signal));
  } catch (error) {
    return submissionFailed(context, payment, error);
  }
  await context.failpoint('pay.called');
  const { status } = await changeOrder(context, 'pay.answer', { orderId, actor: providerActor(payment) }, (change) => {
    applyPaymentReport(change, report);
    return change.payment(paymentId);
  });
  const isUnwanted = status === 'CANCELING' || isAbandoned({ status });
  if (isUnwanted && report.status === 'ACTION_REQUIRED')
    await withdraw(context, provider, order.number, payment, report);
}

async function submissionFailed(context: CommandContext, payment: Payment, error: unknown): Promise<void> {
  const { id, orderId } = payment;
  if (error instanceof OutcomeUnknownError) {
    context.log.warn({ err: error, paymentId: id }, 'the outcome of a payment is unknown');
    await changeOrder(context, 'pay.answer', { orderId, actor: systemActor }, (change) => markUnknown(change, id));
    return;
  }
  if (error instanceof NotExecutedError) {
    logProviderError(context, error, { paymentId: id }, 'a payment could not be submitted');
    const { retryAfterMs } = error;
    await changeOrder(context, 'pay.answer', { orderId, actor: systemActor }, (change) => {
      if (change.payment(id).status !== 'SUBMITTING') return;
      change.plan(id, { leasedUntil: null, checkAt: after(change.at, retryAfterMs) });
    });
    throw new ProviderUnavailableError(retryAfterMs, { cause: error });
  }
  if (error instanceof RejectedError) {
    context.log.warn({ err: error, paymentId: id }, 'a payment was refused');
    await changeOrder(context, 'pay.answer', { orderId, actor: providerActor(payment) }, (change) => {
      applyPaymentReport(change, rejectionOf(id, error.failure, change.at));
    });
    throw new ProviderRejectedError(id);
  }
  throw error;
}

/** A FAILED report from the refusal of our own call. */
export function rejectionOf(paymentId: string, failure: PaymentFailure, receivedAt: Date): PaymentReport {
  const evidence: Evidence = { source: 'RESPONSE', providerTime: null, receivedAt };
  return paymentReport({ paymentId, status: 'FAILED', failure, evidence });
}

/** Closes the payment that the provider has just created, because it was canceled here during the call. */
async function withdraw(
  { log }: CommandContext,
  provider: PaymentProvider,
  orderNumber: string,
  payment: Payment,
  report: PaymentReport,
): Promise<void> {
  const made = { ...payment, providerPaymentId: report.providerPaymentId, providerReference: report.providerReference };
  try {
    await withinCallDeadline((signal) =>
      provider.closePayment({ ...made, paymentId: payment.id, orderNumber }, signal),
    );
  } catch (error) {
    // The buyer never received the next action. If money arrives all the same, its callback is applied as a late payment.
    log.warn({ err: error, paymentId: payment.id }, 'a canceled payment could not be closed at its provider');
  }
}
