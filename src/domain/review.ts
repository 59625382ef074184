import type { ReviewReason } from './order.ts';
import { surplusRefundedOf } from './order.ts';
import type { OrderChange } from './order-change.ts';
import { isLive } from './payment.ts';
import { isReserved } from './refund.ts';

/** Says that a person should look at the order, once for each reason. */
export function needReview(change: OrderChange, reason: ReviewReason, note: string): void {
  const { reviewReasons } = change.order;
  if (reviewReasons.includes(reason)) return;
  change.record('ORDER_REVIEW_NEEDED', { order: { reviewReasons: [...reviewReasons, reason] }, note });
}

/** Takes back what nobody has to look at any more: the money has gone back by itself, or the provider has spoken after all. */
export function settleReviews(change: OrderChange): void {
  const { status, capturedMinor, refundedMinor, reviewReasons } = change.order;
  const isSurplusLeft = change.payments.some(
    (payment) => payment.surplusMinor > surplusRefundedOf(payment, change.refunds),
  );
  const isHeld = change.payments.some((payment) => isLive(payment) && payment.authorizedMinor > 0n);
  const isStuck =
    change.payments.some((payment) => isLive(payment) && payment.checkAt === null) ||
    change.refunds.some((refund) => isReserved(refund) && refund.checkAt === null);
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
    note: `Settled by itself: ${settled.join(', ')}.`,
  });
}
