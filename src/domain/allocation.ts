import { minOf, sumOf } from './money.ts';
import type { OrderChange } from './order-change.ts';
import { isClosed } from './order-lifecycle.ts';
import type { PaymentFacts } from './payment.ts';

export type Shares = Pick<PaymentFacts, 'appliedMinor' | 'surplusMinor' | 'quarantinedMinor'>;

/** Every captured unit is applied to the order, on its way back, or waiting for a person: never two of these, never none. */
export function shareOut(change: OrderChange, capturedMinor: bigint): Shares {
  if (isClosed(change) && change.latePaymentPolicy === 'REFUND') {
    return { appliedMinor: 0n, surplusMinor: capturedMinor, quarantinedMinor: 0n };
  }
  if (isClosed(change) && change.latePaymentPolicy === 'REVIEW') {
    return { appliedMinor: 0n, surplusMinor: 0n, quarantinedMinor: capturedMinor };
  }
  return apply(change, capturedMinor);
}

/** As much as the order lacks is applied; the rest is surplus. */
export function apply(change: OrderChange, capturedMinor: bigint): Shares {
  const appliedMinor = minOf(capturedMinor, openMinorOf(change));
  return { appliedMinor, surplusMinor: capturedMinor - appliedMinor, quarantinedMinor: 0n };
}

/** What the order still lacks. A payment that has not succeeded yet has nothing applied. */
export function openMinorOf({ order, payments }: OrderChange): bigint {
  return order.totalMinor - sumOf(payments, ({ appliedMinor }) => appliedMinor);
}
