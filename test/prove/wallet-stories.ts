import type { Dice } from './dice.ts';
import type { OrderPlan, Step } from './schedule.ts';
import { dayMs, hourMs, minuteMs, secondMs, type Teller } from './teller.ts';

type Weighed = readonly (readonly [weight: number, tell: () => Step[]])[];

const twoHoursMs = 2 * hourMs;

/** Beginnings of an order that is paid by Alipay or WeChat Pay, in addition to those of every method. */
export function walletBeginnings(dice: Dice, tell: Teller, plan: OrderPlan): Weighed {
  const toExpiryMs = plan.expiresInSeconds * secondMs;
  const other = dice.pick((['ALIPAY', 'WECHAT_PAY', 'CARD'] as const).filter((method) => method !== plan.method));
  const isLong = toExpiryMs > twoHoursMs;
  return [
    // Scans, leaves, and returns.
    [3, () => [tell.pay(0), tell.open(), tell.leave(), tell.wait(), tell.sweep(), tell.buy('visa'), tell.wait()]],
    [2, () => [tell.pay(0), tell.open(), tell.cancelOrder(), tell.wait(), tell.buy('visa'), tell.wait(), tell.sweep()]],
    [2, () => [tell.pay(0), tell.open(), tell.pass(toExpiryMs), tell.sweep(), tell.buy('visa'), tell.sweep()]],
    // The old link still works after the order or payment was abandoned.
    [
      4,
      () => [
        ...[tell.pay(0), tell.cancelOrder(), tell.wait(), ...(dice.hit(0.5) ? [tell.open(), tell.wait()] : [])],
        ...[tell.buy('visa'), tell.pass(dice.pick([0, 1500, hourMs])), tell.sweep(), ...tell.resolved(), tell.wait()],
      ],
    ],
    [
      2,
      () => [
        ...[tell.pay(0), tell.cancelPayment(), tell.wait(), tell.pay(1), tell.buy('visa', 'previous'), tell.wait()],
        ...[tell.sweep(), tell.buy('visa'), tell.wait()],
      ],
    ],
    // Closed while the buyer opens it.
    [
      2,
      () => [tell.pay(0), tell.together(tell.cancelOrder(), tell.open()), tell.wait(), tell.sweep(), tell.buy('visa')],
    ],
    // Another method: the first payment is closed for it, but its buyer may have paid first, or pays both.
    [
      5,
      () => [
        ...[tell.pay(0), ...(dice.hit(0.4) ? [tell.open()] : []), tell.pay(1, other)],
        ...(dice.hit(0.6) ? [tell.buy('visa', 'previous'), tell.wait()] : []),
        ...[tell.buy('visa'), tell.wait(), tell.buy('visa', 'first'), tell.wait(), tell.sweep()],
      ],
    ],
    [
      2,
      () => [
        tell.pay(0, other),
        tell.pay(1),
        tell.buy('visa'),
        tell.wait(),
        tell.console('succeed', 'first'),
        tell.wait(),
      ],
    ],
    [
      2,
      () => [tell.pay(0), tell.together(tell.pay(1, other), tell.buy('visa', 'first')), tell.wait(), tell.buy('visa')],
    ],
    // The next action has expired and is renewed: the earlier code may still be paid.
    [
      isLong ? 4 : 0,
      () => [
        ...[tell.pay(0), tell.pass(dice.pick([6 * minuteMs, twoHoursMs - minuteMs, twoHoursMs + minuteMs]))],
        ...[tell.pay(0), tell.buy('visa', 'last', 'oldest'), tell.wait(), tell.buy('visa'), tell.wait()],
      ],
    ],
    [isLong ? 0 : 2, () => [tell.pay(0), tell.pass(6 * minuteMs), tell.pay(0), tell.buy('visa'), tell.wait()]],
    [
      2,
      () => [tell.pay(0), tell.open(), tell.console('close'), tell.wait(), tell.sweep(), tell.pay(1), tell.buy('visa')],
    ],
    [
      2,
      () => [tell.pay(0), tell.buy('visa'), tell.pass(dayMs), tell.sweep(), tell.console('finishTrade'), tell.wait()],
    ],
  ];
}

/** Endings of such an order. */
export function walletEndings(dice: Dice, tell: Teller): Weighed {
  const pending = { fault: dice.pick(['refund_pending_then_succeeded', 'refund_pending_then_failed'] as const) };
  return [
    // The provider keeps a refund pending until someone decides; a failed one is repaired or closed.
    [
      3,
      () => [
        ...[tell.fault(pending), tell.refund(0, dice.pick([0.5, 1])), tell.wait(), tell.refund(1, 0.3)],
        ...[tell.console('decideRefund', 'last', 0.4), tell.wait(), tell.sweep()],
        ...[tell.console('decideRefund', 'last', dice.pick([0.4, 0.9])), tell.pass(hourMs), tell.sweep()],
      ],
    ],
    [
      2,
      () => [tell.fault({ ...pending, ms: 5000 }), tell.console('refund', 'last', 0.4), tell.wait(), tell.refund(0, 1)],
    ],
    // A full refund, or one of the rest, in the console: for page and code payments Alipay sends no callback.
    [3, () => [tell.console('refund', 'last', 0.4), tell.wait(), tell.console('refund', 'last', 1), tell.wait()]],
    [2, () => [tell.refund(0, 0.4), tell.wait(), tell.console('refund', 'last', 1), tell.wait(), tell.refund(1, 0.2)]],
    [2, () => [tell.console('finishTrade'), tell.refund(0, 0.5), tell.wait()]],
  ];
}
