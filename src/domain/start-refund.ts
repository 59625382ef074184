import { newId } from './ids.ts';
import { minOf } from './money.ts';
import type { OrderChange } from './order-change.ts';
import { surplusRefundedOf } from './order-sums.ts';
import { refundableMinor } from './payment.ts';
import { isReserved, type Refund, surplusRefundIdOf } from './refund.ts';
import { settleReviews } from './review.ts';

export type NewRefund = Pick<
  Refund,
  'id' | 'paymentId' | 'origin' | 'amountMinor' | 'reason' | 'checkAt' | 'leasedUntil'
> &
  Partial<Pick<Refund, 'requestedByKind' | 'requestedById' | 'approval'>>;

/**
 * Adds a pending refund and reserves its amount. This happens before the provider is called, so that the same amount
 * cannot be refunded twice. The caller checks first that the amount is refundable.
 */
export function startRefund(change: OrderChange, wanted: NewRefund): void {
  change.addRefund({ ...newRefund(change, wanted), status: 'PENDING' });
}

export function newRefund(change: OrderChange, wanted: NewRefund): Omit<Refund, 'status'> {
  const { orderId, merchantId, currency } = change.payment(wanted.paymentId);
  return {
    ...{ requestedByKind: null, requestedById: null, approval: null, decidedByKind: null, decidedById: null },
    ...wanted,
    ...{ orderId, merchantId, currency },
    providerRefundId: null,
    failureReason: null,
    failureMessage: null,
    failureProviderCode: null,
    evidenceSource: null,
    evidenceProviderTime: null,
    evidenceReceivedAt: null,
    createdAt: change.at,
    updatedAt: change.at,
    succeededAt: null,
    checkAttempts: 0,
  };
}

/**
 * Refunds the surplus of a payment that is not refunded yet. The refund is due immediately. While one is under way there is no other. After one has
 * failed, only a person starts another.
 *
 * @returns false when nothing is refunded now.
 */
export function refundSurplus(change: OrderChange, paymentId: string, by: 'rule' | 'person' = 'rule'): boolean {
  const earlier = change.refunds.filter((refund) => refund.paymentId === paymentId && refund.origin === 'SURPLUS');
  if (earlier.some(isReserved) || (by === 'rule' && earlier.some(({ status }) => status === 'FAILED'))) return false;
  const payment = change.payment(paymentId);
  const surplusMinor = payment.surplusMinor - surplusRefundedOf(payment, change.refunds);
  const amountMinor = minOf(surplusMinor, refundableMinor(payment));
  if (amountMinor <= 0n) {
    settleReviews(change);
    return false;
  }
  const id = earlier.length === 0 ? surplusRefundIdOf(paymentId) : newId('refund');
  const [origin, reason, leasedUntil] = ['SURPLUS', null, null] as const;
  startRefund(change, { id, paymentId, origin, amountMinor, reason, checkAt: change.at, leasedUntil });
  return true;
}
