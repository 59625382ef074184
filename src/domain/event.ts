import type { ActorKind } from './actor.ts';
import type { OrderFacts, OrderLine, OrderPaymentStatus, OrderStatus } from './order.ts';
import type { PaymentFacts, PaymentMethod, PaymentStatus } from './payment.ts';
import type { RefundFacts, RefundStatus } from './refund.ts';

export const eventTypes = [
  ...(['ORDER_CREATED', 'ORDER_CONFIRMED', 'ORDER_CLOSING', 'ORDER_CANCELED', 'ORDER_EXPIRED'] as const),
  ...(['ORDER_REVIEW_NEEDED', 'ORDER_REVIEW_RESOLVED'] as const),
  ...(['PAYMENT_STARTED', 'PAYMENT_ACTION_REQUIRED', 'PAYMENT_PROCESSING', 'PAYMENT_UNKNOWN'] as const),
  ...(['PAYMENT_AUTHORIZED', 'PAYMENT_CAPTURE_FAILED', 'PAYMENT_SUCCEEDED', 'PAYMENT_FAILED'] as const),
  ...(['PAYMENT_CANCELING', 'PAYMENT_CANCELED', 'PAYMENT_EXPIRED'] as const),
  ...(['REFUND_APPROVAL_NEEDED', 'REFUND_REQUESTED', 'REFUND_PENDING', 'REFUND_UNKNOWN'] as const),
  ...(['REFUND_SUCCEEDED', 'REFUND_FAILED', 'REFUND_UPDATED'] as const),
] as const;
export type EventType = (typeof eventTypes)[number];

/** The facts that an event changed, with their new values. */
export type FactChanges = {
  readonly order?: Partial<OrderFacts>;
  readonly lines?: readonly OrderLine[];
  readonly payment?: Partial<PaymentFacts>;
  readonly refund?: Partial<RefundFacts>;
  /** The reason for the review, or the operator's decision, as text. Only on ORDER_REVIEW_NEEDED and ORDER_REVIEW_RESOLVED. */
  readonly note?: string;
};

/**
 * One change of one order, to be appended to the log. `sequence` counts the order's events from 1. The statuses are those
 * after the event. `amountMinor` is the refund's or payment's amount in minor units of `currency`; null for an event of
 * the order alone.
 */
export type OrderEvent = {
  readonly type: EventType;
  readonly sequence: number;
  readonly occurredAt: Date;
  readonly actorKind: ActorKind;
  readonly actorId: string | null;
  readonly orderStatus: OrderStatus;
  readonly orderPaymentStatus: OrderPaymentStatus;
  readonly paymentId: string | null;
  readonly paymentStatus: PaymentStatus | null;
  readonly paymentMethod: PaymentMethod | null;
  readonly refundId: string | null;
  readonly refundStatus: RefundStatus | null;
  readonly amountMinor: bigint | null;
  readonly currency: string;
  readonly changes: FactChanges;
};
