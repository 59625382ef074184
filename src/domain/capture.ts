import type { OrderChange } from './order-change.ts';
import type { PaymentFailure } from './payment.ts';

/**
 * Records that the provider refused an attempt to capture an authorization. The refusal is final: a repeated request
 * returns the same answer. The state of the authorization is checked immediately.
 *
 * Duplicates have no effect. A refusal has no effect on a payment that succeeded either: the captured money is stronger
 * evidence.
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
