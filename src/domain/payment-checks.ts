import { after } from './clock.ts';
import type { OrderChange } from './order-change.ts';
import { isAbandoned, isLive } from './payment.ts';
import { isUnderWay } from './refund.ts';
import { needReview } from './review.ts';
import { nextCheckAt, waitingDelayMsMax } from './schedule.ts';

/** The provider's clock may differ from ours by this much. */
export const clockSkewMs = 2000;

/** Records that the outcome of a call is unknown. Has an effect only on a SUBMITTING payment. */
export function markUnknown(change: OrderChange, paymentId: string): void {
  if (change.payment(paymentId).status !== 'SUBMITTING') return;
  change.record('PAYMENT_UNKNOWN', { payment: { id: paymentId, status: 'UNKNOWN' } });
  restartChecks(change, paymentId);
}

/**
 * Plans the next check after a due check without a new result. After the last check of the schedule, a payment that is
 * still live goes into review. A check before its time, such as the polling of a buyer's page, does not advance the
 * schedule.
 */
export function postponeCheck(change: OrderChange, paymentId: string): void {
  const payment = change.payment(paymentId);
  if (payment.checkAt !== null && payment.checkAt > change.at) return;
  const checkAttempts = payment.checkAttempts + 1;
  const checkAt = nextCheckAt(payment, checkAttempts, change.at);
  change.plan(paymentId, { checkAt, checkAttempts, leasedUntil: null });
  if (checkAt === null && isLive(payment)) {
    needReview(
      change,
      'STUCK_UNKNOWN',
      `${paymentId}: the outcome is still unknown after ${checkAttempts} queries to the provider.`,
    );
  }
}

/**
 * Brings the next check forward to `at`, or plans one. The few checks of a payment that has ended are not used up by it: the check after it is the one
 * that the schedule has next.
 */
export function checkSoon(change: OrderChange, paymentId: string, at: Date): void {
  const payment = change.payment(paymentId);
  if (payment.checkAt !== null && payment.checkAt <= at) return;
  // It may become -1, which is the check before the first one of the schedule.
  const checkAttempts = isLive(payment) ? payment.checkAttempts : Math.max(payment.checkAttempts - 1, -1);
  change.plan(paymentId, { checkAt: at, checkAttempts });
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
  checkSoon(change, paymentId, soon);
  for (const refund of change.refunds) {
    const isLater = refund.checkAt === null || refund.checkAt > soon;
    if (refund.paymentId === paymentId && isUnderWay(refund) && isLater) {
      change.planRefund(refund.id, { checkAt: soon });
    }
  }
}

/** The shortest interval between two checks of an abandoned payment whose link still works. */
const linkDelayMsMin = 10_000;

/**
 * Plans more checks of an abandoned payment while the buyer's link still works, because the buyer can still pay. The
 * interval equals the time since the payment was abandoned, between `linkDelayMsMin` and `waitingDelayMsMax`. The last of
 * these checks runs when the link has expired. They do not advance the regular schedule.
 *
 * Call it after the next regular check is planned.
 */
export function watchLink(change: OrderChange, paymentId: string, payableUntil: Date): void {
  const payment = change.payment(paymentId);
  if (!isAbandoned(payment) || payableUntil <= change.at) return;
  const sinceMs = change.at.getTime() - (payment.evidenceReceivedAt ?? payment.updatedAt).getTime();
  const next = after(change.at, Math.min(Math.max(sinceMs, linkDelayMsMin), waitingDelayMsMax));
  const last = after(payableUntil, clockSkewMs);
  change.plan(paymentId, { checkAt: next < last ? next : last, checkAttempts: 0, leasedUntil: null });
}

/** Restarts the check schedule of an abandoned payment, because its state at the provider has changed. */
export function restartAbandonedChecks(change: OrderChange, paymentId: string): void {
  if (isAbandoned(change.payment(paymentId))) restartChecks(change, paymentId);
}

/**
 * Plans the next attempt to submit a payment that the provider certainly did not receive. The intervals grow and are
 * never shorter than `retryAfterMs`, which the provider requests.
 */
export function postponeSubmission(change: OrderChange, paymentId: string, retryAfterMs: number): void {
  const payment = change.payment(paymentId);
  const soonest = after(change.at, retryAfterMs);
  const planned = nextCheckAt(payment, payment.checkAttempts, change.at) ?? soonest;
  const checkAt = planned > soonest ? planned : soonest;
  change.plan(paymentId, { leasedUntil: null, checkAt, checkAttempts: payment.checkAttempts + 1 });
}

/** Restarts the check schedule that belongs to the payment's status. */
export function restartChecks(change: OrderChange, paymentId: string): void {
  const checkAt = nextCheckAt(change.payment(paymentId), 0, change.at);
  change.plan(paymentId, { checkAt, checkAttempts: 0, leasedUntil: null });
}
