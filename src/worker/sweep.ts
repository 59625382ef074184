import { type Database, overloadIn } from '../database/database.ts';
import { after } from '../domain/clock.ts';
import type { ProviderName } from '../domain/payment.ts';
import { claimDueDeliveries } from '../events/inbox.ts';
import { logCommand } from '../logging/command-log.ts';
import { checkPayment } from '../provider-calls/check-payment.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { checkRefund } from '../provider-calls/refunds.ts';
import type { PaymentProvider } from '../providers/provider.ts';
import { claimDueOrders } from '../store/due-orders.ts';
import { claimDuePayments, delayPaymentCheck } from '../store/payment-store.ts';
import { claimDueRefunds, delayRefundCheck } from '../store/refund-store.ts';
import { applyDelivery } from './apply-delivery.ts';
import { expireOrder } from './expire-order.ts';
import { createLane, type Lane } from './lane.ts';
import { runIsolated } from './run-isolated.ts';

/** So many pieces of each kind are under way at one provider, for each node: as many questions it is asked at once. */
export const placesPerProvider = 8;
/** So many orders expire at once, for each node: no provider is waited for. */
export const placesForOrders = 8;
/** A question that fails for a bug of ours waits so long, and is in nobody's way. */
const brokenDelayMs = 10 * 60_000;

export type Swept = {
  readonly deliveries: number;
  readonly payments: number;
  readonly refunds: number;
  readonly orders: number;
};

/**
 * The background work, each kind at each provider for itself, so that a provider that does not answer holds up no other. What belongs to
 * an account that is not configured is nobody's: see `reportUnconfigured`.
 * @param names the providers that there are lanes for, also of one that is to come into the context later.
 */
export function openLanes(context: CommandContext, names: readonly ProviderName[]): readonly Lane[] {
  const laneKinds = [deliveryLane, paymentLane, refundLane];
  return [expiryLane(context), ...laneKinds.flatMap((laneOf) => names.map((name) => laneOf(context, name)))];
}

/**
 * One round of everything that is due, by whomever it was left: callbacks to apply, orders to expire, payments and refunds to ask about.
 * Resolves when all that was begun has ended. Payments come after orders, which leave closing them at their providers to be done.
 */
export async function sweep(context: CommandContext): Promise<Swept> {
  const deliveries = await applyDueDeliveries(context);
  const orders = await expireDueOrders(context);
  const payments = await checkDuePayments(context);
  const refunds = await checkDueRefunds(context);
  return { deliveries, payments, refunds, orders };
}

export function applyDueDeliveries(context: CommandContext): Promise<number> {
  return runToTheEnd(context.providers.map(({ name }) => deliveryLane(context, name)));
}

export function checkDuePayments(context: CommandContext): Promise<number> {
  return runToTheEnd(context.providers.map(({ name }) => paymentLane(context, name)));
}

export function checkDueRefunds(context: CommandContext): Promise<number> {
  return runToTheEnd(context.providers.map(({ name }) => refundLane(context, name)));
}

export function expireDueOrders(context: CommandContext): Promise<number> {
  return runToTheEnd([expiryLane(context)]);
}

/** Also when a claim fails, what others have begun ends before anybody hears of it. */
async function runToTheEnd(lanes: readonly Lane[]): Promise<number> {
  const claims = await Promise.allSettled(lanes.map((lane) => lane.runOnce()));
  await Promise.all(lanes.map((lane) => lane.idle()));
  let taken = 0;
  for (const claim of claims) {
    if (claim.status === 'rejected') throw claim.reason;
    taken += claim.value.taken;
  }
  return taken;
}

/** Claims what is due at a provider, once it is there. */
function claimAt<T>(
  { db, clock, providers }: CommandContext,
  name: ProviderName,
  claim: (on: Database['pool'], provider: PaymentProvider, now: Date, limit: number) => Promise<T[]>,
): (limit: number) => Promise<T[]> {
  return async (limit) => {
    const provider = providers.find((candidate) => candidate.name === name);
    return provider === undefined ? [] : claim(db.pool, provider, clock.now(), limit);
  };
}

function deliveryLane(context: CommandContext, name: ProviderName): Lane {
  return createLane(`callbacks of ${name}`, placesPerProvider, claimAt(context, name, claimDueDeliveries), (delivery) =>
    applyDelivery(context, delivery),
  );
}

function paymentLane(context: CommandContext, name: ProviderName): Lane {
  return createLane(`payments of ${name}`, placesPerProvider, claimAt(context, name, claimDuePayments), (paymentId) =>
    runIsolated(context, { paymentId }, () =>
      logCommand(context.log, 'checkPayment', { paymentId }, () => checkPayment(context, paymentId)).catch(
        async (error: unknown) => {
          if (overloadIn(error) !== null) throw error; // the lease brings it back, when the database is there again
          await delayPaymentCheck(context.db.pool, paymentId, after(context.clock.now(), brokenDelayMs));
          throw error;
        },
      ),
    ),
  );
}

function refundLane(context: CommandContext, name: ProviderName): Lane {
  return createLane(`refunds of ${name}`, placesPerProvider, claimAt(context, name, claimDueRefunds), (refundId) =>
    runIsolated(context, { refundId }, () =>
      logCommand(context.log, 'checkRefund', { refundId }, () => checkRefund(context, refundId)).catch(
        async (error: unknown) => {
          if (overloadIn(error) !== null) throw error;
          await delayRefundCheck(context.db.pool, refundId, after(context.clock.now(), brokenDelayMs));
          throw error;
        },
      ),
    ),
  );
}

function expiryLane(context: CommandContext): Lane {
  return createLane(
    'orders that expire',
    placesForOrders,
    (limit) => claimDueOrders(context.db.pool, context.clock.now(), limit),
    (orderId) =>
      runIsolated(context, { orderId }, () =>
        logCommand(context.log, 'expireOrder', { orderId }, () => expireOrder(context, orderId)),
      ),
  );
}
