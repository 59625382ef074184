import {
  applyRefundReport,
  markRefundUnknown,
  postponeRefundCheck,
  postponeRefundSubmission,
} from '../domain/apply-refund-report.ts';
import { newId } from '../domain/ids.ts';
import type { OrderAggregate, OrderChange } from '../domain/order-change.ts';
import type { PaymentFailure } from '../domain/payment.ts';
import type { Refund } from '../domain/refund.ts';
import type { RefundReport } from '../domain/report.ts';
import { isProviderError, NotExecutedError, RejectedError } from '../providers/provider.ts';
import { loadOrder } from '../store/order-store.ts';
import { type CommandContext, changeAndWake, logProviderError, providerOf } from './context.ts';
import { isOvertaken } from './refund-answer.ts';
import { callDeadlineMs, refundOrderOf } from './requests.ts';

/**
 * Tells the provider of a refund that is committed, with its amount set aside, and leased to the caller. An answer that never came makes
 * UNKNOWN; the amount comes free only when the provider has refused, or failed, for good.
 */
export async function submitRefund(context: CommandContext, orderId: string, refundId: string): Promise<void> {
  const { held, refund, payment } = await loadRefund(context, orderId, refundId);
  let report: RefundReport;
  try {
    report = await providerOf(context, payment).startRefund(
      refundOrderOf(held, refund),
      AbortSignal.timeout(callDeadlineMs),
    );
  } catch (error) {
    await refundFailed(context, refund, error);
    return;
  }
  await context.failpoint('refund.called');
  await changeAndWake(context, 'refund.answer', orderId, (change) => {
    if (!isOvertaken(change, held, payment.id, report))
      applyRefundReport(change, refund.paymentId, report, newId('refund'));
    release(change, refundId);
  });
}

/** A refund with its payment and its order, as committed. */
export async function loadRefund(context: CommandContext, orderId: string, refundId: string) {
  const held = await loadOrder(context.db.pool, orderId);
  const refund = held?.refunds.find(({ id }) => id === refundId);
  const payment = held?.payments.find(({ id }) => id === refund?.paymentId);
  if (held == null || refund === undefined || payment === undefined) throw new Error(`Refund ${refundId} is gone.`);
  return { held: held satisfies OrderAggregate, refund, payment };
}

/** Takes note of a call that brought no answer, or a refusal. @throws what is none of the three that providers throw. */
export async function refundFailed(context: CommandContext, refund: Refund, error: unknown): Promise<void> {
  const { id, orderId, paymentId } = refund;
  if (!isProviderError(error)) throw error;
  logProviderError(
    context,
    error,
    { refundId: id },
    'the provider did not make a refund, or did not say whether it did',
  );
  await changeAndWake(context, 'refund.answer', orderId, (change) => {
    if (error instanceof RejectedError) {
      applyRefundReport(change, paymentId, refusalOf(refund, error.failure, change.at), null);
    } else if (error instanceof NotExecutedError) {
      postponeRefundSubmission(change, id, error.retryAfterMs);
    } else if (change.refund(id).status === 'PENDING') markRefundUnknown(change, id);
    else postponeRefundCheck(change, id);
    release(change, id);
  });
}

function release(change: OrderChange, refundId: string): void {
  change.planRefund(refundId, { leasedUntil: null });
}

/** The refusal of our own call, as the report that it is. */
export function refusalOf(refund: Refund, failure: PaymentFailure, receivedAt: Date): RefundReport {
  return {
    refundId: refund.id,
    providerRefundId: refund.providerRefundId,
    status: 'FAILED',
    amountMinor: refund.amountMinor,
    currency: refund.currency,
    reason: null,
    failure,
    evidence: { source: 'RESPONSE', providerTime: null, receivedAt },
  };
}
