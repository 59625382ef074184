import { untilSettled } from '../support/settled.ts';
import { Dice } from './dice.ts';
import { readDue } from './rows.ts';
import type { Scene } from './scene.ts';
import type { World } from './world.ts';

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** The last regular query comes 38 days after money moved; later ones only watch settled payments. */
const horizonMs = 50 * dayMs;
/** The maximum number of timer rounds at one instant: beyond it, a task reschedules itself forever. */
const roundsMax = 40;
const stopsMax = 400;

/** The minimum time jump, by the time without activity: for late timers, and for punctual ones. */
const jumpsMs: readonly (readonly [sinceMs: number, lateMs: number, onTimeMs: number])[] = [
  [2 * minuteMs, 10 * secondMs, 0],
  [hourMs, 5 * minuteMs, 0],
  [dayMs, 4 * hourMs, hourMs],
  [horizonMs, 2 * dayMs, dayMs],
];

/** Jumps from timer to timer, without new actions, until none is due. Yields a description after each jump. */
export async function* becomeQuiet(scene: Scene): AsyncGenerator<string> {
  const { world, pool, merchantId, schedule } = scene;
  const dice = new Dice(schedule.seed, 'quiet');
  const beganMs = world.now().getTime();
  await finishAtProvider(scene, dice);
  await world.pass(0);
  for (let stop = 0; stop < stopsMax; stop += 1) {
    // An open transaction of another database of the cluster holds events back from webhooks, and no virtual time makes it end.
    await untilSettled(pool);
    for (let round = 0; ; round += 1) {
      const taken = await world.node(dice.int(0, world.slots - 1)).sweep();
      if (taken === 0) break;
      yield `quiet at ${world.now().toISOString()}`;
      if (round === roundsMax) throw new Error(`The timers do not come to rest at ${world.now().toISOString()}.`);
    }
    const nowMs = world.now().getTime();
    const due = await readDue(pool, merchantId);
    if (due === null || due.getTime() - beganMs > horizonMs) {
      // Our side has no more timers; a planned step of the provider may still cause work.
      if (nowMs - beganMs >= horizonMs) return;
      await world.pass(beganMs + horizonMs - nowMs);
      continue;
    }
    const [, lateMs, onTimeMs] = jumpsMs.find(([sinceMs]) => nowMs - beganMs < sinceMs) ?? [0, 0, 0];
    await world.pass(Math.max(due.getTime() - nowMs, schedule.weather.timersAreLate ? lateMs : onTimeMs, 1));
  }
  throw new Error('It does not become quiet: timers are due again and again.');
}

/** Decides the objects that wait for someone in the provider's console. */
async function finishAtProvider({ world, schedule }: Scene, dice: Dice): Promise<void> {
  const { stripe, alipay, wechatpay } = world.sandbox.ledger();
  for (const { id, status } of stripe.paymentIntents) {
    if (status !== 'processing') continue;
    const outcome = dice.hit(0.7) ? 'succeeded' : 'failed';
    await world.sandbox.control(`/control/stripe/payment_intents/${id}/finish`, { outcome });
  }
  for (const { out_trade_no: id, trade_state: state } of wechatpay?.transactions ?? []) {
    if (state !== 'USERPAYING') continue;
    if (dice.hit(0.7)) await world.sandbox.control(`/control/wechatpay/transactions/${id}/succeed`);
    else await world.sandbox.control(`/control/wechatpay/buyer/${id}`, { action: 'decline' });
  }
  await tellAgain(world);
  if (!schedule.weather.decidesRefunds) return;
  for (const { id, status } of stripe.refunds) {
    if (status !== 'pending') continue;
    await world.sandbox.control(`/control/stripe/refunds/${id}/${dice.hit(0.7) ? 'succeed' : 'fail'}`);
  }
  for (const { outRequestNo, status } of alipay?.refunds ?? []) {
    if (status !== 'pending') continue;
    await world.sandbox.control(`/control/alipay/refunds/${outRequestNo}/${dice.hit(0.7) ? 'succeed' : 'fail'}`);
  }
  for (const { outRefundNo, status } of wechatpay?.refunds ?? []) {
    if (status !== 'PROCESSING' && status !== 'ABNORMAL') continue;
    const act = dice.hit(0.6) ? 'succeed' : status === 'PROCESSING' && dice.hit(0.5) ? 'fail' : 'close';
    await world.sandbox.control(`/control/wechatpay/refunds/${outRefundNo}/${act}`);
  }
}

/**
 * A console refund at Alipay or WeChat Pay is known only by its callback, because they list no refunds. If that callback is lost, only the bill
 * shows the refund, and these schedules have no bills: the provider's support sends the callback again here.
 */
async function tellAgain(world: World): Promise<void> {
  if (!world.tellsByCallback) return;
  for (const { id, provider, type, state } of await world.callbacksAtSandbox()) {
    const isOfRefund = provider !== 'stripe' && /refund/i.test(type);
    const isUnsubmitted = state === 'dropped' || state === 'gave_up';
    if (isOfRefund && isUnsubmitted) await world.sandbox.control(`/control/deliveries/${id}/redeliver`);
  }
}
