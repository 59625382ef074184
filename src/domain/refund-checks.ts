import { after } from './clock.ts';
import type { OrderChange } from './order-change.ts';
import { isReserved } from './refund.ts';
import { needReview } from './review.ts';
import { nextRefundCheckAt, settledDelayMsMin } from './schedule.ts';

/** Takes note that the outcome of a refund's call is not known. */
export function markRefundUnknown(change: OrderChange, refundId: string): void {
  const { status, paymentId } = change.refund(refundId);
  if (status !== 'PENDING') return;
  change.record('REFUND_UNKNOWN', { payment: { id: paymentId }, refund: { id: refundId, status: 'UNKNOWN' } });
  restartRefundChecks(change, refundId);
}

/** Plans the next question about a refund after a due one that brought nothing new; past the last, a person must look. */
export function postponeRefundCheck(change: OrderChange, refundId: string): void {
  const refund = change.refund(refundId);
  if (refund.checkAt !== null && refund.checkAt > change.at) return;
  const checkAttempts = refund.checkAttempts + 1;
  const checkAt = nextRefundCheckAt(refund.status, checkAttempts, change.at);
  change.planRefund(refundId, { checkAt, checkAttempts, leasedUntil: null });
  if (checkAt !== null || !isReserved(refund)) return;
  const reason = refund.status === 'UNKNOWN' ? 'STUCK_UNKNOWN' : 'REFUND_ABNORMAL';
  needReview(change, reason, `${refundId}: the provider was asked ${checkAttempts} times without a clear answer.`);
}

/** After so many tries a person must look, about two hours after the first: the provider refuses, and does not say for good. */
const triesUnseenMax = 9;

/**
 * Plans the next try of a refund that its provider certainly did not make, ever further apart, and no sooner than the provider wants. It
 * goes on, and a person is asked.
 */
export function postponeRefundSubmission(change: OrderChange, refundId: string, retryAfterMs: number): void {
  const { checkAttempts } = change.refund(refundId);
  const soonest = after(change.at, retryAfterMs);
  const planned = nextRefundCheckAt('UNKNOWN', checkAttempts, change.at) ?? after(change.at, settledDelayMsMin);
  const checkAt = planned > soonest ? planned : soonest;
  change.planRefund(refundId, { checkAt, checkAttempts: checkAttempts + 1 });
  if (checkAttempts < triesUnseenMax) return;
  needReview(change, 'REFUND_ABNORMAL', `${refundId}: the provider did not take it, ${checkAttempts + 1} times over.`);
}

export function restartRefundChecks(change: OrderChange, refundId: string): void {
  const checkAt = nextRefundCheckAt(change.refund(refundId).status, 0, change.at);
  change.planRefund(refundId, { checkAt, checkAttempts: 0, leasedUntil: null });
}
