import type { Database, Tx } from '../database/database.ts';
import { type EventActor, isVisible, type OrderScope, providerActor } from '../domain/actor.ts';
import type { Clock } from '../domain/clock.ts';
import { NotFoundError } from '../domain/errors.ts';
import type { OrderEvent } from '../domain/event.ts';
import type { PassFailpoint, Step } from '../domain/failpoint.ts';
import type { Log } from '../domain/log.ts';
import type { OrderLine } from '../domain/order.ts';
import { OrderChange } from '../domain/order-change.ts';
import type { ProviderName } from '../domain/payment.ts';
import { type DeliveryOutcome, type DeliveryVerdict, isDeliveryPending, writeVerdict } from '../events/inbox.ts';
import { logEvents } from '../logging/command-log.ts';
import { aboutOrder } from '../logging/trace.ts';
import { type Claim, claimIntent, findIntent, type Intent, insertIntent, turnOf } from './idempotency-store.ts';
import { insertOrder, loadOrder, lockOrder, writeOrder } from './order-store.ts';

/** The parts that a change of an order needs. */
export type WriterContext = {
  readonly db: Database;
  readonly clock: Clock;
  readonly notifier: { notify(notification: { readonly merchantId: string; readonly orderId: string }): void };
  readonly log: Log;
  /** Called before and after each commit. Tests can kill the process there. */
  readonly failpoint: PassFailpoint;
};

/** The order to change, and who changes it. With `scope`, an order outside of it counts as not found. */
export type OrderRef = { readonly orderId: string; readonly actor: EventActor; readonly scope?: OrderScope };

/**
 * Changes one order: locks it, loads it, calls `decide`, writes the changed rows and their events, commits, and then notifies
 * subscribers. `decide` is a pure function of the locked order and `change.at`. It may run more than once. When it throws,
 * nothing is written.
 *
 * @throws {NotFoundError} when the order does not exist.
 */
export function changeOrder<T>(
  context: WriterContext,
  step: Step,
  ref: OrderRef,
  decide: (change: OrderChange) => T,
): Promise<T> {
  return write(context, step, ref, async (change) => decide(change));
}

/**
 * As `changeOrder`, for a call with an idempotency key. `decide` receives the recorded result of the key, or null for a new
 * key. The `claim` that it returns is stored under the key in the same transaction. Null stores nothing.
 *
 * @throws {NotFoundError} when the order does not exist.
 * @throws {IdempotencyKeyReusedError} when the key was used with other input.
 */
export function changeOrderByIntent<T>(
  context: WriterContext,
  step: Step,
  ref: Required<OrderRef>,
  intent: Intent,
  decide: (change: OrderChange, prior: Claim | null) => { readonly result: T; readonly claim: Claim | null },
): Promise<T> {
  return write(context, step, ref, async (change, tx) => {
    const { result, claim } = decide(change, await findIntent(tx, intent));
    if (claim !== null) await claimIntent(tx, intent, claim, change.at);
    return result;
  });
}

/**
 * As `changeOrder`, for a delivery from a provider. `isPending` is false when another node has already processed the
 * delivery. The verdict is stored in the same transaction, so a crash leaves both or neither.
 *
 * @throws {NotFoundError} when the order does not exist.
 */
export function changeOrderByDelivery(
  context: WriterContext,
  orderId: string,
  delivery: { readonly id: string; readonly provider: ProviderName },
  decide: (change: OrderChange, isPending: boolean) => DeliveryVerdict,
): Promise<DeliveryOutcome> {
  return write(context, 'callback.apply', { orderId, actor: providerActor(delivery) }, async (change, tx) => {
    const verdict = decide(change, await isDeliveryPending(tx, delivery.id));
    return writeVerdict(tx, delivery.id, verdict, change.at);
  });
}

/**
 * Writes a new order with its lines and its first event, unless the intent's key already belongs to an order.
 *
 * @returns the id of the order to which the key belongs.
 * @throws {IdempotencyKeyReusedError} when the key was used with other input.
 */
export async function insertOrderByIntent(
  context: WriterContext,
  intent: Intent,
  change: OrderChange,
  lines: readonly OrderLine[],
): Promise<string> {
  const { db, failpoint } = context;
  const { id, merchantId } = change.order;
  const { orderId, events } = await db.transaction(async (tx) => {
    if (!(await insertIntent(tx, intent, { resultId: id, attempt: null }, change.at))) {
      const prior = await findIntent(tx, intent);
      if (prior === null)
        throw new Error('The idempotency key could not be inserted and was not found. This is a bug.');
      return { orderId: prior.resultId, events: [] };
    }
    await insertOrder(tx, change, lines);
    await failpoint('create.uncommitted');
    return { orderId: id, events: change.events };
  }, turnOf(intent));
  await failpoint('create.committed');
  announce(context, { merchantId, orderId }, events);
  return orderId;
}

async function write<T>(
  context: WriterContext,
  step: Step,
  { orderId, actor, scope }: OrderRef,
  decide: (change: OrderChange, tx: Tx) => Promise<T>,
): Promise<T> {
  aboutOrder(orderId);
  const { db, clock, failpoint } = context;
  const { change, result } = await db.transaction(async (tx) => {
    // The lock is the first statement. The first write assigns the transaction id, which is the position in the log, and
    // must happen while the lock is held.
    await lockOrder(tx, orderId);
    const held = await loadOrder(tx, orderId);
    const isHidden = held !== null && scope !== undefined && !isVisible(held.order, scope);
    if (held === null || isHidden) throw new NotFoundError('The order does not exist.');
    // The time is read while the lock is held, so that an order's events never go back in time.
    const change = new OrderChange(held, clock.now(), actor);
    const result = await decide(change, tx);
    await writeOrder(tx, held, change);
    await failpoint(`${step}.uncommitted`);
    return { change, result };
  }, orderId);
  await failpoint(`${step}.committed`);
  announce(context, { merchantId: change.order.merchantId, orderId }, change.events);
  return result;
}

/** Notifies subscribers about committed events and logs them. */
function announce(
  { notifier, log }: WriterContext,
  order: { readonly merchantId: string; readonly orderId: string },
  events: readonly OrderEvent[],
): void {
  if (events.length > 0) notifier.notify(order);
  for (const { type, changes } of events) {
    if (type !== 'ORDER_REVIEW_NEEDED') continue;
    const { order: facts, note } = changes;
    log.warn({ orderId: order.orderId, reasons: facts?.reviewReasons, note }, 'an order needs a person');
  }
  logEvents(log, order.orderId, events);
}
