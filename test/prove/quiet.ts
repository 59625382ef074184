import { Dice } from './dice.ts';
import { readDue } from './rows.ts';
import type { Scene } from './scene.ts';
import type { World } from './world.ts';

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** The last question of ours comes 38 days after money has moved; whatever is planned beyond is a watch over what is settled. */
const horizonMs = 50 * dayMs;
/** Rounds of timers at one instant: when they never come to rest, something asks for itself again and again. */
const roundsMax = 40;
const stopsMax = 400;

/** How far time jumps at least, by how long it has been quiet: when timers are late, and when they come on time, as long as it matters. */
const jumpsMs: readonly (readonly [sinceMs: number, lateMs: number, onTimeMs: number])[] = [
  [2 * minuteMs, 10 * secondMs, 0],
  [hourMs, 5 * minuteMs, 0],
  [dayMs, 4 * hourMs, hourMs],
  [horizonMs, 2 * dayMs, dayMs],
];

/** Nobody does anything new: time jumps from timer to timer until none is due. Yields after each jump, in words. */
export async function* becomeQuiet(scene: Scene): AsyncGenerator<string> {
  const { world, pool, merchantId, schedule } = scene;
  const dice = new Dice(schedule.seed, 'quiet');
  const beganMs = world.now().getTime();
  await finishAtProvider(scene, dice);
  await world.pass(0);
  for (let stop = 0; stop < stopsMax; stop += 1) {
    for (let round = 0; ; round += 1) {
      const taken = await world.node(dice.int(0, world.slots - 1)).sweep();
      if (taken === 0) break;
      yield `quiet at ${world.now().toISOString()}`;
      if (round === roundsMax) throw new Error(`The timers do not come to rest at ${world.now().toISOString()}.`);
    }
    const nowMs = world.now().getTime();
    const due = await readDue(pool, merchantId);
    if (due === null || due.getTime() - beganMs > horizonMs) {
      // Nothing of ours is to come; what the provider has still planned may be news.
      if (nowMs - beganMs >= horizonMs) return;
      await world.pass(beganMs + horizonMs - nowMs);
      continue;
    }
    const [, lateMs, onTimeMs] = jumpsMs.find(([sinceMs]) => nowMs - beganMs < sinceMs) ?? [0, 0, 0];
    await world.pass(Math.max(due.getTime() - nowMs, schedule.weather.timersAreLate ? lateMs : onTimeMs, 1));
  }
  throw new Error('It does not become quiet: timers are due again and again.');
}

/** What only waits for somebody in the provider's console is decided there. */
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
 * Of a refund that was made in the console of Alipay or WeChat Pay only its callback tells, for they list none. One that was lost for good
 * is a matter of the bill, and none of these schedules: here it is sent again by the provider's support.
 */
async function tellAgain(world: World): Promise<void> {
  if (!world.tellsByCallback) return;
  for (const { id, provider, type, state } of await world.callbacksAtSandbox()) {
    const isOfRefund = provider !== 'stripe' && /refund/i.test(type);
    const isUntold = state === 'dropped' || state === 'gave_up';
    if (isOfRefund && isUntold) await world.sandbox.control(`/control/deliveries/${id}/redeliver`);
  }
}
