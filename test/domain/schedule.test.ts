import { expect, test } from 'vitest';
import type { PaymentStatus } from '../../src/domain/payment.ts';
import { nextCheckAt, unknownDelaysMs } from '../../src/domain/schedule.ts';

const now = new Date('2026-11-23T12:00:00.000Z');
const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

function delaysOf(status: PaymentStatus, attemptsMax = 1000): number[] {
  const delays: number[] = [];
  for (let attempts = 0; attempts < attemptsMax; attempts += 1) {
    const at = nextCheckAt(status, attempts, now);
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
    expect(nextCheckAt(status, unknownDelaysMs.length, now)).toBeNull();
    expect(nextCheckAt(status, 1_000_000, now)).toBeNull();
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

test.each<PaymentStatus>(['SUCCEEDED', 'CANCELED', 'EXPIRED', 'FAILED'])(
  'about a %s payment there is nothing left to ask',
  (status) => {
    expect(nextCheckAt(status, 0, now)).toBeNull();
  },
);
