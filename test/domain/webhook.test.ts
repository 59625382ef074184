import fc from 'fast-check';
import { expect, test } from 'vitest';
import { after } from '../../src/domain/clock.ts';
import {
  afterFailure,
  type FailedAttempt,
  failuresUntilDown,
  type WebhookRecord,
  webhookPatienceMs,
} from '../../src/domain/webhook.ts';

const start = new Date('2030-01-01T00:00:00.000Z');
const hourMs = 3_600_000;
const healthy: WebhookRecord = { failures: 0, failingSince: null };

function attemptAt(at: Date, attempts: number, change: Partial<FailedAttempt> = {}): FailedAttempt {
  return { at, responseStatus: 500, retryAfterMs: 0, attempts, firstAttemptAt: start, ...change };
}

test('a message is retried at growing distances for three days, and then its endpoint is paused', () => {
  let record: WebhookRecord = healthy;
  let at = start;
  const distances: number[] = [];
  for (let attempts = 1; ; attempts += 1) {
    const effect = afterFailure(record, attemptAt(at, attempts), 0.5);
    if (effect.pause !== null) {
      expect(effect.pause).toBe('FAILING');
      expect(effect.status).toBe('PENDING');
      break;
    }
    const next = effect.nextAttemptAt ?? at;
    distances.push(next.getTime() - at.getTime());
    record = effect;
    at = next;
  }
  expect(distances).toEqual([...distances].sort((a, b) => a - b));
  expect(distances[0]).toBeLessThanOrEqual(10_000);
  expect(distances.length).toBeGreaterThan(12);
  const tookMs = at.getTime() - start.getTime();
  expect(tookMs).toBeGreaterThanOrEqual(webhookPatienceMs);
  expect(tookMs).toBeLessThan(webhookPatienceMs + 8 * hourMs);
});

test('a message that fails while its endpoint takes others is given up after three days, and the endpoint goes on', () => {
  const at = after(start, webhookPatienceMs);
  const effect = afterFailure(healthy, attemptAt(at, 20), 0.5); // healthy: another message was delivered just before
  expect(effect).toMatchObject({ status: 'FAILED', nextAttemptAt: null, pause: null, retryAt: null });
});

test('one message that cannot be taken does not count as an endpoint that is down', () => {
  let record: WebhookRecord = healthy;
  for (let attempts = 1; attempts <= 10; attempts += 1) {
    const effect = afterFailure(
      record,
      attemptAt(after(start, attempts * hourMs), attempts, { firstAttemptAt: after(start, hourMs) }),
      0.5,
    );
    expect(effect.retryAt).toBeNull();
    record = effect;
  }
});

test('many messages that fail in a row mean that the endpoint is down: it gets one at a time, ever more rarely', () => {
  let record: WebhookRecord = healthy;
  for (let count = 1; count < failuresUntilDown; count += 1) {
    const effect = afterFailure(record, attemptAt(start, 1), 0.5);
    expect(effect.retryAt).toBeNull();
    record = effect;
  }
  const waits = [0, 1, 2, 12, 48].map((hours) => {
    const at = after(start, hours * hourMs);
    return (afterFailure(record, attemptAt(at, 1, { firstAttemptAt: at }), 0.5).retryAt?.getTime() ?? 0) - at.getTime();
  });
  expect(waits).toEqual([5000, hourMs / 2, hourMs, hourMs, hourMs]);
});

test('410 pauses at once, and Retry-After is heeded, at most for an hour', () => {
  expect(afterFailure(healthy, attemptAt(start, 1, { responseStatus: 410 }), 0.5)).toMatchObject({
    pause: 'GONE',
    status: 'PENDING',
  });
  const asked = afterFailure(healthy, attemptAt(start, 1, { responseStatus: 503, retryAfterMs: 120_000 }), 0.5);
  expect([asked.nextAttemptAt, asked.retryAt]).toEqual([after(start, 120_000), after(start, 120_000)]);
  const tooLong = afterFailure(healthy, attemptAt(start, 1, { retryAfterMs: 999_999_000 }), 0.5);
  expect(tooLong.retryAt).toEqual(after(start, hourMs));
});

test('whatever fails, a message is PENDING with a time, or FAILED after three days, and the next attempt is later', () => {
  fc.assert(
    fc.property(
      fc.record({
        failures: fc.nat(20),
        sinceMs: fc.option(fc.nat(webhookPatienceMs * 2)),
        firstMs: fc.nat(webhookPatienceMs * 2),
        attempts: fc.integer({ min: 1, max: 100 }),
        responseStatus: fc.option(fc.integer({ min: 300, max: 599 })),
        retryAfterMs: fc.nat(10 * hourMs),
        chance: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      ({ failures, sinceMs, firstMs, attempts, responseStatus, retryAfterMs, chance }) => {
        const record = { failures, failingSince: sinceMs === null ? null : after(start, -sinceMs) };
        const attempt = { at: start, responseStatus, retryAfterMs, attempts, firstAttemptAt: after(start, -firstMs) };
        const effect = afterFailure(record, attempt, chance);
        if (effect.status === 'FAILED') {
          expect(firstMs).toBeGreaterThanOrEqual(webhookPatienceMs);
          expect(effect.nextAttemptAt).toBeNull();
        } else expect(effect.nextAttemptAt?.getTime()).toBeGreaterThan(start.getTime());
        expect(effect.retryAt === null || effect.retryAt > start).toBe(true);
        expect(effect.failingSince <= start).toBe(true);
      },
    ),
  );
});
