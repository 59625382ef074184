import type { OrderFacts, OrderLine, OrderPaymentStatus, OrderStatus } from './order.ts';
import type { PaymentFacts, PaymentMethod, PaymentStatus } from './payment.ts';
import type { RefundFacts, RefundStatus } from './refund.ts';

export const eventTypes = [
  ...(['ORDER_CREATED', 'ORDER_CONFIRMED', 'ORDER_CLOSING', 'ORDER_CANCELED', 'ORDER_EXPIRED'] as const),
  ...(['ORDER_REVIEW_NEEDED', 'ORDER_REVIEW_RESOLVED'] as const),
  ...(['PAYMENT_STARTED', 'PAYMENT_ACTION_REQUIRED', 'PAYMENT_PROCESSING', 'PAYMENT_UNKNOWN'] as const),
  ...(['PAYMENT_AUTHORIZED', 'PAYMENT_CAPTURE_FAILED', 'PAYMENT_SUCCEEDED', 'PAYMENT_FAILED'] as const),
  ...(['PAYMENT_CANCELING', 'PAYMENT_CANCELED', 'PAYMENT_EXPIRED'] as const),
  ...(['REFUND_REQUESTED', 'REFUND_PENDING', 'REFUND_UNKNOWN', 'REFUND_SUCCEEDED', 'REFUND_FAILED'] as const),
] as const;
export type EventType = (typeof eventTypes)[number];

/** The facts that an event changed, with the values that they have since. */
export type FactChanges = {
  readonly order?: Partial<OrderFacts>;
  readonly lines?: readonly OrderLine[];
  readonly payment?: Partial<PaymentFacts>;
  readonly refund?: Partial<RefundFacts>;
  /** Why a person should look, or how they decided, in words; only on ORDER_REVIEW_NEEDED and ORDER_REVIEW_RESOLVED. */
  readonly note?: string;
  /** Who decided; only on ORDER_REVIEW_RESOLVED. */
  readonly resolvedBy?: string;
};

/** One change of one order, as it is about to be appended to the log. */
export type OrderEvent = {
  readonly type: EventType;
  readonly sequence: number;
  readonly occurredAt: Date;
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
