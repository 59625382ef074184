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

/** What an order, or a payment, that is being closed is on its way to. */
export type CloseTarget = 'CANCELED' | 'EXPIRED';

/** What becomes of money that arrives after its order was closed. */
export const latePaymentPolicies = ['ACCEPT', 'REFUND', 'REVIEW'] as const;
export type LatePaymentPolicy = (typeof latePaymentPolicies)[number];

export type OrderLine = {
  readonly position: number;
  readonly sku: string | null;
  readonly name: string;
  readonly quantity: number;
  readonly unitMinor: bigint;
};

/** What is so about an order of itself. Changes only together with an event, which carries the new values. */
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

/** What follows from the payments and refunds of an order. */
export type OrderSums = {
  readonly paymentStatus: OrderPaymentStatus;
  readonly authorizedMinor: bigint;
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
  readonly reservedMinor: bigint;
};

export type Order = OrderFacts & OrderSums & { readonly version: number; readonly dueAt: Date | null };

const followers: Readonly<Record<OrderStatus, readonly OrderStatus[]>> = {
  OPEN: ['CLOSING', 'CONFIRMED'],
  CLOSING: ['CANCELED', 'EXPIRED', 'CONFIRMED'],
  CONFIRMED: ['OPEN', 'CLOSING', 'CANCELED', 'EXPIRED'], // only while nothing is captured: an authorization may be given back, or lapse
  CANCELED: ['CONFIRMED'], // late money that the merchant's policy accepts
  EXPIRED: ['CONFIRMED'],
};

export function mayFollowOrder(held: OrderStatus, next: OrderStatus): boolean {
  return followers[held].includes(next);
}
