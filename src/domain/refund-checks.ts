import { after } from './clock.ts';
import type { OrderChange } from './order-change.ts';
import { isReserved } from './refund.ts';
import { needReview } from './review.ts';
import { nextRefundCheckAt, settledDelayMsMin } from './schedule.ts';

/** Records that the outcome of the call for a refund is unknown. Has an effect only on a PENDING refund. */
export function markRefundUnknown(change: OrderChange, refundId: string): void {
  const { status, paymentId } = change.refund(refundId);
  if (status !== 'PENDING') return;
  change.record('REFUND_UNKNOWN', { payment: { id: paymentId }, refund: { id: refundId, status: 'UNKNOWN' } });
  restartRefundChecks(change, refundId);
}

/**
 * Plans the next check of a refund after a due check without a new result. After the last check of the schedule, a refund
 * that is still pending or unknown goes into review.
 */
export function postponeRefundCheck(change: OrderChange, refundId: string): void {
  const refund = change.refund(refundId);
  if (refund.checkAt !== null && refund.checkAt > change.at) return;
  const checkAttempts = refund.checkAttempts + 1;
  const checkAt = nextRefundCheckAt(refund.status, checkAttempts, change.at);
  change.planRefund(refundId, { checkAt, checkAttempts, leasedUntil: null });
  if (checkAt !== null || !isReserved(refund)) return;
  const reason = refund.status === 'UNKNOWN' ? 'STUCK_UNKNOWN' : 'REFUND_ABNORMAL';
  needReview(change, reason, `${refundId}: no final result after ${checkAttempts} queries to the provider.`);
}

/**
 * After this many attempts a refund that the provider does not execute goes into review. That is about two hours after the
 * first attempt.
 */
const attemptsBeforeReview = 9;

/**
 * Plans the next attempt to submit a refund that the provider certainly did not execute. The intervals grow and are never
 * shorter than `retryAfterMs`, which the provider requests. The attempts continue while the order is in review.
 */
export function postponeRefundSubmission(change: OrderChange, refundId: string, retryAfterMs: number): void {
  const { checkAttempts } = change.refund(refundId);
  const soonest = after(change.at, retryAfterMs);
  const planned = nextRefundCheckAt('UNKNOWN', checkAttempts, change.at) ?? after(change.at, settledDelayMsMin);
  const checkAt = planned > soonest ? planned : soonest;
  change.planRefund(refundId, { checkAt, checkAttempts: checkAttempts + 1 });
  if (checkAttempts < attemptsBeforeReview) return;
  const note = `${refundId}: the provider has not accepted the refund after ${checkAttempts + 1} attempts.`;
  needReview(change, 'REFUND_ABNORMAL', note);
}

/** Restarts the check schedule that belongs to the refund's status. */
export function restartRefundChecks(change: OrderChange, refundId: string): void {
  const checkAt = nextRefundCheckAt(change.refund(refundId).status, 0, change.at);
  change.planRefund(refundId, { checkAt, checkAttempts: 0, leasedUntil: null });
}
