import type { Database } from '../database/database.ts';
import { type EventActor, type OrderScope, providerActor } from '../domain/actor.ts';
import type { Clock } from '../domain/clock.ts';
import type { PassFailpoint, Step } from '../domain/failpoint.ts';
import type { Log } from '../domain/log.ts';
import type { OrderLine } from '../domain/order.ts';
import type { OrderChange } from '../domain/order-change.ts';
import type { ProviderName } from '../domain/payment.ts';
import { type DeliveryOutcome, type DeliveryVerdict, outcomeOf } from '../events/inbox.ts';
import { logEvents } from '../logging/command-log.ts';
import { aboutOrder } from '../logging/request-log.ts';
import type { Claim, Intent } from './idempotency-store.ts';
import type { Lookups } from './lookups.ts';
import type { ChangeWork, CommittedOrder, Found, OrderWork, OrderWriter } from './order-writer.ts';

/** The parts that a change of an order needs. */
export type WriterContext = {
  readonly db: Database;
  readonly clock: Clock;
  readonly writer: OrderWriter;
  readonly lookups: Lookups;
  readonly notifier: { notify(notification: { readonly merchantId: string; readonly orderId: string }): void };
  readonly log: Log;
  /** Called after each commit. Tests can kill the process there. */
  readonly failpoint: PassFailpoint;
  /** Called with each order that was committed. A caller may answer from it instead of reading again. */
  readonly onCommitted?: (order: CommittedOrder) => void;
};

/** The order to change, and who changes it. With `scope`, an order outside of it counts as not found. */
export type OrderRef = { readonly orderId: string; readonly actor: EventActor; readonly scope?: OrderScope };

/**
 * Changes one order: locks it, loads it, calls `decide`, writes the changed rows and their events, commits, and then notifies
 * subscribers. Concurrent changes of other orders are written in the same transaction. `decide` is a pure function of the
 * locked order and `change.at`. It may run more than once. When it throws, nothing is written.
 *
 * @throws {NotFoundError} when the order does not exist.
 */
export function changeOrder<T>(
  context: WriterContext,
  step: Step,
  ref: OrderRef,
  decide: (change: OrderChange) => T,
): Promise<T> {
  return change(context, { ...workOn(step, ref), intent: null, deliveryId: null }, (change) => ({
    ...nothingBeside,
    result: decide(change),
  }));
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
  return change(context, { ...workOn(step, ref), intent, deliveryId: null }, (change, { prior }) => ({
    ...nothingBeside,
    ...decide(change, prior),
  }));
}

/**
 * As `changeOrder`, for a delivery from a provider. `isPending` is false when another node has already processed the
 * delivery. The verdict is stored in the same transaction, so a crash leaves both or neither.
 *
 * @throws {NotFoundError} when the order does not exist.
 */
export async function changeOrderByDelivery(
  context: WriterContext,
  orderId: string,
  delivery: { readonly id: string; readonly provider: ProviderName },
  decide: (change: OrderChange, isPending: boolean) => DeliveryVerdict,
): Promise<DeliveryOutcome> {
  const work = workOn('callback.apply', { orderId, actor: providerActor(delivery) });
  const verdict = await change(context, { ...work, intent: null, deliveryId: delivery.id }, (change, { isPending }) => {
    const result = decide(change, isPending);
    return { ...nothingBeside, verdict: result, result };
  });
  return outcomeOf(verdict);
}

/**
 * Writes a new order with its lines and its first event, unless the intent's key already belongs to an order.
 *
 * @returns the id of the order to which the key belongs.
 * @throws {IdempotencyKeyReusedError} when the key was used with other input.
 * @throws {NumberTakenError} when the merchant has another order with this number.
 */
export async function insertOrderByIntent(
  context: WriterContext,
  intent: Intent,
  change: OrderChange,
  lines: readonly OrderLine[],
): Promise<string> {
  const committed = await context.writer.run({ kind: 'create', intent, change, lines });
  await context.failpoint('create.committed');
  if (committed.kind === 'found') return committed.prior.resultId;
  announce(context, committed.order);
  return committed.order.change.order.id;
}

const nothingBeside = { claim: null, verdict: null };

function workOn(step: Step, { orderId, actor, scope }: OrderRef): Omit<ChangeWork, 'intent' | 'deliveryId' | 'decide'> {
  return { kind: 'change', step, orderId, actor, scope: scope ?? null };
}

async function change<T>(
  context: WriterContext,
  work: Omit<ChangeWork, 'decide'>,
  decide: (change: OrderChange, found: Found) => { result: T; claim: Claim | null; verdict: DeliveryVerdict | null },
): Promise<T> {
  aboutOrder(context.log, work.orderId);
  const decided: { result: T }[] = [];
  const whole: OrderWork = {
    ...work,
    decide(change, found) {
      const { result, ...beside } = decide(change, found);
      decided.push({ result });
      return beside;
    },
  };
  const committed = await context.writer.run(whole);
  await context.failpoint(`${work.step}.committed`);
  const last = decided.at(-1);
  if (committed.kind === 'found' || last === undefined) throw new Error('A change was not decided. This is a bug.');
  announce(context, committed.order);
  return last.result;
}

/** Remembers the order, notifies subscribers about its committed events and logs them. */
function announce({ lookups, notifier, log, onCommitted }: WriterContext, committed: CommittedOrder): void {
  const { order, events } = committed.change;
  lookups.remember(committed.change);
  const { id: orderId, merchantId } = order;
  onCommitted?.(committed);
  if (events.length > 0) notifier.notify({ merchantId, orderId });
  for (const { type, changes } of events) {
    if (type !== 'ORDER_REVIEW_NEEDED') continue;
    const { order: facts, note } = changes;
    log.warn({ orderId, reasons: facts?.reviewReasons, note }, 'an order needs a person');
  }
  logEvents(log, orderId, events);
}
