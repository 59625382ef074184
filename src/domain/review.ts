import type { ReviewReason } from './order.ts';
import { surplusRefundedOf } from './order.ts';
import type { OrderChange } from './order-change.ts';

/** Says that a person should look at the order, once for each reason. */
export function needReview(change: OrderChange, reason: ReviewReason, note: string): void {
  const { reviewReasons } = change.order;
  if (reviewReasons.includes(reason)) return;
  change.record('ORDER_REVIEW_NEEDED', { order: { reviewReasons: [...reviewReasons, reason] }, note });
}

/** Takes back what nobody has to look at any more, because the money has gone back by itself. */
export function settleReviews(change: OrderChange): void {
  const { status, capturedMinor, refundedMinor, reviewReasons } = change.order;
  const isSurplusLeft = change.payments.some(
    (payment) => payment.surplusMinor > surplusRefundedOf(payment, change.refunds),
  );
  const isClosedAndEmpty = (status === 'CANCELED' || status === 'EXPIRED') && capturedMinor === refundedMinor;
  const settled = reviewReasons.filter(
    (reason) => (reason === 'SURPLUS' && !isSurplusLeft) || (reason === 'LATE_PAYMENT' && isClosedAndEmpty),
  );
  if (settled.length === 0) return;
  change.record('ORDER_REVIEW_RESOLVED', {
    order: { reviewReasons: reviewReasons.filter((reason) => !settled.includes(reason)) },
    note: 'The money has gone back to the buyer.',
  });
}
