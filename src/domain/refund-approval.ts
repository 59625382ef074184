import type { EventActor } from './actor.ts';
import { endUnapproved, handleReleasedAmount } from './apply-refund-report.ts';
import { ForbiddenError, RefundNotApprovableError } from './errors.ts';
import type { RefundLimit } from './order.ts';
import type { OrderChange } from './order-change.ts';
import type { Refund } from './refund.ts';

/**
 * True when a refund that this actor requests waits until another person approves it: an operator's refunds of the order that nobody
 * approved, together with this one, exceed the merchant's limit. Splitting a refund therefore does not avoid the limit.
 */
export function needsApproval({ order, refunds, refundLimits, actor }: OrderChange, amountMinor: bigint): boolean {
  if (actor.kind !== 'OPERATOR' || refundLimits === null) return false;
  // One that failed by the word of an operator counts: the money may be gone.
  const unapproved = refunds.filter(
    ({ requestedByKind, approval, status, evidenceSource }) =>
      requestedByKind === 'OPERATOR' && approval === null && (status !== 'FAILED' || evidenceSource === 'OPERATOR'),
  );
  const sumMinor = unapproved.reduce((sum, refund) => sum + refund.amountMinor, amountMinor);
  return sumMinor > limitIn(refundLimits, order.currency);
}

/** A currency without a limit has the limit zero: every refund in it waits. */
function limitIn(limits: readonly RefundLimit[], currency: string): bigint {
  return limits.find((limit) => limit.currency === currency)?.amountMinor ?? 0n;
}

/**
 * Approves a refund that waits for it. The caller submits the refund next, or leaves it to its check. Returns false when it was approved
 * before.
 *
 * @throws {ForbiddenError} when the same person requested it. @throws {RefundNotApprovableError} when it does not wait for approval.
 */
export function approveRefund(change: OrderChange, refundId: string): boolean {
  const refund = change.refund(refundId);
  if (refund.approval === 'APPROVED') return false;
  requireWaiting(refund);
  if (isSame(refund, change.actor)) {
    throw new ForbiddenError('You requested this refund: another person must approve it.');
  }
  change.record('REFUND_REQUESTED', {
    payment: { id: refund.paymentId },
    refund: { id: refundId, approval: 'APPROVED', ...decidedBy(change.actor) },
  });
  return true;
}

/**
 * Rejects a refund that waits for approval, and releases its amount. Who requested it may withdraw it so. A repetition has no effect.
 *
 * @throws {RefundNotApprovableError} when it does not wait for approval.
 */
export function rejectRefund(change: OrderChange, refundId: string, reason: string | null): void {
  const refund = change.refund(refundId);
  if (refund.approval === 'REJECTED') return;
  requireWaiting(refund);
  endUnapproved(change, refund, 'rejected', reason ?? 'The refund was not approved.');
  handleReleasedAmount(change, refund.paymentId);
}

function requireWaiting({ id, approval, status }: Refund): void {
  if (approval === 'NEEDED' && status === 'PENDING') return;
  throw new RefundNotApprovableError(id, approval === null ? 'it needs no approval' : 'it has been decided');
}

function isSame({ requestedByKind, requestedById }: Refund, { kind, id }: EventActor): boolean {
  return requestedByKind === kind && requestedById === id;
}

function decidedBy({ kind, id }: EventActor): Pick<Refund, 'decidedByKind' | 'decidedById'> {
  return { decidedByKind: kind, decidedById: id };
}
