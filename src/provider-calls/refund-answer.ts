import { findRefund } from '../domain/apply-refund-report.ts';
import type { OrderAggregate, OrderChange } from '../domain/order-change.ts';
import type { RefundReport } from '../domain/report.ts';

/** True when the refund failed while the provider was asked: that it succeeded may be the older news, and is asked again. */
export function isOvertaken(
  change: OrderChange,
  held: OrderAggregate,
  paymentId: string,
  report: RefundReport,
): boolean {
  const now = findRefund(change, paymentId, report);
  if (report.status !== 'SUCCEEDED' || now?.status !== 'FAILED') return false;
  if (held.refunds.some(({ id, status }) => id === now.id && status === 'FAILED')) return false;
  change.planRefund(now.id, { checkAt: change.at, leasedUntil: null });
  return true;
}
