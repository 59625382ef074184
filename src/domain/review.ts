import { after } from './clock.ts';
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
 * The delay between an unreadable callback and the check of its payment. The provider may need a moment before its query
 * results show the change.
 */
const unreadableCheckDelayMs = 2000;

/**
 * Records that a verified callback for the payment cannot be read. The payment and its pending refunds are checked soon,
 * because the callback may have announced a change. A repetition has no effect while the review is open.
 */
export function noteUnreadableCallback(change: OrderChange, paymentId: string, why: string): void {
  needReview(change, 'UNREADABLE_CALLBACK', `${paymentId}: ${why}`);
  const soon = after(change.at, unreadableCheckDelayMs);
  const isLater = ({ checkAt }: { readonly checkAt: Date | null }) => checkAt === null || checkAt > soon;
  if (isLater(change.payment(paymentId))) change.plan(paymentId, { checkAt: soon });
  for (const refund of change.refunds) {
    if (refund.paymentId === paymentId && isUnderWay(refund) && isLater(refund)) {
      change.planRefund(refund.id, { checkAt: soon });
    }
  }
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
