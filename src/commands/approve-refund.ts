import { leasedFrom } from '../domain/lease.ts';
import { approveRefund as approve } from '../domain/refund-approval.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { submitRefund } from '../provider-calls/refunds.ts';
import { changeOrder } from '../store/change-order.ts';
import { type Actor, ownOrder } from './actor.ts';
import { findOwnRefund } from './own-refund.ts';

/**
 * Approves a refund that waits for another person, and submits it to its provider. Returns the refund's id. Repeating the call has no effect.
 *
 * @throws {ForbiddenError} when the caller requested it. @throws {RefundNotApprovableError} when it does not wait for approval.
 */
export async function approveRefund(context: CommandContext, actor: Actor, refundId: string): Promise<string> {
  const { orderId } = await findOwnRefund(context, actor, refundId);
  const isApproved = await changeOrder(context, 'refund.intent', ownOrder(actor, orderId), (change) => {
    if (!approve(change, refundId)) return false;
    change.planRefund(refundId, leasedFrom(change.at));
    return true;
  });
  if (isApproved) await submitRefund(context, orderId, refundId);
  return refundId;
}
