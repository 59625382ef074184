import { minOf, sumOf } from './money.ts';
import type { OrderChange } from './order-change.ts';
import { isClosed } from './order-lifecycle.ts';
import type { PaymentFacts } from './payment.ts';

export type Shares = Pick<PaymentFacts, 'appliedMinor' | 'surplusMinor' | 'quarantinedMinor'>;

/**
 * Splits a captured amount. Each captured unit has exactly one of three places: applied to the order, surplus to be
 * refunded, or quarantined until an operator decides.
 *
 * @param capturedMinor in minor units of the order's currency. The result adds up to it.
 */
export function shareOut(change: OrderChange, capturedMinor: bigint): Shares {
  if (isClosed(change) && change.latePaymentPolicy === 'REFUND') {
    return { appliedMinor: 0n, surplusMinor: capturedMinor, quarantinedMinor: 0n };
  }
  if (isClosed(change) && change.latePaymentPolicy === 'REVIEW') {
    return { appliedMinor: 0n, surplusMinor: 0n, quarantinedMinor: capturedMinor };
  }
  return apply(change, capturedMinor);
}

/** Applies an amount up to the open amount of the order. The rest is surplus. */
export function apply(change: OrderChange, capturedMinor: bigint): Shares {
  const appliedMinor = minOf(capturedMinor, openMinorOf(change));
  return { appliedMinor, surplusMinor: capturedMinor - appliedMinor, quarantinedMinor: 0n };
}

/** The part of the order's total that is not paid yet. Only succeeded payments have an applied amount. */
export function openMinorOf({ order, payments }: OrderChange): bigint {
  return order.totalMinor - sumOf(payments, ({ appliedMinor }) => appliedMinor);
}
