import { claimDuePayments } from '../store/payment-store.ts';
import { apart } from './apart.ts';
import { applyDeliveries } from './apply-deliveries.ts';
import { checkPayment } from './check-payment.ts';
import { expireOrders } from './close-order.ts';
import type { CommandContext } from './context.ts';

/** Providers are asked about so many payments at once; the rest waits for the next round. */
const batchMax = 8;

export type Swept = { readonly deliveries: number; readonly payments: number; readonly orders: number };

/** Takes up what is due, by whomever it was left: callbacks to apply, payments to ask about, orders to expire. */
export async function sweep(context: CommandContext): Promise<Swept> {
  const deliveries = await applyDeliveries(context, batchMax);
  const paymentIds = await claimDuePayments(context.db.pool, context.clock.now(), batchMax);
  await Promise.all(paymentIds.map((id) => apart(context, { paymentId: id }, () => checkPayment(context, id))));
  const orders = await expireOrders(context, batchMax);
  return { deliveries, payments: paymentIds.length, orders };
}
