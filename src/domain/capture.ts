import type { OrderChange } from './order-change.ts';
import type { PaymentFailure } from './payment.ts';

/**
 * Records that the provider has refused an attempt to capture an authorization, for good: repeating it gives the same answer. What has
 * become of the authorization is asked now. Recording it again changes nothing, and money that was captured after all says more.
 */
export function refuseCapture(change: OrderChange, paymentId: string, attempt: number, failure: PaymentFailure): void {
  const { status, captureAttempt, refusedCaptures } = change.payment(paymentId);
  if (status === 'SUCCEEDED' || refusedCaptures.includes(attempt)) return;
  change.record('PAYMENT_CAPTURE_FAILED', {
    payment: {
      ...{ id: paymentId, refusedCaptures: [...refusedCaptures, attempt] },
      ...{ failureReason: failure.reason, failureMessage: failure.message },
      ...{ failureProviderCode: failure.providerCode, failureAttempt: failure.attempt },
    },
  });
  if (status !== 'AUTHORIZED' || captureAttempt !== attempt) return;
  change.plan(paymentId, { captureMinor: null, leasedUntil: null, checkAt: change.at });
}
