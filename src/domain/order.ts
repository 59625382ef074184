export const orderStatuses = ['OPEN', 'CLOSING', 'CONFIRMED', 'CANCELED', 'EXPIRED'] as const;
export type OrderStatus = (typeof orderStatuses)[number];

export const orderPaymentStatuses = [
  ...(['UNPAID', 'PENDING', 'AUTHORIZED', 'PARTIALLY_PAID', 'PAID', 'OVERPAID'] as const),
  ...(['PARTIALLY_REFUNDED', 'REFUNDED'] as const),
] as const;
export type OrderPaymentStatus = (typeof orderPaymentStatuses)[number];

export const captureModes = ['AUTOMATIC', 'MANUAL'] as const;
export type CaptureMode = (typeof captureModes)[number];

export const reviewReasons = [
  'LATE_PAYMENT',
  'SURPLUS',
  'AMOUNT_MISMATCH',
  'STUCK_UNKNOWN',
  'REFUND_ABNORMAL',
  'UNREADABLE_CALLBACK',
] as const;
export type ReviewReason = (typeof reviewReasons)[number];

/** The final status of an order or payment that is being closed. */
export type CloseTarget = 'CANCELED' | 'EXPIRED';

/**
 * What happens to money that arrives after its order was closed. ACCEPT confirms the order, REFUND refunds the money, and
 * REVIEW quarantines it until an operator decides.
 */
export const latePaymentPolicies = ['ACCEPT', 'REFUND', 'REVIEW'] as const;
/** An operator's refunds of one order above this amount wait for another person. */
export type RefundLimit = { readonly currency: string; readonly amountMinor: bigint };

export type LatePaymentPolicy = (typeof latePaymentPolicies)[number];

/** One line of an order. `unitMinor` is the price of one unit in minor units of the order's currency. */
export type OrderLine = {
  readonly position: number;
  readonly sku: string | null;
  readonly name: string;
  readonly quantity: number;
  readonly unitMinor: bigint;
};

/** The facts of an order. They change only together with an event, which carries the new values. */
export type OrderFacts = {
  readonly id: string;
  readonly merchantId: string;
  readonly number: string;
  readonly status: OrderStatus;
  readonly captureMode: CaptureMode;
  readonly currency: string;
  readonly totalMinor: bigint;
  readonly customerId: string | null;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly reviewReasons: readonly ReviewReason[];
  readonly closeTarget: CloseTarget | null;
  readonly cancelReason: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly expiresAt: Date;
};

/** The values that are derived from the payments and refunds of an order. Amounts are in minor units of its currency. */
export type OrderSums = {
  readonly paymentStatus: OrderPaymentStatus;
  readonly authorizedMinor: bigint;
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
  readonly reservedMinor: bigint;
};

/**
 * `version` is the sequence of the order's last event. `dueAt` is when its expiry is processed next; null when the order
 * cannot expire.
 */
export type Order = OrderFacts & OrderSums & { readonly version: number; readonly dueAt: Date | null };
