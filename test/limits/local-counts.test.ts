import { afterEach, expect, test, vi } from 'vitest';
import { createLocalCounts } from '../../src/limits/local-counts.ts';

afterEach(() => void vi.useRealTimers());

test('a window that has ended counts nothing, also before its timer has run', () => {
  // The clock alone: a timer may be late, and a clock may be set forward.
  vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 });
  const counts = createLocalCounts(60_000);
  counts.add('owner');
  expect(counts.add('owner')).toEqual({ count: 2, msLeft: 60_000 });
  vi.setSystemTime(1_059_999);
  expect(counts.of('owner')).toEqual({ count: 2, msLeft: 1 });
  vi.setSystemTime(1_060_000);
  expect(counts.of('owner')).toEqual({ count: 0, msLeft: 0 });
  expect(counts.add('owner')).toEqual({ count: 1, msLeft: 60_000 });
});
