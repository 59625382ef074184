import { describe, expect, test } from 'vitest';
import { noteForeignReport } from '../../src/domain/apply-payment-report.ts';
import { closePayment } from '../../src/domain/order-lifecycle.ts';
import type { NextAction } from '../../src/domain/payment.ts';
import { lacksAction } from '../../src/domain/payment.ts';
import { postponeCheck, restartAbandonedChecks, watchLink } from '../../src/domain/payment-checks.ts';
import { waitingDelayMsMax } from '../../src/domain/schedule.ts';
import { aReport, firstId, OrderStory, second } from './order-story.ts';

const link = (expiresAt: Date | null): NextAction => ({
  kind: 'REDIRECT',
  url: 'https://pay.example/1',
  expiresAt: expiresAt?.toISOString() ?? null,
});

/** A payment that is abandoned at second 2 while the buyer's link works until second 1800. */
function abandoned(): OrderStory {
  const story = new OrderStory().pay();
  story.report(aReport(firstId, 'ACTION_REQUIRED', 1, { providerPaymentId: null, nextAction: link(second(1800)) }));
  story.decide((change) => closePayment(change, firstId, 'CANCELED'));
  story.report(aReport(firstId, 'CANCELED', 2, { providerPaymentId: null, amountMinor: null, currency: null }));
  return story;
}

/** Runs a due check without a new result. Returns the time until the next check in milliseconds. */
function runCheck(story: OrderStory, payableUntil: Date): number {
  let waitMs = 0;
  story.decide((change) => {
    change.plan(firstId, { checkAt: change.at });
    postponeCheck(change, firstId);
    watchLink(change, firstId, payableUntil);
    waitMs = (change.payment(firstId).checkAt?.getTime() ?? 0) - change.at.getTime();
  });
  return waitMs;
}

/** Runs such a check at a given second of the story. */
function runCheckAt(story: OrderStory, seconds: number, payableUntil: Date): number {
  story.passTo(seconds);
  return runCheck(story, payableUntil);
}

describe('a link that outlives its payment', () => {
  test('is checked at intervals from ten seconds to fifteen minutes without advancing the regular schedule', () => {
    const story = abandoned();
    expect(runCheck(story, second(100_000))).toBe(10_000);
    for (const seconds of [25, 60, 300]) {
      // Abandoned at second 2 according to the provider.
      expect(runCheckAt(story, seconds, second(100_000))).toBe((seconds - 2) * 1000);
    }
    expect(runCheckAt(story, 5000, second(100_000))).toBe(waitingDelayMsMax);
    expect(story.payment().checkAttempts).toBe(0);
  });

  test('is checked once more after its expiry, and then by the schedule of abandoned payments', () => {
    const story = abandoned();
    expect(runCheckAt(story, 50, second(60))).toBe(12_000);
    story.decide((change) => {
      change.plan(firstId, { checkAt: change.at });
      postponeCheck(change, firstId);
    });
    const { checkAt, checkAttempts } = story.payment();
    expect(checkAttempts).toBe(1);
    expect(checkAt?.getTime()).toBeGreaterThan(second(86_400).getTime());
  });

  test('restarts the check schedule when it was opened and closed at the provider', () => {
    const story = abandoned();
    for (let checks = 0; checks < 5; checks += 1) {
      story.decide((change) => {
        change.plan(firstId, { checkAt: change.at });
        postponeCheck(change, firstId);
      });
    }
    expect(story.payment().checkAt).toBeNull();
    story.decide((change) => restartAbandonedChecks(change, firstId));
    expect(story.payment()).toMatchObject({ checkAttempts: 0, checkAt: expect.any(Date) });
  });

  test('causes no additional checks after its expiry or for a live payment', () => {
    const story = abandoned();
    const planned = story.payment().checkAt;
    story.decide((change) => watchLink(change, firstId, second(0)));
    expect(story.payment().checkAt).toEqual(planned);

    const live = new OrderStory().pay();
    live.report(aReport(firstId, 'ACTION_REQUIRED', 1, { nextAction: link(second(1800)) }));
    const { checkAt } = live.payment();
    live.decide((change) => watchLink(change, firstId, second(1800)));
    expect(live.payment().checkAt).toEqual(checkAt);
  });

  test('can still bring money, which is late', () => {
    const story = abandoned();
    story.report(aReport(firstId, 'SUCCEEDED', 30));
    expect(story.payment()).toMatchObject({ status: 'SUCCEEDED', late: true });
  });
});

describe('the next action', () => {
  test.each<[string, NextAction | null, boolean]>([
    ['is missing when none was reported', null, true],
    ['is missing after its expiry', link(second(9)), true],
    ['is missing at its expiry', link(second(10)), true],
    ['is present before its expiry', link(second(11)), false],
    ['is present when it has no expiry', link(null), false],
    [
      'is present when its kind has no expiry',
      { kind: 'CONFIRM_CARD', clientSecret: 'pi_secret', publishableKey: 'pk' },
      false,
    ],
  ])('%s', (_what, nextAction, isLacking) => {
    expect(lacksAction({ status: 'ACTION_REQUIRED', nextAction }, second(10))).toBe(isLacking);
    expect(lacksAction({ status: 'SUCCEEDED', nextAction }, second(10))).toBe(false);
  });

  test('is replaced after its expiry by the next reported one, without an event', () => {
    const story = new OrderStory().pay();
    story.report(aReport(firstId, 'ACTION_REQUIRED', 1, { nextAction: link(second(1)) }));
    const fresh = link(second(1800));
    const events = story.eventsOf(() => story.report(aReport(firstId, 'ACTION_REQUIRED', 3, { nextAction: fresh })));
    expect(events).toEqual([]);
    expect(story.payment().nextAction).toEqual(fresh);
  });

  test('is not replaced before its expiry', () => {
    const story = new OrderStory().pay();
    const first = link(second(900));
    story.report(aReport(firstId, 'ACTION_REQUIRED', 1, { nextAction: first }));
    story.report(aReport(firstId, 'ACTION_REQUIRED', 3, { nextAction: link(second(1800)) }));
    expect(story.payment().nextAction).toEqual(first);
  });
});

test('a callback of another app puts the order in review and changes nothing else', () => {
  const story = new OrderStory().pay();
  story.report(aReport(firstId, 'ACTION_REQUIRED', 1));
  const before = story.payment();
  const events = story.eventsOf(() =>
    expect(story.decide((change) => noteForeignReport(change, firstId, 'reported for app 1.'))).toEqual({
      ...{ effect: 'refused', reason: 'mismatch' },
    }),
  );
  expect(events).toEqual(['ORDER_REVIEW_NEEDED']);
  expect(story.order.reviewReasons).toEqual(['AMOUNT_MISMATCH']);
  expect(story.payment()).toEqual(before);
});
