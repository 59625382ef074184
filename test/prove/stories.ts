import { failpoints } from '../../src/domain/failpoint.ts';
import type { Dice } from './dice.ts';
import type { Card, OrderPlan, PaymentRef, Repeat, Step } from './schedule.ts';
import { failpointsOf } from './schedule.ts';

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** What happens to one order, if nothing disturbs it. Whatever has nothing to do in the end does nothing. */
export function storyOf(dice: Dice, order: number, plan: OrderPlan): Step[] {
  const tell = new Teller(dice, order);
  const isManual = plan.captureMode === 'MANUAL';
  return [
    tell.create(),
    ...tell.sometimesRepeated(),
    ...(isManual && dice.hit(0.15) ? [tell.fault(lapsing(dice))] : []),
    ...beginning(dice, tell, plan),
    // Where nothing came of it so far, and the page is there by now.
    ...(dice.hit(0.5) ? [tell.sweep(), tell.buy('visa'), tell.wait()] : []),
    ...(isManual ? holding(dice, tell) : []),
    ...ending(dice, tell),
  ];
}

/** An order that lives no longer than this is mostly about its end. */
export const shortSecondsMax = 600;

function beginning(dice: Dice, tell: Teller, plan: OrderPlan): Step[] {
  const toExpiryMs = plan.expiresInSeconds * secondMs;
  const isShort = plan.expiresInSeconds <= shortSecondsMax;
  const ofEnd = isShort ? 10 : 0;
  return dice.weigh<() => Step[]>([
    [8, () => [tell.pay(0), tell.buy('visa'), tell.wait()]],
    [2, () => [tell.pay(0), tell.buy('chargeDeclined'), tell.wait(), tell.buy('visa'), tell.wait()]],
    [
      2,
      () => [
        tell.pay(0),
        tell.buy('authenticationRequired'),
        tell.wait(),
        tell.authenticate(dice.hit(0.7)),
        tell.wait(),
      ],
    ],
    [1, () => [tell.pay(0), tell.buy('threeDSecureRequiredChargeDeclined'), tell.authenticate(true), tell.wait()]],
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
    [2, () => [tell.pay(0), tell.buy('pendingRefund'), tell.wait()]],
    [2, () => [tell.pay(0), tell.buy('refundFail'), tell.wait()]],
    // Two clicks, with the same key and with another.
    [2, () => [tell.together(tell.pay(0), tell.pay(0)), tell.buy('visa'), tell.wait()]],
    [2, () => [tell.together(tell.pay(0), tell.pay(1), tell.pay(2)), tell.buy('visa'), tell.wait()]],
    [
      2,
      () => [
        tell.fault(processing(dice)),
        tell.pay(0),
        tell.buy('visa'),
        tell.wait(),
        tell.console('finish'),
        tell.wait(),
      ],
    ],
    [1, () => [tell.pay(0), tell.console('expireSession'), tell.wait(), tell.pay(1), tell.buy('visa')]],
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
          match: { path: '/v1', method: 'POST' },
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
    [1, () => []],
  ])();
}

function ending(dice: Dice, tell: Teller): Step[] {
  return dice.weigh<() => Step[]>([
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
      2,
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
          match: { operation: 'refunds.create' },
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
  ])();
}

type OnNode = Extract<Step, { readonly node: number }>;

/** Words for the steps of one order, with what chance decides about each. */
class Teller {
  readonly #dice: Dice;
  readonly #order: number;

  constructor(dice: Dice, order: number) {
    this.#dice = dice;
    this.#order = order;
  }

  create(): Step {
    return { kind: 'create', ...this.#call(0) };
  }

  /** The same once more, or something else under the same key. */
  sometimesRepeated(): Step[] {
    if (this.#dice.hit(0.75)) return [];
    return [{ kind: 'create', ...this.#call(0), spoils: this.#dice.hit(0.5) }];
  }

  pay(key: number): OnNode {
    return { kind: 'pay', flow: this.#dice.hit(0.65) ? 'EMBEDDED' : 'REDIRECT', ...this.#call(key) };
  }

  buy(card: Card, payment: PaymentRef = 'last'): Step {
    return { kind: 'buy', order: this.#order, payment, card };
  }

  authenticate(passes: boolean): Step {
    return { kind: 'authenticate', order: this.#order, payment: 'last', passes };
  }

  capture(key: number, share: number): OnNode {
    return { kind: 'capture', payment: 'last', share, ...this.#call(key) };
  }

  refund(key: number, share: number): OnNode {
    return { kind: 'refund', payment: this.#dice.hit(0.8) ? 'last' : 'first', share, ...this.#call(key) };
  }

  cancelOrder(): OnNode {
    return { kind: 'cancelOrder', order: this.#order, node: this.#node() };
  }

  cancelPayment(): Step {
    return { kind: 'cancelPayment', order: this.#order, payment: 'last', node: this.#node() };
  }

  resolve(): OnNode {
    const latePayment = this.#dice.weigh([
      [3, 'ACCEPT'],
      [3, 'REFUND'],
      [1, null],
    ] as const);
    const tellsFacts = this.#dice.hit(0.4);
    return { kind: 'resolve', order: this.#order, node: this.#node(), latePayment, tellsFacts };
  }

  /** Decided by an operator, twice now and then, and once or other by one whose node dies. */
  resolved(): Step[] {
    const decided = this.#dice.hit(0.4) ? this.dying(this.resolve()) : [this.resolve()];
    return [...decided, ...(this.#dice.hit(0.3) ? [this.resolve()] : [])];
  }

  /** The node dies somewhere on its way; who called calls again, mostly when the lease is over and nothing else has come before. */
  dying(call: OnNode): Step[] {
    const prefix = failpointsOf[call.kind];
    const failpoint = this.#dice.pick(failpoints.filter((name) => prefix !== undefined && name.startsWith(prefix)));
    const crash: Step = { kind: 'crash', node: call.node, failpoint, nth: 1 };
    if (!('repeat' in call)) return [crash, call];
    return [crash, { ...call, repeat: this.#dice.hit(0.6) ? 'after the lease' : 'at once' }];
  }

  console(deed: Extract<Step, { kind: 'console' }>['deed'], payment: PaymentRef = 'last', share = 1): Step {
    return { kind: 'console', order: this.#order, payment, deed, share };
  }

  fault(rule: Extract<Step, { kind: 'fault' }>['rules'][number]): Step {
    return { kind: 'fault', rules: [rule] };
  }

  pass(ms: number): Step {
    return { kind: 'pass', ms };
  }

  /** Long enough for callbacks to come. */
  wait(): Step {
    return {
      kind: 'pass',
      ms: this.#dice.weigh([
        [2, 0],
        [5, 1500],
        [2, 12_000],
        [1, 5 * minuteMs],
      ] as const),
    };
  }

  sweep(): Step {
    return { kind: 'sweep', node: this.#node() };
  }

  together(...steps: Step[]): Step {
    return { kind: 'together', steps };
  }

  #call(key: number) {
    const repeat: Repeat = this.#dice.weigh([
      [6, 'at once'],
      [3, 'after the lease'],
      [0.3, 'after a day'],
      [2, 'never'],
    ] as const);
    return { order: this.#order, node: this.#node(), key, spoils: false, repeat };
  }

  #node(): number {
    return this.#dice.int(0, 1);
  }
}
