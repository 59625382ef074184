import { z } from 'zod';
import { closeOrder } from '../domain/decide.ts';
import { NotFoundError, OrderNotCancelableError } from '../domain/errors.ts';
import { isId } from '../domain/ids.ts';
import { claimDueOrders } from '../store/due-orders.ts';
import { apart } from './apart.ts';
import { closeAtProviders } from './check-payment.ts';
import { type Actor, type CommandContext, changeAndWake } from './context.ts';
import { parseInput, text } from './input.ts';

const inputSchema = z.object({ reason: text(0, 255).nullish() });

/** Cancels an order that is open. Repeating it is no error; the providers' word may be awaited meanwhile as CLOSING. */
export async function cancelOrder(
  context: CommandContext,
  actor: Actor,
  input: { readonly orderId: string; readonly reason?: string | null | undefined },
): Promise<string> {
  const { orderId } = input;
  const { reason } = parseInput(inputSchema, { reason: input.reason });
  if (!isId('order', orderId)) throw new NotFoundError('orderId: is not an order id.');
  const payments = await changeAndWake(context, orderId, (change) => {
    const { merchantId, status } = change.order;
    if (merchantId !== actor.merchantId) throw new NotFoundError('There is no such order.');
    if (status === 'CONFIRMED') throw new OrderNotCancelableError(orderId, 'it is paid or authorized');
    if (status === 'EXPIRED') throw new OrderNotCancelableError(orderId, 'it has expired');
    if (status === 'OPEN') closeOrder(change, 'CANCELED', reason ?? null);
    return change.payments;
  });
  await closeAtProviders(context, payments);
  return orderId;
}

/** Closes orders whose time has run out. Returns how many it looked at. */
export async function expireOrders(context: CommandContext, limit: number): Promise<number> {
  const ids = await claimDueOrders(context.db.pool, context.clock.now(), limit);
  await Promise.all(ids.map((id) => apart(context, { orderId: id }, () => expireOrder(context, id))));
  return ids.length;
}

async function expireOrder(context: CommandContext, orderId: string): Promise<void> {
  const payments = await changeAndWake(context, orderId, (change) => {
    const { status, expiresAt } = change.order;
    if (status === 'OPEN' && expiresAt <= change.at) closeOrder(change, 'EXPIRED', null);
    else change.planOrder({ dueAt: status === 'OPEN' ? expiresAt : null });
    return change.payments;
  });
  await closeAtProviders(context, payments);
}
