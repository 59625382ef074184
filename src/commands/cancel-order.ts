import { z } from 'zod';
import { isPayer } from '../domain/actor.ts';
import { NotFoundError, OrderNotCancelableError } from '../domain/errors.ts';
import { isId } from '../domain/ids.ts';
import type { OrderChange } from '../domain/order-change.ts';
import { closeOrder } from '../domain/order-lifecycle.ts';
import { closeAtProviders } from '../provider-calls/check-payment.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { changeOrder } from '../store/change-order.ts';
import { type Actor, ownOrder } from './actor.ts';
import { parseInput, text } from './input.ts';

const inputSchema = z.object({ reason: text(0, 255).nullish() });

/**
 * Cancels an order of which no money is captured. Returns the order's id. Repeating the call has no effect. The order is CLOSING until its
 * providers confirm that its payments are closed.
 *
 * @throws {OrderNotCancelableError} when it has expired, is paid, or is being captured.
 */
export async function cancelOrder(
  context: CommandContext,
  actor: Actor,
  input: { readonly orderId: string; readonly reason?: string | null | undefined },
): Promise<string> {
  const { orderId } = input;
  const { reason } = parseInput(inputSchema, { reason: input.reason });
  if (!isId('order', orderId)) throw new NotFoundError('orderId: is not an order id.');
  const payments = await changeOrder(context, 'close.intent', ownOrder(actor, orderId), (change) => {
    if (isCancelable(change)) closeOrder(change, 'CANCELED', reason ?? null);
    return change.payments;
  });
  await closeAtProviders(context, payments);
  return orderId;
}

/** False when the order is already being closed or is canceled. @throws {OrderNotCancelableError} */
function isCancelable({ order, payments, actor }: OrderChange): boolean {
  switch (order.status) {
    case 'OPEN':
      return true;
    case 'CLOSING':
    case 'CANCELED':
      return false;
    case 'EXPIRED':
      throw new OrderNotCancelableError(order.id, 'it has expired');
    case 'CONFIRMED':
      // An authorized payment can still be voided while nothing is captured.
      if (order.capturedMinor > 0n) throw new OrderNotCancelableError(order.id, 'it is paid; refund it instead');
      if (isPayer(actor.kind)) {
        throw new OrderNotCancelableError(order.id, 'its payment is authorized, so only the merchant can cancel it');
      }
      if (payments.some(({ captureMinor }) => captureMinor !== null)) {
        throw new OrderNotCancelableError(order.id, 'its payment is being captured');
      }
      return true;
  }
}
