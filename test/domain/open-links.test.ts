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

/** A payment that was given up while its buyer holds a link that works until second 1800. */
function givenUp(): OrderStory {
  const story = new OrderStory().pay();
  story.report(aReport(firstId, 'ACTION_REQUIRED', 1, { providerPaymentId: null, nextAction: link(second(1800)) }));
  story.decide((change) => closePayment(change, firstId, 'CANCELED'));
  story.report(aReport(firstId, 'CANCELED', 2, { providerPaymentId: null, amountMinor: null, currency: null }));
  return story;
}

/** A due question that brought nothing new. Returns how long until the next one. */
function ask(story: OrderStory, payableUntil: Date): number {
  let waitMs = 0;
  story.decide((change) => {
    change.plan(firstId, { checkAt: change.at });
    postponeCheck(change, firstId);
    watchLink(change, firstId, payableUntil);
    waitMs = (change.payment(firstId).checkAt?.getTime() ?? 0) - change.at.getTime();
  });
  return waitMs;
}

/** The same, so many seconds into the story. */
function askAt(story: OrderStory, seconds: number, payableUntil: Date): number {
  story.passTo(seconds);
  return ask(story, payableUntil);
}

describe('a link that outlives its payment', () => {
  test('is watched at growing distances, ten seconds at first and a quarter of an hour at most, using up no other question', () => {
    const story = givenUp();
    expect(ask(story, second(100_000))).toBe(10_000);
    for (const seconds of [25, 60, 300]) {
      // Given up at second 2, by its provider's word.
      expect(askAt(story, seconds, second(100_000))).toBe((seconds - 2) * 1000);
    }
    expect(askAt(story, 5000, second(100_000))).toBe(waitingDelayMsMax);
    expect(story.payment().checkAttempts).toBe(0);
  });

  test('is asked about once more when it has run out, and from then on like any other that was given up', () => {
    const story = givenUp();
    expect(askAt(story, 50, second(60))).toBe(12_000);
    story.decide((change) => {
      change.plan(firstId, { checkAt: change.at });
      postponeCheck(change, firstId);
    });
    const { checkAt, checkAttempts } = story.payment();
    expect(checkAttempts).toBe(1);
    expect(checkAt?.getTime()).toBeGreaterThan(second(86_400).getTime());
  });

  test('that was opened, and closed at the provider, is asked about from the beginning', () => {
    const story = givenUp();
    for (let asked = 0; asked < 5; asked += 1) {
      story.decide((change) => {
        change.plan(firstId, { checkAt: change.at });
        postponeCheck(change, firstId);
      });
    }
    expect(story.payment().checkAt).toBeNull();
    story.decide((change) => restartAbandonedChecks(change, firstId));
    expect(story.payment()).toMatchObject({ checkAttempts: 0, checkAt: expect.any(Date) });
  });

  test('that has run out is not watched, nor is what is not given up', () => {
    const story = givenUp();
    const planned = story.payment().checkAt;
    story.decide((change) => watchLink(change, firstId, second(0)));
    expect(story.payment().checkAt).toEqual(planned);

    const live = new OrderStory().pay();
    live.report(aReport(firstId, 'ACTION_REQUIRED', 1, { nextAction: link(second(1800)) }));
    const { checkAt } = live.payment();
    live.decide((change) => watchLink(change, firstId, second(1800)));
    expect(live.payment().checkAt).toEqual(checkAt);
  });

  test('brings money after all, which is late', () => {
    const story = givenUp();
    story.report(aReport(firstId, 'SUCCEEDED', 30));
    expect(story.payment()).toMatchObject({ status: 'SUCCEEDED', late: true });
  });
});

describe('what the buyer acts by', () => {
  test.each<[string, NextAction | null, boolean]>([
    ['is lacking when it was never heard of', null, true],
    ['is lacking when it has run out', link(second(9)), true],
    ['is lacking from the very moment on', link(second(10)), true],
    ['is there before', link(second(11)), false],
    ['is there when it has no end', link(null), false],
    [
      'is there when its kind has no end',
      { kind: 'CONFIRM_CARD', clientSecret: 'pi_secret', publishableKey: 'pk' },
      false,
    ],
  ])('%s', (_what, nextAction, isLacking) => {
    expect(lacksAction({ status: 'ACTION_REQUIRED', nextAction }, second(10))).toBe(isLacking);
    expect(lacksAction({ status: 'SUCCEEDED', nextAction }, second(10))).toBe(false);
  });

  test('is renewed by the first report that brings another once it has run out, and makes no event', () => {
    const story = new OrderStory().pay();
    story.report(aReport(firstId, 'ACTION_REQUIRED', 1, { nextAction: link(second(1)) }));
    const fresh = link(second(1800));
    const events = story.eventsOf(() => story.report(aReport(firstId, 'ACTION_REQUIRED', 3, { nextAction: fresh })));
    expect(events).toEqual([]);
    expect(story.payment().nextAction).toEqual(fresh);
  });

  test('stays while it works, whatever else is offered', () => {
    const story = new OrderStory().pay();
    const first = link(second(900));
    story.report(aReport(firstId, 'ACTION_REQUIRED', 1, { nextAction: first }));
    story.report(aReport(firstId, 'ACTION_REQUIRED', 3, { nextAction: link(second(1800)) }));
    expect(story.payment().nextAction).toEqual(first);
  });
});

test('a callback of another app changes nothing but that a person is asked to look', () => {
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
