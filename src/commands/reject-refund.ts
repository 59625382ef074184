import { z } from 'zod';
import { rejectRefund as reject } from '../domain/refund-approval.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { changeOrder } from '../store/change-order.ts';
import { type Actor, ownOrder } from './actor.ts';
import { parseInput, text } from './input.ts';
import { findOwnRefund } from './own-refund.ts';

const inputSchema = z.object({ refundId: z.string(), reason: text(0, 255).nullish() });

/**
 * Rejects a refund that waits for another person, and releases its amount. Returns the refund's id. Repeating the call has no effect.
 *
 * @throws {RefundNotApprovableError} when it does not wait for approval.
 */
export async function rejectRefund(context: CommandContext, actor: Actor, input: unknown): Promise<string> {
  const { refundId, reason } = parseInput(inputSchema, input);
  const { orderId } = await findOwnRefund(context, actor, refundId);
  await changeOrder(context, 'refund.intent', ownOrder(actor, orderId), (change) =>
    reject(change, refundId, reason ?? null),
  );
  return refundId;
}
