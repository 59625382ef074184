import { after } from './clock.ts';
import type { Payment } from './payment.ts';
import type { RefundStatus } from './refund.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * The check schedule while the outcome is unknown: short intervals at first, then hourly for a day and daily for a week.
 * After the last check the order goes into review.
 */
export const unknownDelaysMs: readonly number[] = [
  ...[5 * second, 15 * second, 30 * second, minute, 2 * minute, 5 * minute, 10 * minute, 30 * minute, hour],
  ...Array.from({ length: 24 }, () => hour),
  ...Array.from({ length: 7 }, () => day),
];

/**
 * The check schedule while the buyer or the provider has to act, followed by `waitingDelayMsMax` without end. Callbacks
 * normally arrive first. The checks compensate for lost callbacks.
 */
export const waitingDelaysMs: readonly number[] = [
  ...[10 * second, 30 * second, minute, 2 * minute, 5 * minute, 10 * minute],
];
export const waitingDelayMsMax = 15 * minute;

/** The provider announces an expired authorization by callback. A daily check compensates for a lost callback. */
export const authorizedDelayMs = day;

/** Checks of a succeeded payment. They find later changes in the provider's console whose callbacks were lost. */
export const settledDelayMsMin = day;
const settledDelaysMs: readonly number[] = [settledDelayMsMin, 7 * day, 30 * day];
/** Checks of an abandoned payment. They find a buyer who paid anyway when the callback was lost. */
const abandonedDelaysMs: readonly number[] = [10 * minute, day, 7 * day];
/**
 * The check schedule of a pending refund, which can take weeks at the provider. After the last check the order goes into
 * review.
 */
const refundDelaysMs: readonly number[] = [
  ...waitingDelaysMs,
  ...Array.from({ length: 24 }, () => hour),
  ...Array.from({ length: 30 }, () => day),
];

/**
 * The time of the next check of a payment after `attempts` checks without a new result. Null after the last check of the
 * schedule. A payment whose outcome is still unknown then needs review.
 */
export function nextCheckAt(
  { status, captureMinor }: Pick<Payment, 'status' | 'captureMinor'>,
  attempts: number,
  now: Date,
): Date | null {
  switch (status) {
    case 'SUBMITTING':
    case 'UNKNOWN':
    case 'CANCELING':
      return nth(unknownDelaysMs, attempts, now);
    case 'ACTION_REQUIRED':
    case 'PROCESSING':
      return after(now, waitingDelaysMs[attempts] ?? waitingDelayMsMax);
    case 'AUTHORIZED':
      // A requested capture is never abandoned. After the schedule it is checked once a day, like the authorization.
      return after(now, (captureMinor === null ? undefined : unknownDelaysMs[attempts]) ?? authorizedDelayMs);
    case 'SUCCEEDED':
      return nth(settledDelaysMs, attempts, now);
    case 'CANCELED':
    case 'EXPIRED':
    case 'FAILED':
      return nth(abandonedDelaysMs, attempts, now);
  }
}

/** The time of the next check of a refund, as `nextCheckAt` for payments. Null for a refund that has ended. */
export function nextRefundCheckAt(status: RefundStatus, attempts: number, now: Date): Date | null {
  switch (status) {
    case 'UNKNOWN':
      return nth(unknownDelaysMs, attempts, now);
    case 'PENDING':
      return nth(refundDelaysMs, attempts, now);
    case 'SUCCEEDED':
    case 'FAILED':
      return null;
  }
}

function nth(delaysMs: readonly number[], attempts: number, now: Date): Date | null {
  const delayMs = delaysMs[attempts];
  return delayMs === undefined ? null : after(now, delayMs);
}
