import type { OrderAggregate } from '../domain/order-change.ts';
import type { Payment } from '../domain/payment.ts';
import type { Refund } from '../domain/refund.ts';
import type { PaymentOrder, RefundName, RefundOrder } from '../providers/provider.ts';

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
    openId: payment.openId,
    buyerIp: payment.buyerIp,
    createdAt: payment.createdAt,
    expiresAt: payment.expiresAt,
    providerPaymentId: payment.providerPaymentId,
    providerReference: payment.providerReference,
  };
}

/** The same for a refund. */
export function refundOrderOf({ payments }: OrderAggregate, refund: Refund): RefundOrder {
  const payment = payments.find(({ id }) => id === refund.paymentId);
  if (payment === undefined) throw new Error(`Refund ${refund.id} is of a payment that is gone.`);
  return {
    ...{ refundId: refund.id, paymentId: payment.id, capturedMinor: payment.capturedMinor },
    amountMinor: refund.amountMinor,
    currency: refund.currency,
    reason: refund.reason,
    createdAt: refund.createdAt,
    providerPaymentId: payment.providerPaymentId,
    providerRefundId: refund.providerRefundId,
  };
}

/** How a refund is named when its provider is asked about it: one that was made in its console does not know our id. */
export function refundNameOf(held: OrderAggregate, refund: Refund): RefundName {
  const { refundId, paymentId, providerPaymentId, providerRefundId } = refundOrderOf(held, refund);
  return { paymentId, providerPaymentId, providerRefundId, refundId: refund.origin === 'PROVIDER' ? null : refundId };
}
