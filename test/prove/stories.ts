import type { Dice } from './dice.ts';
import { ofAnotherAccount } from './faults.ts';
import type { OrderPlan, Step } from './schedule.ts';
import { callsOf, dayMs, hourMs, minuteMs, secondMs, Teller } from './teller.ts';
import { walletBeginnings, walletEndings } from './wallet-stories.ts';

/** The steps of one order without disturbances. A step whose subject does not exist has no effect. */
export function storyOf(dice: Dice, order: number, plan: OrderPlan): Step[] {
  const tell = new Teller(dice, order, plan);
  const isManual = plan.captureMode === 'MANUAL';
  return [
    tell.create(),
    ...tell.sometimesRepeated(),
    ...(isManual && dice.hit(0.15) ? [tell.fault(lapsing(dice))] : []),
    ...beginning(dice, tell, plan),
    // For the case that the payment has not advanced, and its page exists by now.
    ...(dice.hit(0.5) ? [tell.sweep(), tell.buy('visa'), tell.wait()] : []),
    ...(isManual ? holding(dice, tell) : []),
    ...ending(dice, tell, plan),
  ];
}

/** The story of an order with at most this lifetime is mostly about its expiry. */
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
    // At the last moment, with the callback lost: only a query shows it.
    [
      ofEnd,
      () => [
        ...[tell.pay(0), tell.pass(toExpiryMs - 500), tell.fault({ fault: 'drop', match: { type: '*' }, times: 9 })],
        ...[tell.buy('visa'), tell.pass(1000), tell.sweep(), tell.sweep()],
      ],
    ],
    // Two payments, both of which can be paid on their pages.
    [
      3,
      () => [
        ...[tell.pay(0), tell.pay(1)],
        ...(dice.hit(0.5) ? [tell.buy('visa', 'previous'), tell.wait()] : []),
        ...[tell.buy('visa'), tell.wait(), tell.buy('visa', 'first'), tell.wait()],
      ],
    ],
    // Both succeed: the first one succeeds despite being closed.
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
    // Two clicks, with the same key and with different keys.
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
    // A callback of another account instead of ours.
    [
      2,
      () => [
        tell.fault(ofAnotherAccount(dice, plan.method)),
        ...[tell.pay(0), tell.buy('visa'), tell.wait(), tell.sweep(), tell.resolve()],
      ],
    ],
    // The account is removed while its payment waits for the buyer, who pays by another method, or still pays there.
    [
      2,
      () => [
        ...[tell.pay(0), tell.retire(), tell.pay(1, other), tell.buy('visa'), tell.wait()],
        ...(dice.hit(0.4) ? [tell.buy('visa', 'first'), tell.wait()] : []),
        ...(dice.hit(0.3) ? [tell.cancelOrder()] : []),
        ...[tell.sweep(), tell.restore(), tell.wait(), tell.sweep(), ...tell.resolved(), tell.wait()],
      ],
    ],
    // Declined, retried and paid within one second; the callbacks arrive in any order.
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
    // The answer to the start is lost, and the client repeats the call with the same key.
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

/** The end of an authorization: captured, voided, or expired. */
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
    // Refused finally and repeated; then tried with a new key.
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
    // Concurrent refunds that exceed the payment in total.
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
    // A second refund object under one of our numbers, before or after our own call is answered.
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
        tell.refund(0, dice.pick([0.3, 0.5])),
        // An operator who states the outcome does not know the provider's number.
        ...(dice.hit(0.3) ? [tell.resolve()] : []),
        ...[tell.console('refundTwin'), tell.wait(), tell.sweep()],
        ...[tell.refund(0, 0.3), tell.console('refundTwin'), tell.wait(), tell.refund(1, 1), tell.wait()],
      ],
    ],
    // The provider is removed from the configuration during a refund.
    [1, () => [tell.refund(0, 0.4), tell.retire(), tell.refund(1, 0.4), tell.wait(), tell.restore(), tell.sweep()]],
    // All within one second; the callbacks arrive in any order.
    [
      isCard ? 2 : 0,
      () => [
        tell.fault({ fault: 'reorder', target: 'callback', match: { type: '*' }, times: 9 }),
        ...[tell.refund(0, 0.3), tell.refund(1, 0.3), tell.console('failRefund'), tell.refund(2, 0.3), tell.wait()],
      ],
    ],
  ])();
}
