import { captureModes, type LatePaymentPolicy } from '../../src/domain/order.ts';
import { Dice } from './dice.ts';
import { disturb, unitedAtTimes } from './disturbances.ts';
import type { OrderPlan, Schedule, Step, Weather } from './schedule.ts';
import { shortSecondsMax, storyOf } from './stories.ts';

const policies: readonly LatePaymentPolicy[] = ['ACCEPT', 'REFUND', 'REVIEW'];

/** Generates the schedule of a seed: the interleaved stories of several orders, with disturbances. */
export function scheduleOf(seed: number): Schedule {
  const dice = new Dice(seed, 'schedule');
  const isOfWallets = dice.hit(0.5);
  const orders = Array.from(
    {
      length: dice.weigh([
        [6, 1],
        [3, 2],
        [1, 3],
      ] as const),
    },
    () => (isOfWallets && dice.hit(0.85) ? planWalletOrder(dice) : planOrder(dice)),
  );
  const weather = weatherOf(dice);
  const stories = orders.map((plan, order) => storyOf(dice, order, plan));
  const steps = unitedAtTimes(dice, disturb(dice, interleave(dice, stories), orders));
  return { seed, latePaymentPolicy: dice.pick(policies), orders, weather, steps };
}

function planOrder(dice: Dice): OrderPlan {
  const currency = dice.weigh([
    [5, 'EUR'],
    [1, 'USD'],
    [1, 'JPY'],
    [1, 'KWD'],
    [1, 'ISK'],
    [1, 'CNY'],
  ] as const);
  const amountMinor = dice.weigh([
    [0.5, 10n], // below the provider's minimum
    [1, 200n],
    [4, 2500n],
    [2, 12_340n],
    [1, 999_990n],
  ] as const);
  const captureMode = dice.hit(0.45) ? captureModes[1] : captureModes[0];
  return { currency, amountMinor, captureMode, expiresInSeconds: lifeOf(dice), method: 'CARD' };
}

/** Alipay and WeChat Pay take only CNY and capture at once. */
function planWalletOrder(dice: Dice): OrderPlan {
  const amountMinor = dice.pick([1n, 200n, 2500n, 12_340n, 999_990n]);
  const method = dice.pick(['ALIPAY', 'WECHAT_PAY'] as const);
  return { currency: 'CNY', amountMinor, captureMode: 'AUTOMATIC', expiresInSeconds: lifeOf(dice), method };
}

/** Some lifetimes are short, and their stories are about expiry; the others must be longer than that. */
function lifeOf(dice: Dice): number {
  return dice.weigh([
    [1.5, 60],
    [1, shortSecondsMax],
    [3, 3600],
    [3, 86_400],
    [0.5, 604_800],
  ] as const);
}

function weatherOf(dice: Dice): Weather {
  return {
    dropsEveryCallback: dice.hit(0.12),
    failsEveryQuery: dice.hit(0.1),
    losesNotifications: dice.hit(0.25) ? 0.3 : 0,
    pauses: dice.hit(0.6) ? 0.3 : 0,
    decidesRefunds: dice.hit(0.95),
    timersAreLate: dice.hit(0.8),
  };
}

/** Interleaves the stories at random; the steps of each story keep their order. */
function interleave(dice: Dice, stories: readonly (readonly Step[])[]): Step[] {
  const rests = stories.map((story) => [...story]);
  const steps: Step[] = [];
  for (;;) {
    const going = rests.filter((rest) => rest.length > 0);
    if (going.length === 0) return steps;
    const next = dice.pick(going).shift();
    if (next !== undefined) steps.push(next);
  }
}
