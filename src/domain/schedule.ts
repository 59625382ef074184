import { after } from './clock.ts';
import type { PaymentStatus } from './payment.ts';

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

/**
 * When the provider is asked next about a payment of this status after `attempts` questions that brought nothing new.
 * Null when there is nothing left to ask, or, for an unknown outcome, when asking went on long enough for a person to look.
 */
export function nextCheckAt(status: PaymentStatus, attempts: number, now: Date): Date | null {
  switch (status) {
    case 'SUBMITTING':
    case 'UNKNOWN':
    case 'CANCELING': {
      const delayMs = unknownDelaysMs[attempts];
      return delayMs === undefined ? null : after(now, delayMs);
    }
    case 'ACTION_REQUIRED':
    case 'PROCESSING':
      return after(now, waitingDelaysMs[attempts] ?? waitingDelayMsMax);
    case 'AUTHORIZED':
      return after(now, authorizedDelayMs);
    case 'SUCCEEDED':
    case 'CANCELED':
    case 'EXPIRED':
    case 'FAILED':
      return null;
  }
}
