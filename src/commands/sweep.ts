import { after } from '../domain/clock.ts';
import { claimDuePayments, delayPaymentCheck } from '../store/payment-store.ts';
import { claimDueRefunds, delayRefundCheck } from '../store/refund-store.ts';
import { apart } from './apart.ts';
import { applyDeliveries } from './apply-deliveries.ts';
import { checkPayment } from './check-payment.ts';
import { checkRefund } from './check-refund.ts';
import { expireOrders } from './close-order.ts';
import type { CommandContext } from './context.ts';

/** Providers are asked about so many payments at once; the rest waits for the next round. */
const batchMax = 8;
/** A question that fails for a reason of ours, as a provider that is not configured any more, waits so long and holds up nobody. */
const brokenDelayMs = 10 * 60_000;

export type Swept = {
  readonly deliveries: number;
  readonly payments: number;
  readonly refunds: number;
  readonly orders: number;
};

/** Takes up what is due, by whomever it was left: callbacks to apply, payments and refunds to ask about, orders to expire. */
export async function sweep(context: CommandContext): Promise<Swept> {
  const deliveries = await applyDueDeliveries(context);
  const payments = await checkDuePayments(context);
  const refunds = await checkDueRefunds(context);
  const orders = await expireDueOrders(context);
  return { deliveries, payments, refunds, orders };
}

export function applyDueDeliveries(context: CommandContext): Promise<number> {
  return applyDeliveries(context, batchMax);
}

export async function checkDuePayments(context: CommandContext): Promise<number> {
  const paymentIds = await claimDuePayments(context.db.pool, context.clock.now(), batchMax);
  await Promise.all(
    paymentIds.map((id) =>
      apart(context, { paymentId: id }, () =>
        checkPayment(context, id).catch(async (error: unknown) => {
          await delayPaymentCheck(context.db.pool, id, after(context.clock.now(), brokenDelayMs));
          throw error;
        }),
      ),
    ),
  );
  return paymentIds.length;
}

export async function checkDueRefunds(context: CommandContext): Promise<number> {
  const refundIds = await claimDueRefunds(context.db.pool, context.clock.now(), batchMax);
  await Promise.all(
    refundIds.map((id) =>
      apart(context, { refundId: id }, () =>
        checkRefund(context, id).catch(async (error: unknown) => {
          await delayRefundCheck(context.db.pool, id, after(context.clock.now(), brokenDelayMs));
          throw error;
        }),
      ),
    ),
  );
  return refundIds.length;
}

export function expireDueOrders(context: CommandContext): Promise<number> {
  return expireOrders(context, batchMax);
}
