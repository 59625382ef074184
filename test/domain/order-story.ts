import { type EventActor, systemActor } from '../../src/domain/actor.ts';
import { applyPaymentReport } from '../../src/domain/apply-payment-report.ts';
import type { EventType, OrderEvent } from '../../src/domain/event.ts';
import type { CloseTarget, LatePaymentPolicy, Order, RefundLimit } from '../../src/domain/order.ts';
import { type OrderAggregate, OrderChange } from '../../src/domain/order-change.ts';
import { closeOrder } from '../../src/domain/order-lifecycle.ts';
import type { Payment, PaymentFailure, ReportedPaymentStatus } from '../../src/domain/payment.ts';
import type { PaymentReport, ReportOutcome } from '../../src/domain/report.ts';

export const orderId = 'ord_00000000000000000000000001';
export const firstId = 'pay_00000000000000000000000001';
export const secondId = 'pay_00000000000000000000000002';
export const totalMinor = 1000n;

const noon = Date.UTC(2026, 10, 23, 12);

/** The time at a given second of the story. Every story begins at second 0. */
export function second(seconds: number): Date {
  return new Date(noon + seconds * 1000);
}

export function anOrder(facts: Partial<Order> = {}): Order {
  return {
    id: orderId,
    merchantId: 'mch_00000000000000000000000001',
    number: 'A-1',
    status: 'OPEN',
    captureMode: 'AUTOMATIC',
    currency: 'EUR',
    totalMinor,
    customerId: null,
    description: null,
    metadata: {},
    reviewReasons: [],
    closeTarget: null,
    cancelReason: null,
    createdAt: second(0),
    updatedAt: second(0),
    expiresAt: second(1800),
    paymentStatus: 'UNPAID',
    authorizedMinor: 0n,
    capturedMinor: 0n,
    refundedMinor: 0n,
    reservedMinor: 0n,
    version: 0,
    dueAt: second(1800),
    ...facts,
  };
}

/** A SUBMITTING payment of the whole order. */
export function aPayment(id: string, facts: Partial<Payment> = {}): Payment {
  return {
    id,
    orderId,
    merchantId: 'mch_00000000000000000000000001',
    method: 'CARD',
    flow: 'EMBEDDED',
    provider: 'STRIPE',
    providerAccount: 'default',
    status: 'SUBMITTING',
    captureMode: 'AUTOMATIC',
    currency: 'EUR',
    amountMinor: totalMinor,
    authorizedMinor: 0n,
    capturedMinor: 0n,
    refundedMinor: 0n,
    reservedMinor: 0n,
    appliedMinor: 0n,
    surplusMinor: 0n,
    quarantinedMinor: 0n,
    late: false,
    closeTarget: null,
    returnUrl: null,
    openId: null,
    buyerIp: null,
    description: null,
    providerPaymentId: null,
    failureReason: null,
    failureMessage: null,
    failureProviderCode: null,
    failureAttempt: null,
    evidenceSource: null,
    evidenceProviderTime: null,
    evidenceReceivedAt: null,
    createdAt: second(0),
    updatedAt: second(0),
    succeededAt: null,
    expiresAt: second(1800),
    nextAction: null,
    providerReference: null,
    checkAt: second(60),
    checkAttempts: 0,
    leasedUntil: second(60),
    askedAt: null,
    hintedAt: null,
    captureMinor: null,
    captureAttempt: 0,
    cardBrand: null,
    cardLast4: null,
    refusedCaptures: [],
    ...facts,
  };
}

/** A report from a callback with the provider time `second(at)`. SUCCEEDED captures the total unless `said` overrides it. */
export function aReport(
  paymentId: string,
  status: ReportedPaymentStatus,
  at = 10,
  said: Partial<PaymentReport> = {},
): PaymentReport {
  return {
    paymentId,
    providerPaymentId: `pi_of_${paymentId}`,
    providerReference: null,
    status,
    amountMinor: totalMinor,
    currency: 'EUR',
    capturedMinor: status === 'SUCCEEDED' ? totalMinor : null,
    failure: null,
    nextAction: null,
    card: null,
    evidence: { source: 'CALLBACK', providerTime: second(at), receivedAt: second(at) },
    ...said,
  };
}

/** A report from a query, which has no provider time. */
export function anAnswer(paymentId: string, status: ReportedPaymentStatus, at = 10): PaymentReport {
  return aReport(paymentId, status, at, { evidence: { source: 'QUERY', providerTime: null, receivedAt: second(at) } });
}

export function declined(attempt: string): PaymentFailure {
  return { reason: 'card_declined', message: 'Declined.', providerCode: 'card_declined', attempt };
}

/** One order from its creation: the state after each decision, and all events so far. */
export class OrderStory {
  held: OrderAggregate;
  readonly events: OrderEvent[] = [];
  #now = 0;

  constructor(
    order: Partial<Order> = {},
    latePaymentPolicy: LatePaymentPolicy = 'ACCEPT',
    refundLimits: readonly RefundLimit[] | null = null,
  ) {
    this.held = { order: anOrder(order), payments: [], refunds: [], latePaymentPolicy, refundLimits };
    this.decide((change) => change.recordCreation([]));
  }

  get order(): Order {
    return this.held.order;
  }

  payment(id = firstId): Payment {
    return new OrderChange(this.held, second(this.#now), systemActor).payment(id);
  }

  /** Sets the time of the next decision to `second(seconds)`. */
  passTo(seconds: number): void {
    this.#now = seconds - 1;
  }

  /** Makes a decision one second after the previous one and keeps its result, as the store does. */
  decide<T>(decision: (change: OrderChange) => T, actor: EventActor = systemActor): T {
    this.#now += 1;
    const change = new OrderChange(this.held, second(this.#now), actor);
    const result = decision(change);
    const { order, payments, refunds, latePaymentPolicy, refundLimits } = change;
    this.held = { order, payments, refunds, latePaymentPolicy, refundLimits };
    this.events.push(...change.events);
    return result;
  }

  /** Returns the types of the events that a decision makes. */
  eventsOf(decision: () => unknown): EventType[] {
    const before = this.events.length;
    decision();
    return this.events.slice(before).map(({ type }) => type);
  }

  pay(id = firstId, facts: Partial<Payment> = {}): this {
    const { captureMode, currency } = this.order;
    this.decide((change) => change.addPayment(aPayment(id, { captureMode, currency, ...facts })));
    return this;
  }

  report(report: PaymentReport): ReportOutcome {
    return this.decide((change) => applyPaymentReport(change, report));
  }

  close(target: CloseTarget = 'EXPIRED'): this {
    this.decide((change) => closeOrder(change, target, null));
    return this;
  }
}
