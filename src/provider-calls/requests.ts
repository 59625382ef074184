import type { OrderAggregate } from '../domain/order-change.ts';
import type { Payment } from '../domain/payment.ts';
import type { Refund } from '../domain/refund.ts';
import { withDeadline } from '../providers/deadline.ts';
import type { PaymentOrder, RefundName, RefundOrder } from '../providers/provider.ts';

/** The deadline in milliseconds for all provider calls of one check together. It is shorter than a lease: see `leaseMs`. */
export const callDeadlineMs = 20_000;

/** Calls a provider, once or several times, with a signal that ends the calls after `callDeadlineMs`. */
export function withinCallDeadline<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return withDeadline(null, callDeadlineMs, call);
}

/** A payment as it is sent to its provider. The values are the same for every call. */
export function paymentOrderOf({ order }: Pick<OrderAggregate, 'order'>, payment: Payment): PaymentOrder {
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

/** A refund as it is sent to its provider. The values are the same for every call. */
export function refundOrderOf({ payments }: OrderAggregate, refund: Refund): RefundOrder {
  const payment = payments.find(({ id }) => id === refund.paymentId);
  if (payment === undefined) throw new Error(`The payment of refund ${refund.id} no longer exists.`);
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

/** The ids that identify a refund in a query. Our id is left out for a refund that was made in the provider's console. */
export function refundNameOf(held: OrderAggregate, refund: Refund): RefundName {
  const { refundId, paymentId, providerPaymentId, providerRefundId } = refundOrderOf(held, refund);
  return { paymentId, providerPaymentId, providerRefundId, refundId: refund.origin === 'PROVIDER' ? null : refundId };
}
