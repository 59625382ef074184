import { expect, test } from 'vitest';
import { createCallbackLane } from '../../src/http/callback-lane.ts';
import { createRateLimiter } from '../../src/limits/rate-limiter.ts';

const log = { info() {}, warn() {}, error() {} };
/** One at a time; the next one in hours. */
const limit = { perSecond: 0.001, burst: 1 };
const openLane = () => createCallbackLane(createRateLimiter({ name: 'test', limit, redis: null, log }));

test('an address whose callbacks are refused waits', async () => {
  const lane = openLane();
  for (let refused = 0; refused < 3; refused += 1) await lane.refused('198.51.100.1');
  expect(await lane.waitMsOf('198.51.100.1')).toBeGreaterThan(1000);
  expect(await lane.waitMsOf('198.51.100.2')).toBeNull();
});

test('a provider never waits, however many callbacks are refused beside its own', async () => {
  const lane = openLane();
  lane.accepted('198.51.100.1');
  for (let refused = 0; refused < 1000; refused += 1) await lane.refused('198.51.100.1');
  expect(await lane.waitMsOf('198.51.100.1')).toBeNull();
});

test('a provider that sends a genuine callback at last does not wait any more', async () => {
  const lane = openLane();
  for (let refused = 0; refused < 3; refused += 1) await lane.refused('198.51.100.1');
  lane.accepted('198.51.100.1');
  expect(await lane.waitMsOf('198.51.100.1')).toBeNull();
});
