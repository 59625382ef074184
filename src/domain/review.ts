import type { ReviewReason } from './order.ts';
import type { OrderChange } from './order-change.ts';
import { surplusRefundedOf } from './order-sums.ts';
import { isLive } from './payment.ts';
import { isUnderWay } from './refund.ts';

/**
 * Puts the order in review, which asks an operator to look at it. Has no effect when the order is already in review for
 * this reason.
 *
 * @param note explains the reason to the operator, as a readable sentence.
 */
export function needReview(change: OrderChange, reason: ReviewReason, note: string): void {
  const { reviewReasons } = change.order;
  if (reviewReasons.includes(reason)) return;
  change.record('ORDER_REVIEW_NEEDED', { order: { reviewReasons: [...reviewReasons, reason] }, note });
}

/**
 * Resolves the review reasons that no longer apply: the surplus or late money was refunded, or the provider reported the
 * outcome after all.
 */
export function settleReviews(change: OrderChange): void {
  const { status, capturedMinor, refundedMinor, reviewReasons } = change.order;
  const isSurplusLeft = change.payments.some(
    (payment) => payment.surplusMinor > surplusRefundedOf(payment, change.refunds),
  );
  const isHeld = change.payments.some((payment) => isLive(payment) && payment.authorizedMinor > 0n);
  const isStuck =
    change.payments.some((payment) => isLive(payment) && payment.checkAt === null) ||
    change.refunds.some((refund) => isUnderWay(refund) && refund.checkAt === null);
  const isClosed = status === 'CANCELED' || status === 'EXPIRED';
  const isClosedAndEmpty = isClosed && capturedMinor === refundedMinor && !isHeld;
  const settled = reviewReasons.filter(
    (reason) =>
      (reason === 'SURPLUS' && !isSurplusLeft) ||
      (reason === 'LATE_PAYMENT' && isClosedAndEmpty) ||
      (reason === 'STUCK_UNKNOWN' && !isStuck),
  );
  if (settled.length === 0) return;
  change.record('ORDER_REVIEW_RESOLVED', {
    order: { reviewReasons: reviewReasons.filter((reason) => !settled.includes(reason)) },
    note: `Resolved automatically: ${settled.join(', ')}.`,
  });
}
