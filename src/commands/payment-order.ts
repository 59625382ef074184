import type { OrderAggregate } from '../domain/order-change.ts';
import type { Payment } from '../domain/payment.ts';
import type { PaymentOrder } from '../providers/provider.ts';

/** A provider's answer is waited for so long; whoever takes a payment up after a crash waits for longer than that. */
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
