import { failpoints } from '../../src/domain/failpoint.ts';
import type { PaymentFlow, PaymentMethod } from '../../src/domain/payment.ts';
import type { Dice } from './dice.ts';
import type { Card, FaultRule, OrderPlan, Page, PaymentRef, Repeat, Step } from './schedule.ts';
import { failpointsOf } from './schedule.ts';

export const secondMs = 1000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

const flowsOf: Readonly<Record<PaymentMethod, readonly (readonly [weight: number, flow: PaymentFlow])[]>> = {
  CARD: [
    [13, 'EMBEDDED'],
    [7, 'REDIRECT'],
  ],
  ALIPAY: [
    [2, 'REDIRECT'],
    [3, 'QR_CODE'],
    [2, 'MOBILE_WEB'],
  ],
  WECHAT_PAY: [
    [3, 'QR_CODE'],
    [2, 'MOBILE_WEB'],
    [2, 'IN_APP'],
  ],
};

/** The calls that create a payment and a refund at the provider. */
export const callsOf: Readonly<
  Record<PaymentMethod, Readonly<Record<'pay' | 'refund', NonNullable<FaultRule['match']>>>>
> = {
  CARD: { pay: { path: '/v1', method: 'POST' }, refund: { operation: 'refunds.create', path: '/v1' } },
  ALIPAY: { pay: { operation: 'alipay.trade.precreate' }, refund: { operation: 'alipay.trade.refund' } },
  WECHAT_PAY: {
    pay: { path: '/v3/pay/transactions', method: 'POST' },
    refund: { operation: 'refunds.create', path: '/v3' },
  },
};

export type OnNode = Extract<Step, { readonly node: number }>;

/** Builds the steps of one order, with random choices for each. */
export class Teller {
  readonly #dice: Dice;
  readonly #order: number;
  readonly #method: PaymentMethod;

  constructor(dice: Dice, order: number, { method }: Pick<OrderPlan, 'method'>) {
    this.#dice = dice;
    this.#order = order;
    this.#method = method;
  }

  create(): Step {
    return { kind: 'create', ...this.#call(0) };
  }

  /** The same call again, or different input with the same key. */
  sometimesRepeated(): Step[] {
    if (this.#dice.hit(0.75)) return [];
    return [{ kind: 'create', ...this.#call(0), spoils: this.#dice.hit(0.5) }];
  }

  pay(key: number, method: PaymentMethod = this.#method): OnNode {
    return { kind: 'pay', method, flow: this.#dice.weigh(flowsOf[method]), ...this.#call(key) };
  }

  buy(card: Card, payment: PaymentRef = 'last', page: Page = 'newest'): Step {
    return { kind: 'buy', order: this.#order, payment, card, page };
  }

  open(payment: PaymentRef = 'last'): Step {
    return { kind: 'open', order: this.#order, payment };
  }

  leave(): Step {
    return { kind: 'leave', order: this.#order, payment: 'last' };
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

  /** An operator decides, sometimes twice, and sometimes on a node that dies. */
  resolved(): Step[] {
    const decided = this.#dice.hit(0.4) ? this.dying(this.resolve()) : [this.resolve()];
    return [...decided, ...(this.#dice.hit(0.3) ? [this.resolve()] : [])];
  }

  /** The node dies during the call. The client repeats it, usually after the lease has expired and before anything else happens. */
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

  /** The provider of the order is removed from the configuration. */
  retire(): Step {
    return { kind: 'retire', method: this.#method };
  }

  restore(): Step {
    return { kind: 'restore' };
  }

  pass(ms: number): Step {
    return { kind: 'pass', ms };
  }

  /** Long enough for callbacks to arrive. */
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
