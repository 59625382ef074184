import type { EventActor } from './actor.ts';
import type { EventType, FactChanges, OrderEvent } from './event.ts';
import type { LatePaymentPolicy, Order, OrderFacts, OrderLine, RefundLimit } from './order.ts';
import { sumsOf } from './order-sums.ts';
import type { Payment, PaymentFacts, PaymentPlan } from './payment.ts';
import type { Refund, RefundFacts, RefundPlan } from './refund.ts';

/** An order with its payments and refunds. They are locked, changed and written together. */
export type OrderAggregate = {
  readonly order: Order;
  readonly payments: readonly Payment[];
  readonly refunds: readonly Refund[];
  readonly latePaymentPolicy: LatePaymentPolicy;
  /** Null when no refund needs approval. */
  readonly refundLimits: readonly RefundLimit[] | null;
};

type Recorded = {
  readonly order?: Partial<OrderFacts>;
  readonly payment?: { readonly id: string } & Partial<PaymentFacts>;
  readonly refund?: { readonly id: string } & Partial<RefundFacts>;
  readonly note?: string;
};

/**
 * The pending changes of one order. Each change of a fact is recorded together with an event that carries it, so that
 * folding the order's events yields its rows. Works on a copy: nothing takes effect before the store has written it.
 */
export class OrderChange {
  readonly at: Date;
  /** Who causes the change. */
  readonly actor: EventActor;
  readonly latePaymentPolicy: LatePaymentPolicy;
  readonly refundLimits: readonly RefundLimit[] | null;
  readonly events: OrderEvent[] = [];
  readonly touchedPayments = new Set<string>();
  readonly touchedRefunds = new Set<string>();
  #order: Order;
  readonly #payments: Map<string, Payment>;
  readonly #refunds: Map<string, Refund>;

  constructor(held: OrderAggregate, at: Date, actor: EventActor) {
    this.at = at;
    this.actor = actor;
    this.latePaymentPolicy = held.latePaymentPolicy;
    this.refundLimits = held.refundLimits;
    this.#order = held.order;
    this.#payments = new Map(held.payments.map((payment) => [payment.id, payment]));
    this.#refunds = new Map(held.refunds.map((refund) => [refund.id, refund]));
  }

  get order(): Order {
    return this.#order;
  }

  get payments(): Payment[] {
    return [...this.#payments.values()];
  }

  get refunds(): Refund[] {
    return [...this.#refunds.values()];
  }

  /** @throws {RangeError} when the order has no such payment. This is a bug of the caller. */
  payment(id: string): Payment {
    const payment = this.#payments.get(id);
    if (payment === undefined) throw new RangeError(`Order ${this.#order.id} has no payment ${id}.`);
    return payment;
  }

  /** @throws {RangeError} when the order has no such refund. This is a bug of the caller. */
  refund(id: string): Refund {
    const refund = this.#refunds.get(id);
    if (refund === undefined) throw new RangeError(`Order ${this.#order.id} has no refund ${id}.`);
    return refund;
  }

  /** Records the first event of an order, with all its facts and lines. */
  recordCreation(lines: readonly OrderLine[]): void {
    this.#append('ORDER_CREATED', { order: factsOfOrder(this.#order), lines }, null, null);
  }

  /** Adds a new payment. @throws {RangeError} when the id exists. */
  addPayment(payment: Payment): void {
    if (this.#payments.has(payment.id)) throw new RangeError(`Payment ${payment.id} already exists.`);
    this.#payments.set(payment.id, payment);
    this.touchedPayments.add(payment.id);
    this.#append('PAYMENT_STARTED', { payment: factsOfPayment(payment) }, payment.id, null);
  }

  /** Adds a new refund. PENDING reserves its amount, FAILED moves no money. @throws {RangeError} when the id exists. */
  addRefund(refund: Refund & { readonly status: 'PENDING' | 'FAILED' }): void {
    if (this.#refunds.has(refund.id)) throw new RangeError(`Refund ${refund.id} already exists.`);
    this.#refunds.set(refund.id, refund);
    this.touchedRefunds.add(refund.id);
    const { id, reservedMinor } = this.payment(refund.paymentId);
    const isPending = refund.status === 'PENDING';
    const started = refund.approval === 'NEEDED' ? 'REFUND_APPROVAL_NEEDED' : 'REFUND_REQUESTED';
    this.record(isPending ? started : 'REFUND_FAILED', {
      payment: isPending ? { id, reservedMinor: reservedMinor + refund.amountMinor } : { id },
      refund: factsOfRefund(refund),
    });
  }

  /** Changes facts and records the event that carries them. */
  record(type: EventType, { order, payment, refund, note }: Recorded): void {
    const updatedAt = this.at;
    if (order !== undefined) this.#order = { ...this.#order, ...order };
    if (payment !== undefined) {
      this.#payments.set(payment.id, { ...this.payment(payment.id), ...payment, updatedAt });
      this.touchedPayments.add(payment.id);
    }
    if (refund !== undefined) {
      this.#refunds.set(refund.id, { ...this.refund(refund.id), ...refund, updatedAt });
      this.touchedRefunds.add(refund.id);
    }
    const changes: FactChanges = {
      ...(order && { order }),
      ...(payment && { payment: { ...payment, updatedAt } }),
      ...(refund && { refund: { ...refund, updatedAt } }),
      ...(note !== undefined && { note }),
    };
    this.#append(type, changes, payment?.id ?? null, refund?.id ?? null);
  }

  /** Changes the planned work on a payment. A plan is not a fact and makes no event. */
  plan(paymentId: string, plan: Partial<PaymentPlan>): void {
    this.#payments.set(paymentId, { ...this.payment(paymentId), ...plan });
    this.touchedPayments.add(paymentId);
  }

  planRefund(refundId: string, plan: Partial<RefundPlan>): void {
    this.#refunds.set(refundId, { ...this.refund(refundId), ...plan });
    this.touchedRefunds.add(refundId);
  }

  planOrder(plan: { readonly dueAt: Date | null }): void {
    this.#order = { ...this.#order, ...plan };
  }

  #append(type: EventType, changes: FactChanges, paymentId: string | null, refundId: string | null): void {
    const version = this.#order.version + 1;
    this.#order = {
      ...this.#order,
      ...sumsOf(this.#order, this.payments, this.refunds),
      version,
      updatedAt: this.at,
    };
    const payment = paymentId === null ? null : this.payment(paymentId);
    const refund = refundId === null ? null : (this.#refunds.get(refundId) ?? null);
    this.events.push({
      type,
      sequence: version,
      occurredAt: this.at,
      actorKind: this.actor.kind,
      actorId: this.actor.id,
      orderStatus: this.#order.status,
      orderPaymentStatus: this.#order.paymentStatus,
      paymentId,
      paymentStatus: payment?.status ?? null,
      paymentMethod: payment?.method ?? null,
      refundId,
      refundStatus: refund?.status ?? null,
      amountMinor: refund?.amountMinor ?? payment?.amountMinor ?? null,
      currency: this.#order.currency,
      changes: { ...changes, order: { ...changes.order, updatedAt: this.at } },
    });
  }
}

export function factsOfOrder(order: Order): OrderFacts {
  const { version, dueAt, paymentStatus, authorizedMinor, capturedMinor, refundedMinor, reservedMinor, ...facts } =
    order;
  return facts;
}

export function factsOfPayment(payment: Payment): PaymentFacts {
  const { nextAction, providerReference, checkAt, checkAttempts, leasedUntil, askedAt, hintedAt, ...rest } = payment;
  const { captureMinor, captureAttempt, cardBrand, cardLast4, ...facts } = rest;
  return facts;
}

function factsOfRefund(refund: Refund): RefundFacts {
  const { checkAt, checkAttempts, leasedUntil, ...facts } = refund;
  return facts;
}
