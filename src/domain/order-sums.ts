import { minOf, sumOf } from './money.ts';
import type { Order, OrderFacts, OrderPaymentStatus, OrderSums } from './order.ts';
import { isLive, type PaymentFacts, refundableMinor } from './payment.ts';
import type { RefundFacts } from './refund.ts';

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
