import { minOf, sumOf } from './money.ts';
import { isLive, type PaymentFacts, refundableMinor } from './payment.ts';
import type { RefundFacts } from './refund.ts';

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

/** The sums and the payment status of an order; `paymentStatus` is the first of the rules that matches. */
export function sumsOf(
  order: Pick<OrderFacts, 'totalMinor'>,
  payments: readonly PaymentFacts[],
  refunds: readonly RefundFacts[],
): OrderSums {
  const authorizedMinor = sumOf(payments, (payment) => payment.authorizedMinor);
  const capturedMinor = sumOf(payments, (payment) => payment.capturedMinor);
  const refundedMinor = sumOf(payments, (payment) => payment.refundedMinor);
  const reservedMinor = sumOf(payments, (payment) => payment.reservedMinor);
  const surplusMinor = sumOf(payments, (payment) => payment.surplusMinor);
  const surplusRefundedMinor = sumOf(payments, (payment) => surplusRefundedOf(payment, refunds));
  const keptMinor = capturedMinor - surplusMinor;
  const keptRefundedMinor = refundedMinor - surplusRefundedMinor;
  const paymentStatus = ((): OrderPaymentStatus => {
    if (surplusMinor > surplusRefundedMinor) return 'OVERPAID';
    if (capturedMinor > 0n && refundedMinor === capturedMinor) return 'REFUNDED';
    if (keptRefundedMinor > 0n) return 'PARTIALLY_REFUNDED';
    if (keptMinor >= order.totalMinor) return 'PAID';
    if (keptMinor > 0n) return 'PARTIALLY_PAID';
    if (authorizedMinor >= order.totalMinor) return 'AUTHORIZED';
    if (payments.some(isLive)) return 'PENDING';
    return 'UNPAID';
  })();
  return { paymentStatus, authorizedMinor, capturedMinor, refundedMinor, reservedMinor };
}

/** How much of a payment's surplus is back: what went back as such, and what other refunds took beyond the rest of the payment. */
export function surplusRefundedOf(payment: PaymentFacts, refunds: readonly RefundFacts[]): bigint {
  if (payment.surplusMinor === 0n) return 0n;
  const back = refunds.filter(({ paymentId, status }) => paymentId === payment.id && status === 'SUCCEEDED');
  const asSurplus = sumOf(
    back.filter(({ origin }) => origin === 'SURPLUS'),
    ({ amountMinor }) => amountMinor,
  );
  const otherwise = sumOf(back, ({ amountMinor }) => amountMinor) - asSurplus;
  // Where it could not go back by itself, whoever refunds means it first.
  const hasFailed = refunds.some(
    ({ paymentId, origin, status }) => paymentId === payment.id && origin === 'SURPLUS' && status === 'FAILED',
  );
  const beyond = otherwise - (hasFailed ? 0n : payment.capturedMinor - payment.surplusMinor);
  return minOf(payment.surplusMinor, asSurplus + (beyond > 0n ? beyond : 0n));
}

export type OrderAction = 'PAY' | 'CANCEL' | 'CAPTURE' | 'REFUND';

/** What may be done with the order now, as far as the order itself says: a refund or a capture that is under way is not seen here. */
export function allowedActionsOf(
  order: Pick<
    Order,
    'status' | 'expiresAt' | 'captureMode' | 'authorizedMinor' | 'capturedMinor' | 'refundedMinor' | 'reservedMinor'
  >,
  now: Date,
): OrderAction[] {
  const isOpen = order.status === 'OPEN' && order.expiresAt > now;
  const isHeld = order.status === 'CONFIRMED' && order.authorizedMinor > 0n && order.capturedMinor === 0n;
  return [
    ...(isOpen ? (['PAY'] as const) : []),
    ...(isOpen || isHeld ? (['CANCEL'] as const) : []),
    ...(isHeld && order.captureMode === 'MANUAL' ? (['CAPTURE'] as const) : []),
    ...(refundableMinor(order) > 0n ? (['REFUND'] as const) : []),
  ];
}
