import type { Actor } from '../../src/commands/actor.ts';
import type { Order } from '../../src/domain/order.ts';
import type { Payment } from '../../src/domain/payment.ts';
import type { Answer, CommandName } from './node.ts';
import type { Snapshot } from './rows.ts';
import type { KeyedStep, OrderPlan, PaymentRef } from './schedule.ts';
import type { KeyedCall } from './traffic-invariants.ts';
import type { World } from './world.ts';

const operations = {
  create: 'createOrder',
  pay: 'payOrder',
  capture: 'capturePayment',
  refund: 'requestRefund',
} as const satisfies Record<KeyedStep['kind'], CommandName>;

/** The input that is added to reuse a key with different input. */
const otherInput: Readonly<Record<KeyedStep['kind'], object>> = {
  create: { description: 'something else' },
  pay: { returnUrl: 'https://shop.example/elsewhere' },
  capture: { amountMinor: 1n },
  refund: { reason: 'something else' },
};

/** The ids of a plan's order and payments. */
export class Names {
  snapshot: Snapshot = { orders: [], payments: [], refunds: [], keys: [], sales: [], events: [] };

  orderId(order: number): string | null {
    const key = keyOf({ kind: 'create', order, key: 0 });
    return this.snapshot.keys.find((row) => row.operation === 'createOrder' && row.key === key)?.resultId ?? null;
  }

  order(order: number): Order | null {
    const orderId = this.orderId(order);
    return this.snapshot.orders.find(({ id }) => id === orderId) ?? null;
  }

  payment(order: number, which: PaymentRef): Payment | null {
    const orderId = this.orderId(order);
    const payments = this.snapshot.payments.filter((payment) => payment.orderId === orderId);
    return payments.at(which === 'first' ? 0 : which === 'last' ? -1 : Math.max(payments.length - 2, 0)) ?? null;
  }
}

/** The merchant's programs. They repeat calls without an answer and record every answer. */
export class Clients {
  readonly calls: KeyedCall[] = [];
  readonly #world: World;
  readonly #actor: Actor;
  readonly #refunder: Actor;
  readonly #plans: readonly OrderPlan[];
  readonly #names: Names;
  readonly #inputs = new Map<string, object>();
  /** The refunds that have waited for another person, numbered, and for how many steps they were seen waiting. */
  readonly #waits = new Map<string, { readonly which: number; readonly steps: number }>();
  #moment = 0;

  /** @param refunder who requests refunds: the merchant's server, or an operator whose refunds wait for another person. */
  constructor(world: World, actor: Actor, refunder: Actor, plans: readonly OrderPlan[], names: Names) {
    this.#world = world;
    this.#actor = actor;
    this.#refunder = refunder;
    this.#plans = plans;
    this.#names = names;
  }

  /** Makes a call with its key; null when its subject does not exist yet. */
  async call(step: KeyedStep): Promise<Answer | null> {
    const operation = operations[step.kind];
    const key = keyOf(step);
    const input = this.#inputOf(step, `${operation} ${key}`);
    if (input === null) return null;
    const given = step.spoils ? { ...input, ...otherInput[step.kind] } : input;
    const beganAt = this.#tick();
    const actor = step.kind === 'refund' ? this.#refunder : this.#actor;
    const answer = await this.#world.node(step.node).call(operation, actor, { idempotencyKey: key, ...given });
    this.calls.push({ operation, key, input: textOf(given), beganAt, endedAt: this.#tick(), answer });
    return answer;
  }

  /** A call that needs no key. */
  async callOnce(command: CommandName, node: number, input: unknown): Promise<Answer> {
    return this.#world.node(node).call(command, this.#actor, input);
  }

  /** Decides about refunds that wait, as the other person: after one to four steps, and every third one is rejected. */
  async decideWaiting(): Promise<void> {
    const waiting = this.#names.snapshot.refunds.filter(
      ({ approval, status }) => approval === 'NEEDED' && status === 'PENDING',
    );
    const node = this.#world.node(waiting.length % this.#world.slots);
    const bob = { ...this.#refunder, id: 'bob' };
    for (const { id } of waiting) {
      const { which, steps } = this.#waits.get(id) ?? { which: this.#waits.size, steps: 0 };
      this.#waits.set(id, { which, steps: steps + 1 });
      if (steps < which % 4) continue;
      if (which % 3 === 2) await node.call('rejectRefund', bob, { refundId: id, reason: 'Not this one.' });
      else await node.call('approveRefund', bob, id);
    }
  }

  #tick(): number {
    this.#moment += 1;
    return this.#moment;
  }

  /** The input of a key is fixed by its first call; repetitions send the same input. */
  #inputOf(step: KeyedStep, name: string): object | null {
    const input = this.#inputs.get(name) ?? this.#newInputOf(step);
    if (input !== null) this.#inputs.set(name, input);
    return input;
  }

  #newInputOf(step: KeyedStep): object | null {
    if (step.kind === 'create') {
      const plan = this.#plans[step.order];
      if (plan === undefined) return null;
      const { currency, amountMinor, captureMode, expiresInSeconds } = plan;
      const lines = [{ name: 'Cup', quantity: 1, unitAmountMinor: amountMinor }];
      return { currency, captureMode, expiresInSeconds, lines };
    }
    if (step.kind === 'pay') {
      const orderId = this.#names.orderId(step.order);
      return orderId === null ? null : { orderId, ...howOf(step) };
    }
    const payment = this.#names.payment(step.order, step.payment);
    if (payment === null) return null;
    const whole = step.kind === 'refund' ? payment.capturedMinor : payment.authorizedMinor;
    if (step.kind === 'capture' && step.share === 1) return { paymentId: payment.id };
    return {
      paymentId: payment.id,
      amountMinor: shareOf(whole > 0n ? whole : payment.amountMinor, step.share, payment.currency),
    };
  }
}

/** The method, the flow, and the buyer's fields that the flow requires. */
function howOf({ method, flow }: Extract<KeyedStep, { kind: 'pay' }>): object {
  return {
    ...{ method, flow, returnUrl: 'https://shop.example/back' },
    ...(method === 'WECHAT_PAY' && flow === 'MOBILE_WEB' && { buyerIp: '192.0.2.7' }),
    ...(method === 'WECHAT_PAY' && flow === 'IN_APP' && { openId: 'oBuyer000000000000000000test' }),
  };
}

export function keyOf({ kind, order, key }: Pick<KeyedStep, 'kind' | 'order' | 'key'>): string {
  return `order ${order} ${kind} ${key}`;
}

/** Stripe accepts three-decimal amounts only if the last digit is 0. */
export function shareOf(amountMinor: bigint, share: number, currency: string): bigint {
  const unit = currency === 'KWD' ? 10n : 1n;
  const part = (BigInt(Math.floor(Number(amountMinor) * share)) / unit) * unit;
  return part > 0n ? part : unit;
}

function textOf(input: object): string {
  return JSON.stringify(input, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}
