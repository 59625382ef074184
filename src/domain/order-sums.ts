import { minOf, sumOf } from './money.ts';
import type { Order, OrderFacts, OrderPaymentStatus, OrderSums } from './order.ts';
import { isLive, type PaymentFacts, refundableMinor } from './payment.ts';
import type { RefundFacts } from './refund.ts';

/** The sums of an order and its payment status. The first matching rule decides the status. */
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

/**
 * The refunded part of a payment's surplus: the succeeded surplus refund, and the part of other succeeded refunds that
 * exceeds the rest of the payment.
 */
export function surplusRefundedOf(payment: PaymentFacts, refunds: readonly RefundFacts[]): bigint {
  if (payment.surplusMinor === 0n) return 0n;
  const succeeded = refunds.filter(({ paymentId, status }) => paymentId === payment.id && status === 'SUCCEEDED');
  const asSurplus = sumOf(
    succeeded.filter(({ origin }) => origin === 'SURPLUS'),
    ({ amountMinor }) => amountMinor,
  );
  const otherwise = sumOf(succeeded, ({ amountMinor }) => amountMinor) - asSurplus;
  // After a failed surplus refund, other refunds return the surplus first.
  const hasFailed = refunds.some(
    ({ paymentId, origin, status }) => paymentId === payment.id && origin === 'SURPLUS' && status === 'FAILED',
  );
  const beyond = otherwise - (hasFailed ? 0n : payment.capturedMinor - payment.surplusMinor);
  return minOf(payment.surplusMinor, asSurplus + (beyond > 0n ? beyond : 0n));
}

export type OrderAction = 'PAY' | 'CANCEL' | 'CAPTURE' | 'REFUND';

/**
 * The actions that the order's own fields allow now. A command can still refuse one, for example while a capture is in
 * progress.
 */
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
