import { expect, test } from 'vitest';
import type { PaymentStatus } from '../../src/domain/payment.ts';
import type { RefundStatus } from '../../src/domain/refund.ts';
import { nextCheckAt, nextRefundCheckAt, unknownDelaysMs } from '../../src/domain/schedule.ts';

const now = new Date('2026-11-23T12:00:00.000Z');
const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

const delaysOf = (status: PaymentStatus, captureMinor: bigint | null = null) =>
  delaysUntilNull((attempts) => nextCheckAt({ status, captureMinor }, attempts, now));
const refundDelaysOf = (status: RefundStatus) =>
  delaysUntilNull((attempts) => nextRefundCheckAt(status, attempts, now));

function delaysUntilNull(next: (attempts: number) => Date | null, attemptsMax = 1000): number[] {
  const delays: number[] = [];
  for (let attempts = 0; attempts < attemptsMax; attempts += 1) {
    const at = next(attempts);
    if (at === null) break;
    delays.push((at.getTime() - now.getTime()) / 1000);
  }
  return delays;
}

test.each<PaymentStatus>(['SUBMITTING', 'UNKNOWN', 'CANCELING'])(
  'a %s payment is checked at growing intervals, hourly for a day and daily for a week, and then no longer',
  (status) => {
    expect(delaysOf(status)).toEqual([
      ...[5, 15, 30, minute, 2 * minute, 5 * minute, 10 * minute, 30 * minute, hour],
      ...Array.from({ length: 24 }, () => hour),
      ...Array.from({ length: 7 }, () => day),
    ]);
    expect(nextCheckAt({ status, captureMinor: null }, unknownDelaysMs.length, now)).toBeNull();
    expect(nextCheckAt({ status, captureMinor: null }, 1_000_000, now)).toBeNull();
  },
);

test.each<PaymentStatus>(['ACTION_REQUIRED', 'PROCESSING'])(
  'a %s payment is checked without end at intervals of up to fifteen minutes',
  (status) => {
    const delays = delaysOf(status);
    expect(delays).toHaveLength(1000);
    expect(delays.slice(0, 7)).toEqual([10, 30, minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute]);
    expect(new Set(delays.slice(6))).toEqual(new Set([15 * minute]));
  },
);

test('an authorization is checked once a day', () => {
  expect(new Set(delaysOf('AUTHORIZED'))).toEqual(new Set([day]));
});

test('an authorization with a requested capture is checked at short intervals first and never abandoned', () => {
  const delays = delaysOf('AUTHORIZED', 100n);
  expect(delays.slice(0, 9)).toEqual([5, 15, 30, minute, 2 * minute, 5 * minute, 10 * minute, 30 * minute, hour]);
  expect(delays).toHaveLength(1000);
  expect(delays.at(-1)).toBe(day);
});

test('a succeeded payment is checked three more times, for refunds made in the provider’s console', () => {
  expect(delaysOf('SUCCEEDED')).toEqual([day, 7 * day, 30 * day]);
});

test.each<PaymentStatus>(['CANCELED', 'EXPIRED', 'FAILED'])(
  'a %s payment is checked three more times, in case the buyer paid anyway',
  (status) => {
    expect(delaysOf(status)).toEqual([10 * minute, day, 7 * day]);
  },
);

test('a refund whose outcome is unknown has the check schedule of such a payment', () => {
  expect(refundDelaysOf('UNKNOWN')).toEqual(delaysOf('UNKNOWN'));
});

test('a pending refund is checked for a month', () => {
  const delays = refundDelaysOf('PENDING');
  expect(delays.slice(0, 7)).toEqual([10, 30, minute, 2 * minute, 5 * minute, 10 * minute, hour]);
  expect(delays.slice(-30)).toEqual(Array.from({ length: 30 }, () => day));
});

test.each<RefundStatus>(['SUCCEEDED', 'FAILED'])('a %s refund is not checked', (status) => {
  expect(refundDelaysOf(status)).toEqual([]);
});
