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
  'about a %s payment the provider is asked at growing distances, hourly for a day, daily for a week, then no more',
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
  'about a %s payment the provider is asked for as long as it takes, at most a quarter of an hour apart',
  (status) => {
    const delays = delaysOf(status);
    expect(delays).toHaveLength(1000);
    expect(delays.slice(0, 7)).toEqual([10, 30, minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute]);
    expect(new Set(delays.slice(6))).toEqual(new Set([15 * minute]));
  },
);

test('about an authorization the provider is asked once a day', () => {
  expect(new Set(delaysOf('AUTHORIZED'))).toEqual(new Set([day]));
});

test('about an authorization that is to be captured the provider is asked quickly at first, and never given up', () => {
  const delays = delaysOf('AUTHORIZED', 100n);
  expect(delays.slice(0, 9)).toEqual([5, 15, 30, minute, 2 * minute, 5 * minute, 10 * minute, 30 * minute, hour]);
  expect(delays).toHaveLength(1000);
  expect(delays.at(-1)).toBe(day);
});

test('about a payment that succeeded the provider is asked three times more, for refunds made in its console', () => {
  expect(delaysOf('SUCCEEDED')).toEqual([day, 7 * day, 30 * day]);
});

test.each<PaymentStatus>(['CANCELED', 'EXPIRED', 'FAILED'])(
  'about a %s payment the provider is asked three times more, in case the buyer was faster',
  (status) => {
    expect(delaysOf(status)).toEqual([10 * minute, day, 7 * day]);
  },
);

test('about a refund of unknown outcome the provider is asked as about such a payment', () => {
  expect(refundDelaysOf('UNKNOWN')).toEqual(delaysOf('UNKNOWN'));
});

test('about a pending refund the provider is asked for a month', () => {
  const delays = refundDelaysOf('PENDING');
  expect(delays.slice(0, 7)).toEqual([10, 30, minute, 2 * minute, 5 * minute, 10 * minute, hour]);
  expect(delays.slice(-30)).toEqual(Array.from({ length: 30 }, () => day));
});

test.each<RefundStatus>(['SUCCEEDED', 'FAILED'])('about a %s refund there is nothing left to ask', (status) => {
  expect(refundDelaysOf(status)).toEqual([]);
});
