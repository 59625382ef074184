import { after } from './clock.ts';
import type { OrderChange } from './order-change.ts';
import { isAbandoned, isLive } from './payment.ts';
import { needReview } from './review.ts';
import { nextCheckAt, waitingDelayMsMax } from './schedule.ts';

export const clockSkewMs = 2000;

/** Takes note that the outcome of a call is not known. Only a payment that is being submitted can become UNKNOWN. */
export function markUnknown(change: OrderChange, paymentId: string): void {
  if (change.payment(paymentId).status !== 'SUBMITTING') return;
  change.record('PAYMENT_UNKNOWN', { payment: { id: paymentId, status: 'UNKNOWN' } });
  restartChecks(change, paymentId);
}

/**
 * Plans the next question after a due one that brought nothing new; past the last, a person must look at what is still open. A question
 * out of turn, as of a buyer's page that asks again and again, uses up none of them.
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
      `${paymentId}: the provider was asked ${checkAttempts} times without a clear answer.`,
    );
  }
}

/** How long after it was given up, and how far apart at most, a link that still works is asked about. */
const linkDelayMsMin = 10_000;

/**
 * What was given up while its buyer holds a link that still works is asked about at growing distances until the link has run out, using up
 * none of the questions that come after. To be called after the next question was planned.
 */
export function watchLink(change: OrderChange, paymentId: string, payableUntil: Date): void {
  const payment = change.payment(paymentId);
  if (!isAbandoned(payment) || payableUntil <= change.at) return;
  const sinceMs = change.at.getTime() - (payment.evidenceReceivedAt ?? payment.updatedAt).getTime();
  const next = after(change.at, Math.min(Math.max(sinceMs, linkDelayMsMin), waitingDelayMsMax));
  const last = after(payableUntil, clockSkewMs);
  change.plan(paymentId, { checkAt: next < last ? next : last, checkAttempts: 0, leasedUntil: null });
}

/** Asks about a payment that was given up from the beginning: something has happened to it at its provider. */
export function restartAbandonedChecks(change: OrderChange, paymentId: string): void {
  if (isAbandoned(change.payment(paymentId))) restartChecks(change, paymentId);
}

/**
 * Plans the next try of a payment that its provider certainly was not told of, ever further apart, and no sooner than the provider wants.
 */
export function postponeSubmission(change: OrderChange, paymentId: string, retryAfterMs: number): void {
  const payment = change.payment(paymentId);
  const soonest = after(change.at, retryAfterMs);
  const planned = nextCheckAt(payment, payment.checkAttempts, change.at) ?? soonest;
  const checkAt = planned > soonest ? planned : soonest;
  change.plan(paymentId, { leasedUntil: null, checkAt, checkAttempts: payment.checkAttempts + 1 });
}

/** Begins the schedule of questions anew, as the payment's status wants it. */
export function restartChecks(change: OrderChange, paymentId: string): void {
  const checkAt = nextCheckAt(change.payment(paymentId), 0, change.at);
  change.plan(paymentId, { checkAt, checkAttempts: 0, leasedUntil: null });
}
