import type { OrderAggregate } from '../domain/order-change.ts';
import type { Payment } from '../domain/payment.ts';
import type { Refund } from '../domain/refund.ts';
import type { PaymentOrder, RefundOrder } from '../providers/provider.ts';

/** A provider is waited for so long, all questions of one check together; whoever takes a payment up after a crash waits longer. */
export const callDeadlineMs = 20_000;

/** A payment as its provider is told of it, every time the same. */
export function paymentOrderOf({ order }: OrderAggregate, payment: Payment): PaymentOrder {
  return {
    paymentId: payment.id,
    orderNumber: order.number,
    flow: payment.flow,
    amountMinor: payment.amountMinor,
    currency: payment.currency,
    captureMode: payment.captureMode,
    description: payment.description,
    returnUrl: payment.returnUrl,
    createdAt: payment.createdAt,
    expiresAt: payment.expiresAt,
    providerPaymentId: payment.providerPaymentId,
    providerReference: payment.providerReference,
  };
}

/** The same for a refund. */
export function refundOrderOf({ payments }: OrderAggregate, refund: Refund): RefundOrder {
  return {
    refundId: refund.id,
    paymentId: refund.paymentId,
    amountMinor: refund.amountMinor,
    currency: refund.currency,
    reason: refund.reason,
    createdAt: refund.createdAt,
    providerPaymentId: payments.find(({ id }) => id === refund.paymentId)?.providerPaymentId ?? null,
    providerRefundId: refund.providerRefundId,
  };
}
