import { applyRefundReport, markRefundUnknown, postponeRefundCheck } from '../domain/apply-refund-report.ts';
import { newId } from '../domain/ids.ts';
import { isReserved, type Refund } from '../domain/refund.ts';
import type { RefundReport } from '../domain/report.ts';
import { aboutOrder } from '../logging/trace.ts';
import { isProviderError } from '../providers/provider.ts';
import { findRefund } from '../store/refund-store.ts';
import { type CommandContext, changeAndWake, logProviderError, providerOf } from './context.ts';
import { isOvertaken } from './refund-answer.ts';
import { loadRefund, refundFailed } from './refunds.ts';
import { callDeadlineMs, refundNameOf, refundOrderOf } from './requests.ts';

/**
 * Asks the provider about one refund and applies what it says. One that never reached the provider is submitted again, under the same
 * key. An answer that does not come plans the next question.
 */
export async function checkRefund(context: CommandContext, refundId: string): Promise<void> {
  const found = await findRefund(context.db.pool, refundId);
  if (found === null) throw new Error(`Refund ${refundId} is gone.`);
  aboutOrder(found.orderId);
  const { held, refund, payment } = await loadRefund(context, found.orderId, refundId);
  const order = refundOrderOf(held, refund);
  const signal = AbortSignal.timeout(callDeadlineMs);
  let report: RefundReport | null = null;
  try {
    const answer = await providerOf(context, payment).queryRefund(refundNameOf(held, refund), signal);
    if (answer.kind === 'report') report = answer.report;
  } catch (error) {
    return unanswered(context, refund, error);
  }
  try {
    // One that was made in the console was never asked for by us, and must not be.
    const isOurs = refund.origin !== 'PROVIDER';
    if (report === null && isOurs && isReserved(refund))
      report = await providerOf(context, payment).startRefund(order, signal);
  } catch (error) {
    return refundFailed(context, refund, error);
  }
  await context.failpoint('refund.called');
  await changeAndWake(context, 'refund.answer', refund.orderId, (change) => {
    if (report !== null && !isOvertaken(change, held, refund.paymentId, report)) {
      applyRefundReport(change, refund.paymentId, report, newId('refund'));
    }
    postponeRefundCheck(change, refundId);
    change.planRefund(refundId, { leasedUntil: null });
  });
}

/** The question was not answered. Whether a refund that was never heard of was made is unknown then. */
async function unanswered(context: CommandContext, { id, orderId, providerRefundId }: Refund, error: unknown) {
  if (!isProviderError(error)) throw error;
  logProviderError(context, error, { refundId: id }, 'the provider did not say what became of a refund');
  await changeAndWake(context, 'refund.answer', orderId, (change) => {
    if (change.refund(id).status === 'PENDING' && providerRefundId === null) markRefundUnknown(change, id);
    else postponeRefundCheck(change, id);
    change.planRefund(id, { leasedUntil: null });
  });
}
