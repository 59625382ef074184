import type { Dice } from './dice.ts';
import { ofAnotherAccount } from './faults.ts';
import type { OrderPlan, Step } from './schedule.ts';
import { callsOf, dayMs, hourMs, minuteMs, secondMs, Teller } from './teller.ts';
import { walletBeginnings, walletEndings } from './wallet-stories.ts';

/** What happens to one order, if nothing disturbs it. Whatever has nothing to do in the end does nothing. */
export function storyOf(dice: Dice, order: number, plan: OrderPlan): Step[] {
  const tell = new Teller(dice, order, plan);
  const isManual = plan.captureMode === 'MANUAL';
  return [
    tell.create(),
    ...tell.sometimesRepeated(),
    ...(isManual && dice.hit(0.15) ? [tell.fault(lapsing(dice))] : []),
    ...beginning(dice, tell, plan),
    // Where nothing came of it so far, and the page is there by now.
    ...(dice.hit(0.5) ? [tell.sweep(), tell.buy('visa'), tell.wait()] : []),
    ...(isManual ? holding(dice, tell) : []),
    ...ending(dice, tell, plan),
  ];
}

/** An order that lives no longer than this is mostly about its end. */
export const shortSecondsMax = 600;

function beginning(dice: Dice, tell: Teller, plan: OrderPlan): Step[] {
  const toExpiryMs = plan.expiresInSeconds * secondMs;
  const isShort = plan.expiresInSeconds <= shortSecondsMax;
  const ofEnd = isShort ? 10 : 0;
  const isCard = plan.method === 'CARD';
  const ofCard = (weight: number): number => (isCard ? weight : 0);
  const isOfYuan = plan.currency === 'CNY' && plan.captureMode === 'AUTOMATIC';
  const other = isOfYuan
    ? dice.pick((['ALIPAY', 'WECHAT_PAY', 'CARD'] as const).filter((method) => method !== plan.method))
    : plan.method;
  return dice.weigh<() => Step[]>([
    ...(isCard ? [] : walletBeginnings(dice, tell, plan)),
    [8, () => [tell.pay(0), tell.buy('visa'), tell.wait()]],
    [2, () => [tell.pay(0), tell.buy('chargeDeclined'), tell.wait(), tell.buy('visa'), tell.wait()]],
    [
      ofCard(2),
      () => [
        tell.pay(0),
        tell.buy('authenticationRequired'),
        tell.wait(),
        tell.authenticate(dice.hit(0.7)),
        tell.wait(),
      ],
    ],
    [
      ofCard(1),
      () => [tell.pay(0), tell.buy('threeDSecureRequiredChargeDeclined'), tell.authenticate(true), tell.wait()],
    ],
    [ofEnd, () => [tell.pay(0), tell.pass(toExpiryMs), tell.sweep(), tell.sweep()]],
    // In the last moment, with the callback lost: only asking tells.
    [
      ofEnd,
      () => [
        ...[tell.pay(0), tell.pass(toExpiryMs - 500), tell.fault({ fault: 'drop', match: { type: '*' }, times: 9 })],
        ...[tell.buy('visa'), tell.pass(1000), tell.sweep(), tell.sweep()],
      ],
    ],
    // Two payments, of which both may be paid on their pages.
    [
      3,
      () => [
        ...[tell.pay(0), tell.pay(1)],
        ...(dice.hit(0.5) ? [tell.buy('visa', 'previous'), tell.wait()] : []),
        ...[tell.buy('visa'), tell.wait(), tell.buy('visa', 'first'), tell.wait()],
      ],
    ],
    // Both succeed: the first one comes back from its close.
    [
      3,
      () => [
        ...[tell.pay(0), tell.pay(1), tell.buy('visa'), tell.wait()],
        ...[tell.console('succeed', 'first'), tell.wait(), tell.sweep()],
      ],
    ],
    [
      3,
      () => [
        tell.pay(0),
        tell.cancelOrder(),
        tell.buy('visa'),
        tell.wait(),
        tell.console('succeed'),
        tell.wait(),
        tell.resolve(),
      ],
    ],
    [2, () => [tell.pay(0), tell.together(tell.cancelOrder(), tell.buy('visa')), tell.wait()]],
    [2, () => [tell.pay(0), tell.cancelPayment(), tell.pay(1), tell.buy('visa'), tell.wait()]],
    [3, () => [...tell.dying(tell.pay(0)), tell.buy('visa'), tell.wait()]],
    [1, () => [tell.pay(0), ...tell.dying(tell.cancelOrder()), tell.buy('visa'), tell.wait(), tell.sweep()]],
    [
      ofEnd,
      () => [
        ...[tell.pay(0), tell.pass(toExpiryMs), tell.sweep(), tell.console('succeed')],
        ...[tell.wait(), tell.sweep(), ...tell.resolved(), tell.wait()],
      ],
    ],
    [ofCard(2), () => [tell.pay(0), tell.buy('pendingRefund'), tell.wait()]],
    [ofCard(2), () => [tell.pay(0), tell.buy('refundFail'), tell.wait()]],
    // Two clicks, with the same key and with another.
    [2, () => [tell.together(tell.pay(0), tell.pay(0)), tell.buy('visa'), tell.wait()]],
    [2, () => [tell.together(tell.pay(0), tell.pay(1), tell.pay(2)), tell.buy('visa'), tell.wait()]],
    [
      plan.method === 'ALIPAY' ? 0 : 2,
      () => [
        tell.fault(processing(dice)),
        tell.pay(0),
        tell.buy('visa'),
        tell.wait(),
        tell.console(dice.hit(0.8) ? 'finish' : 'finishFailed'),
        tell.wait(),
      ],
    ],
    [1, () => [tell.pay(0), tell.console('close'), tell.wait(), tell.pay(1), tell.buy('visa')]],
    // Another account's callback in the place of ours.
    [
      2,
      () => [
        tell.fault(ofAnotherAccount(dice, plan.method)),
        ...[tell.pay(0), tell.buy('visa'), tell.wait(), tell.sweep(), tell.resolve()],
      ],
    ],
    // The account is retired while its payment waits for the buyer, who pays in another way, or there all the same.
    [
      2,
      () => [
        ...[tell.pay(0), tell.retire(), tell.pay(1, other), tell.buy('visa'), tell.wait()],
        ...(dice.hit(0.4) ? [tell.buy('visa', 'first'), tell.wait()] : []),
        ...(dice.hit(0.3) ? [tell.cancelOrder()] : []),
        ...[tell.sweep(), tell.restore(), tell.wait(), tell.sweep(), ...tell.resolved(), tell.wait()],
      ],
    ],
    // Declined, tried again and paid within one second, and heard in any order.
    [
      ofCard(2),
      () => [
        tell.pay(0),
        tell.fault({ fault: 'reorder', target: 'callback', match: { type: '*' }, times: 9 }),
        ...[tell.buy('chargeDeclined'), tell.buy('chargeDeclinedInsufficientFunds'), tell.buy('visa'), tell.wait()],
      ],
    ],
    [
      2,
      () => [
        ...[tell.pay(0), tell.fault({ fault: 'success_after_close', ms: dice.pick([0, 5000, hourMs]) })],
        ...[
          dice.hit(0.5) ? tell.cancelOrder() : tell.pay(1),
          tell.wait(),
          tell.pass(hourMs),
          tell.sweep(),
          tell.resolve(),
        ],
      ],
    ],
    // The answer of the start is lost, and the client asks again with the same key.
    [
      3,
      () => [
        tell.fault({
          fault: dice.pick(['timeout_after', 'reset_after', 'malformed', 'error_500_after', 'delay'] as const),
          match: callsOf[plan.method].pay,
          ms: 20_000,
        }),
        ...[
          tell.pay(0),
          tell.pass(dice.pick([0, 6000, 31_000])),
          tell.pay(0),
          tell.sweep(),
          tell.buy('visa'),
          tell.wait(),
        ],
      ],
    ],
  ])();
}

function lapsing(dice: Dice) {
  return { fault: 'authorization_lapses', ms: dice.pick([minuteMs, hourMs, dayMs]) } as const;
}

function processing(dice: Dice) {
  const fault = dice.pick(['processing_then_succeeded', 'processing_then_failed'] as const);
  return dice.hit(0.5) ? { fault } : { fault, ms: dice.pick([5000, hourMs]) };
}

/** Of an authorization: captured, given back, or left to lapse. */
function holding(dice: Dice, tell: Teller): Step[] {
  return dice.weigh<() => Step[]>([
    [4, () => [tell.capture(0, 1), tell.wait()]],
    [5, () => [...tell.dying(tell.capture(0, dice.pick([1, 0.6]))), tell.wait(), tell.sweep()]],
    [3, () => [tell.capture(0, 0.6), tell.wait()]],
    [2, () => [tell.together(tell.capture(0, 1), tell.capture(0, 1)), tell.wait()]],
    [2, () => [tell.together(tell.capture(0, 1), tell.capture(1, 0.5)), tell.wait()]],
    [2, () => [tell.together(tell.capture(0, 1), tell.cancelPayment()), tell.wait()]],
    [2, () => [tell.cancelPayment(), tell.wait()]],
    [2, () => [tell.cancelOrder(), tell.wait()]],
    [2, () => [tell.console('lapse'), tell.together(tell.capture(0, 1), tell.wait()), tell.wait()]],
    [1, () => [tell.pass(7 * dayMs + hourMs), tell.sweep(), tell.capture(0, 1)]],
    [1, () => [tell.capture(0, 1.5), tell.capture(1, 1)]],
    // Refused for good, and repeated; then tried anew.
    [
      6,
      () => [
        ...[tell.fault({ fault: 'refuse', match: { operation: 'payment_intents.capture' } }), tell.capture(0, 1)],
        ...[tell.wait(), tell.capture(0, 1), tell.sweep(), ...(dice.hit(0.5) ? [tell.capture(1, 1)] : [])],
        ...[tell.wait(), tell.capture(0, 1)],
      ],
    ],
    [1, () => [tell.retire(), tell.capture(0, 1), tell.cancelOrder(), tell.restore(), tell.wait(), tell.sweep()]],
    [1, () => []],
  ])();
}

function ending(dice: Dice, tell: Teller, plan: OrderPlan): Step[] {
  const isCard = plan.method === 'CARD';
  return dice.weigh<() => Step[]>([
    ...(isCard ? [] : walletEndings(dice, tell)),
    [4, () => []],
    [4, () => [tell.refund(0, 1), tell.wait()]],
    [4, () => [...tell.dying(tell.refund(0, dice.pick([1, 0.4]))), tell.refund(1, 0.4), tell.wait()]],
    [3, () => [tell.refund(0, 0.4), tell.wait(), tell.refund(1, 0.4), tell.refund(2, 0.4), tell.wait()]],
    // More than one can have, all at once.
    [3, () => [tell.together(...Array.from({ length: 16 }, (_, key) => tell.refund(key, 0.15))), tell.wait()]],
    [
      2,
      () => [tell.together(tell.refund(0, 0.7), tell.refund(1, 0.7), tell.console('refund', 'last', 0.5)), tell.wait()],
    ],
    [2, () => [tell.console('refund', 'last', dice.pick([0.3, 1])), tell.wait(), tell.refund(0, 0.5), tell.wait()]],
    [
      isCard ? 2 : 0,
      () => [
        tell.refund(0, dice.pick([0.5, 1])),
        tell.wait(),
        tell.console('failRefund'),
        tell.wait(),
        tell.refund(1, 1),
      ],
    ],
    [
      3,
      () => [
        tell.fault({
          fault: dice.pick([
            'refund_pending_then_succeeded',
            'refund_pending_then_failed',
            'refund_fails_later',
          ] as const),
          ...(dice.hit(0.7) && { ms: dice.pick([5000, hourMs, 3 * dayMs]) }),
        }),
        ...[
          tell.refund(0, 0.5),
          tell.wait(),
          tell.refund(1, 0.5),
          tell.pass(hourMs),
          tell.console('decideRefund', 'last', 0.4),
          tell.wait(),
        ],
      ],
    ],
    [
      3,
      () => [
        tell.fault({
          fault: dice.pick(['timeout_after', 'reset_after', 'malformed', 'error_500_after', 'delay'] as const),
          match: callsOf[plan.method].refund,
          ms: 20_000,
        }),
        ...[
          tell.refund(0, 0.5),
          tell.pass(dice.pick([0, 6000, 31_000])),
          tell.refund(0, 0.5),
          tell.sweep(),
          tell.refund(1, 0.5),
          tell.wait(),
        ],
      ],
    ],
    [3, () => [tell.wait(), tell.sweep(), tell.resolve(), tell.wait(), tell.sweep()]],
    // A second object under the number of one of ours, before our own call is answered or after.
    [
      isCard ? 6 : 0,
      () => [
        ...(dice.hit(0.5)
          ? [
              tell.fault({
                fault: dice.pick(['delay', 'timeout_after', 'error_500_after'] as const),
                match: callsOf.CARD.refund,
                ms: 20_000,
              }),
            ]
          : []),
        ...[tell.refund(0, dice.pick([0.3, 0.5])), tell.console('refundTwin'), tell.wait(), tell.sweep()],
        ...[tell.refund(0, 0.3), tell.console('refundTwin'), tell.wait(), tell.refund(1, 1), tell.wait()],
      ],
    ],
    // The provider is taken out of the configuration while money is on its way back.
    [1, () => [tell.refund(0, 0.4), tell.retire(), tell.refund(1, 0.4), tell.wait(), tell.restore(), tell.sweep()]],
    // All within one second, and heard in any order.
    [
      isCard ? 2 : 0,
      () => [
        tell.fault({ fault: 'reorder', target: 'callback', match: { type: '*' }, times: 9 }),
        ...[tell.refund(0, 0.3), tell.refund(1, 0.3), tell.console('failRefund'), tell.refund(2, 0.3), tell.wait()],
      ],
    ],
  ])();
}
