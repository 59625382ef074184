import { after } from './clock.ts';
import type { Payment } from './payment.ts';
import type { RefundStatus } from './refund.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** While the outcome is unknown: quickly at first, hourly for a day, daily for a week, then a person must look. */
export const unknownDelaysMs: readonly number[] = [
  ...[5 * second, 15 * second, 30 * second, minute, 2 * minute, 5 * minute, 10 * minute, 30 * minute, hour],
  ...Array.from({ length: 24 }, () => hour),
  ...Array.from({ length: 7 }, () => day),
];

/** While the buyer or the provider is at work: callbacks normally come first, so this only catches the lost ones. */
export const waitingDelaysMs: readonly number[] = [
  ...[10 * second, 30 * second, minute, 2 * minute, 5 * minute, 10 * minute],
];
export const waitingDelayMsMax = 15 * minute;

/** An authorization that lapses is announced by callback; asking once a day catches a lost one. */
export const authorizedDelayMs = day;

/** Of money that has moved: asked again for what may happen to it later in the provider's console, should its callback be lost. */
export const settledDelayMsMin = day;
const settledDelaysMs: readonly number[] = [settledDelayMsMin, 7 * day, 30 * day];
/** Of a payment that was given up: asked again in case the buyer was faster after all, and the callback was lost. */
const abandonedDelaysMs: readonly number[] = [10 * minute, day, 7 * day];
/** While the provider sends money back, which may take weeks; then a person must look. */
const refundDelaysMs: readonly number[] = [
  ...waitingDelaysMs,
  ...Array.from({ length: 24 }, () => hour),
  ...Array.from({ length: 30 }, () => day),
];

/**
 * When the provider is asked next about a payment after `attempts` questions that brought nothing new. Null when there is nothing left
 * to ask, or, for an unknown outcome, when asking went on long enough for a person to look.
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
      // Nobody gives up on a capture that was asked for; past the quick questions it is asked once a day with the authorization.
      return after(now, (captureMinor === null ? undefined : unknownDelaysMs[attempts]) ?? authorizedDelayMs);
    case 'SUCCEEDED':
      return nth(settledDelaysMs, attempts, now);
    case 'CANCELED':
    case 'EXPIRED':
    case 'FAILED':
      return nth(abandonedDelaysMs, attempts, now);
  }
}

/** The same for a refund. */
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
