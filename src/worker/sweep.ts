import { type Database, overloadIn } from '../database/database.ts';
import { after } from '../domain/clock.ts';
import { claimDueDeliveries } from '../events/inbox.ts';
import { logCommand } from '../logging/command-log.ts';
import { checkPayment } from '../provider-calls/check-payment.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { checkRefund } from '../provider-calls/refunds.ts';
import { type AccountWork, findDueAccounts } from '../store/due-accounts.ts';
import { claimDueOrders } from '../store/due-orders.ts';
import { claimDuePayments, delayPaymentCheck, type ProviderAccount } from '../store/payment-store.ts';
import { claimDueRefunds, delayRefundCheck } from '../store/refund-store.ts';
import { applyDelivery } from './apply-delivery.ts';
import { expireOrder } from './expire-order.ts';
import { createLane, createLaneByAccount, type Lane } from './lane.ts';
import { runIsolated } from './run-isolated.ts';

/** The maximum number of concurrent work items of one kind, per account and node. It limits the concurrent calls to the provider. */
export const concurrencyPerAccount = 8;
/** The maximum number of orders that expire concurrently, for each node. Expiring an order waits for no provider. */
export const concurrencyForOrders = 8;
/** A check that fails because of a bug is retried after this time, so that it does not block other checks. */
const brokenDelayMs = 10 * 60_000;

const accountWorks: readonly AccountWork[] = ['callbacks', 'payments', 'refunds'];

export type Swept = {
  readonly deliveries: number;
  readonly payments: number;
  readonly refunds: number;
  readonly orders: number;
};

/**
 * Creates the lanes of the background work: one for each kind of work, with a lane for each provider account in it, so
 * that an account that does not answer does not delay the others. Accounts that are added later get theirs as well. Work
 * of accounts that are not configured is not processed: see `reportUnconfigured`.
 */
export function openLanes(context: CommandContext): readonly Lane[] {
  return [expiryLane(context), ...accountWorks.map((work) => laneByAccount(context, work))];
}

function laneByAccount(context: CommandContext, work: AccountWork): Lane {
  const { accounts, clock, db } = context;
  const findDue = async () => {
    const due = await findDueAccounts(db.pool, work, clock.now());
    const open = due.map((of) => accounts.find({ ...of, merchantId: null })).filter((provider) => provider !== null);
    return new Map(open.map(({ name, account }) => [`${name} ${account}`, { name, account }]));
  };
  return createLaneByAccount(work, findDue, (account: ProviderAccount) => lanesOf[work](context, account));
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
  return runToTheEnd(context.accounts.all().map((account) => deliveryLane(context, account)));
}

export function checkDuePayments(context: CommandContext): Promise<number> {
  return runToTheEnd(context.accounts.all().map((account) => paymentLane(context, account)));
}

function checkDueRefunds(context: CommandContext): Promise<number> {
  return runToTheEnd(context.accounts.all().map((account) => refundLane(context, account)));
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

/** Claims due work of an account. */
function claimAt<T>(
  { db, clock }: CommandContext,
  account: ProviderAccount,
  claim: (on: Database['pool'], account: ProviderAccount, now: Date, limit: number) => Promise<T[]>,
): (limit: number) => Promise<T[]> {
  return (limit) => claim(db.pool, account, clock.now(), limit);
}

function laneName(work: AccountWork, { name, account }: ProviderAccount): string {
  return `${work} of ${name} (${account})`;
}

function deliveryLane(context: CommandContext, account: ProviderAccount): Lane {
  return createLane(
    laneName('callbacks', account),
    concurrencyPerAccount,
    claimAt(context, account, claimDueDeliveries),
    (delivery) => applyDelivery(context, delivery),
  );
}

function paymentLane(given: CommandContext, account: ProviderAccount): Lane {
  return createLane(
    laneName('payments', account),
    concurrencyPerAccount,
    claimAt(given, account, claimDuePayments),
    (paymentId) =>
      runIsolated(given, { paymentId }, (context) =>
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

function refundLane(given: CommandContext, account: ProviderAccount): Lane {
  return createLane(
    laneName('refunds', account),
    concurrencyPerAccount,
    claimAt(given, account, claimDueRefunds),
    (refundId) =>
      runIsolated(given, { refundId }, (context) =>
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

const lanesOf = { callbacks: deliveryLane, payments: paymentLane, refunds: refundLane };

function expiryLane(given: CommandContext): Lane {
  return createLane(
    'orders that expire',
    concurrencyForOrders,
    (limit) => claimDueOrders(given.db.pool, given.clock.now(), limit),
    (orderId) =>
      runIsolated(given, { orderId }, (context) =>
        logCommand(context.log, 'expireOrder', { orderId }, () => expireOrder(context, orderId)),
      ),
  );
}
