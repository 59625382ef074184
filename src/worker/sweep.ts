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

/** The maximum number of concurrent work items of one kind, per provider and node. It limits the concurrent calls to the provider. */
export const concurrencyPerProvider = 8;
/** The maximum number of orders that expire concurrently, for each node. Expiring an order waits for no provider. */
export const concurrencyForOrders = 8;
/** A check that fails because of a bug is retried after this time, so that it does not block other checks. */
const brokenDelayMs = 10 * 60_000;

export type Swept = {
  readonly deliveries: number;
  readonly payments: number;
  readonly refunds: number;
  readonly orders: number;
};

/**
 * Creates the lanes of the background work: one for each kind of work and provider, so that a provider that does not
 * answer does not delay the others. Work of accounts that are not configured is not processed: see
 * `reportUnconfigured`.
 *
 * @param names the configured providers, including those that are added to the context later.
 */
export function openLanes(context: CommandContext, names: readonly ProviderName[]): readonly Lane[] {
  const laneKinds = [deliveryLane, paymentLane, refundLane];
  return [expiryLane(context), ...laneKinds.flatMap((laneOf) => names.map((name) => laneOf(context, name)))];
}

/**
 * Runs one background round: processes overdue work from any node. It applies callbacks, expires orders, and checks
 * payments and refunds. Resolves when all started work has ended. Payments come after orders, because expired orders
 * leave payments to be closed at their providers.
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

/** Runs one round of each lane. If a claim fails, this waits for the pieces that the other lanes have started, and then rejects. */
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

/** Claims due work of a provider. Claims nothing while the provider is not open. */
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
  return createLane(
    `callbacks of ${name}`,
    concurrencyPerProvider,
    claimAt(context, name, claimDueDeliveries),
    (delivery) => applyDelivery(context, delivery),
  );
}

function paymentLane(context: CommandContext, name: ProviderName): Lane {
  return createLane(
    `payments of ${name}`,
    concurrencyPerProvider,
    claimAt(context, name, claimDuePayments),
    (paymentId) =>
      runIsolated(context, { paymentId }, () =>
        logCommand(context.log, 'checkPayment', { paymentId }, () => checkPayment(context, paymentId)).catch(
          async (error: unknown) => {
            if (overloadIn(error) !== null) throw error; // the database does not answer: the payment is due again after its lease
            await delayPaymentCheck(context.db.pool, paymentId, after(context.clock.now(), brokenDelayMs));
            throw error;
          },
        ),
      ),
  );
}

function refundLane(context: CommandContext, name: ProviderName): Lane {
  return createLane(`refunds of ${name}`, concurrencyPerProvider, claimAt(context, name, claimDueRefunds), (refundId) =>
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
    concurrencyForOrders,
    (limit) => claimDueOrders(context.db.pool, context.clock.now(), limit),
    (orderId) =>
      runIsolated(context, { orderId }, () =>
        logCommand(context.log, 'expireOrder', { orderId }, () => expireOrder(context, orderId)),
      ),
  );
}
