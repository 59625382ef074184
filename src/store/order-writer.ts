import type { Database } from '../database/database.ts';
import { createGatherer, type Gatherer, type Outcome, RefusedBatchError } from '../database/gatherer.ts';
import { type EventActor, isVisible, type OrderScope } from '../domain/actor.ts';
import type { Clock } from '../domain/clock.ts';
import { NotFoundError } from '../domain/errors.ts';
import type { PassFailpoint, Step } from '../domain/failpoint.ts';
import type { OrderLine } from '../domain/order.ts';
import { OrderChange } from '../domain/order-change.ts';
import type { DeliveryVerdict } from '../events/inbox.ts';
import { type Claim, claimOf, type Intent, nameOfIntent } from './idempotency-store.ts';
import {
  type BatchLock,
  heldIn,
  type Loaded,
  loadedIn,
  loadingOf,
  lockingOf,
  nameOfNumber,
  type OrderPosition,
  positionIn,
  uniqueConstraints,
  type Wanted,
  type Written,
  writingOf,
} from './order-batch.ts';

/** The maximum number of orders that one transaction writes. */
export const batchSizeMax = 64;

/** What the database knew when an order was locked. */
export type Found = {
  /** The recorded result of the intent's key; null for a new key, and without an intent. */
  readonly prior: Claim | null;
  /** False when another node has already processed the delivery. */
  readonly isPending: boolean;
};

/** What is stored beside the changed order, in the same transaction. */
export type Beside = { readonly claim: Claim | null; readonly verdict: DeliveryVerdict | null };

/** A change of one order. */
export type ChangeWork = {
  readonly kind: 'change';
  readonly step: Step;
  readonly orderId: string;
  readonly actor: EventActor;
  /** An order outside of it counts as not found. Null for all orders. */
  readonly scope: OrderScope | null;
  readonly intent: Intent | null;
  readonly deliveryId: string | null;
  /** Pure. May run more than once: the last run is the one that was written. When it throws, nothing of this order is written. */
  decide(change: OrderChange, found: Found): Beside;
};

/** A new order under an idempotency key. */
export type CreateWork = {
  readonly kind: 'create';
  readonly intent: Intent;
  readonly change: OrderChange;
  readonly lines: readonly OrderLine[];
};

export type OrderWork = ChangeWork | CreateWork;

/** An order as it was committed. `lines` is null unless the order is new. */
export type CommittedOrder = {
  readonly change: OrderChange;
  readonly position: OrderPosition;
  readonly lines: readonly OrderLine[] | null;
};

/** What was committed. */
export type Committed =
  | { readonly kind: 'written'; readonly order: CommittedOrder }
  /** The key of a new order already belongs to this result; nothing was written. */
  | { readonly kind: 'found'; readonly prior: Claim };

/** The number of a new order belongs to another order of the merchant. */
export class NumberTakenError extends Error {}

/** Another transaction has committed one of the keys since the batch was loaded. */
class KeyClaimedError extends Error {}

/**
 * The only writer of orders, payments, refunds, events and idempotency keys. Concurrent changes are written together: one
 * transaction locks the orders, loads them, decides each, and writes all of them.
 */
export type OrderWriter = Gatherer<OrderWork, Committed>;

export type OrderWriterParts = {
  readonly db: Pick<Database, 'changeLocked'>;
  readonly clock: Clock;
  /** Called before and after each commit. Tests can kill the process there. */
  readonly failpoint: PassFailpoint;
};

export function createOrderWriter(parts: OrderWriterParts): OrderWriter {
  return createGatherer({
    name: 'orders',
    sizeMax: batchSizeMax,
    keysOf: (work) => locksOf(work).map(({ name }) => name),
    run: (works, mayWait) => runUnclaimed(parts, works, mayWait),
  });
}

function locksOf(work: OrderWork): readonly BatchLock[] {
  const { intent } = work;
  const unique = intent === null ? [] : [{ kind: 'unique', name: nameOfIntent(intent) } as const];
  if (work.kind === 'change') return [{ kind: 'order', name: work.orderId }, ...unique];
  return [...unique, { kind: 'unique', name: nameOfNumber(work.change.order) }];
}

type Result = Outcome<Committed>;

/** How often a single work is repeated whose key another node has just claimed: the next load finds that claim. */
const claimedTriesMax = 3;

async function runUnclaimed(
  parts: OrderWriterParts,
  works: readonly OrderWork[],
  mayWait: boolean,
): Promise<readonly Result[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await runBatch(parts, works, mayWait);
    } catch (error) {
      const isClaimed = error instanceof RefusedBatchError && error.cause instanceof KeyClaimedError;
      if (!isClaimed || works.length > 1 || tries === claimedTriesMax) throw error;
    }
  }
}

async function runBatch(
  { db, clock, failpoint }: OrderWriterParts,
  works: readonly OrderWork[],
  mayWait: boolean,
): Promise<readonly Result[]> {
  let decided: readonly Decided[] = [];
  try {
    const written = await db.changeLocked({
      lock: lockingOf(works.flatMap(locksOf), mayWait),
      load: loadingOf(wantedBy(works)),
      decide(locked, loadedRows) {
        const names = heldIn(locked);
        const loaded = loadedIn(loadedRows);
        decided = works.map((work) => decide(work, names, loaded, clock));
        return writingOf(writtenBy(decided));
      },
      beforeCommit: () => passUncommitted(failpoint, decided),
    });
    const position = positionIn(written);
    return decided.map((each) => outcomeOf(each, position));
  } catch (error) {
    if (!(error instanceof RefusedBatchError)) throw error;
    throw new RefusedBatchError(error.message, { cause: conflictIn(error.cause) });
  }
}

/** Passes the failpoint of each work that is about to be committed. */
function passUncommitted(failpoint: PassFailpoint, decided: readonly Decided[]): Promise<unknown> | undefined {
  const done = decided.filter(({ outcome }) => outcome.kind === 'done');
  const pauses = done.flatMap(({ step }) => failpoint(`${step}.uncommitted`) ?? []);
  return pauses.length === 0 ? undefined : Promise.all(pauses);
}

function wantedBy(works: readonly OrderWork[]): Wanted {
  const changes = works.filter((work) => work.kind === 'change');
  return {
    orderIds: changes.map(({ orderId }) => orderId),
    intents: works.flatMap(({ intent }) => (intent === null ? [] : [intent])),
    deliveryIds: changes.flatMap(({ deliveryId }) => (deliveryId === null ? [] : [deliveryId])),
    numbers: works.flatMap((work) => (work.kind === 'create' ? [work.change.order] : [])),
  };
}

/** One decided work: its outcome, and what is to be written when the outcome is `done`. */
type Decided = {
  readonly step: Step;
  readonly outcome: Result;
  readonly written: Partial<Written>;
  /** True when the order gets new events, and with them a new position. */
  readonly isMoved: boolean;
};

const nothing = { written: {}, isMoved: false };

/** @param held the names of the locks that the transaction holds. */
function decide(work: OrderWork, held: ReadonlySet<string>, loaded: Loaded, clock: Clock): Decided {
  const step = work.kind === 'create' ? 'create' : work.step;
  if (!locksOf(work).every(({ name }) => held.has(name))) return { ...nothing, step, outcome: { kind: 'busy' } };
  try {
    return work.kind === 'create' ? decideCreation(work, loaded) : decideChange(work, loaded, clock);
  } catch (error) {
    return { ...nothing, step, outcome: { kind: 'failed', error } };
  }
}

/** The position of a new order until it is written. */
const nowhere: OrderPosition = { epoch: 0, xid: 0n };

function decideCreation({ intent, change, lines }: CreateWork, loaded: Loaded): Decided {
  const prior = priorOf(intent, loaded);
  if (prior !== null) {
    return { ...nothing, step: 'create', outcome: { kind: 'done', result: { kind: 'found', prior } } };
  }
  if (loaded.taken.has(nameOfNumber(change.order))) throw new NumberTakenError('The order number is taken.');
  const claim: Claim = { resultId: change.order.id, attempt: null };
  return {
    step: 'create',
    outcome: { kind: 'done', result: { kind: 'written', order: { change, position: nowhere, lines } } },
    written: { created: [{ change, lines }], claims: [{ intent, claim, at: change.at }] },
    isMoved: true,
  };
}

function decideChange(work: ChangeWork, loaded: Loaded, clock: Clock): Decided {
  const { step, orderId, actor, scope, intent, deliveryId } = work;
  const found = loaded.orders.get(orderId);
  const isHidden = found !== undefined && scope !== null && !isVisible(found.aggregate.order, scope);
  if (found === undefined || isHidden) throw new NotFoundError('The order does not exist.');
  const { aggregate: held, position } = found;
  const prior = intent === null ? null : priorOf(intent, loaded);
  const isPending = deliveryId !== null && loaded.pending.has(deliveryId);
  // The time is read while the lock is held, so that an order's events never go back in time.
  const change = new OrderChange(held, clock.now(), actor);
  const { claim, verdict } = work.decide(change, { prior, isPending });
  const { at } = change;
  return {
    step,
    outcome: { kind: 'done', result: { kind: 'written', order: { change, position, lines: null } } },
    written: {
      changed: [{ held, change }],
      claims: intent === null || claim === null ? [] : [{ intent, claim, at }],
      verdicts: deliveryId === null || verdict === null ? [] : [{ deliveryId, verdict, at }],
    },
    isMoved: change.events.length > 0,
  };
}

function priorOf(intent: Intent, { intents }: Loaded): Claim | null {
  const recorded = intents.get(nameOfIntent(intent));
  return recorded === undefined ? null : claimOf(intent, recorded);
}

function writtenBy(decided: readonly Decided[]): Written {
  return {
    created: decided.flatMap(({ written }) => written.created ?? []),
    changed: decided.flatMap(({ written }) => written.changed ?? []),
    claims: decided.flatMap(({ written }) => written.claims ?? []),
    verdicts: decided.flatMap(({ written }) => written.verdicts ?? []),
  };
}

function outcomeOf({ outcome, isMoved }: Decided, position: OrderPosition | null): Result {
  if (!isMoved || position === null || outcome.kind !== 'done' || outcome.result.kind !== 'written') return outcome;
  return { kind: 'done', result: { kind: 'written', order: { ...outcome.result.order, position } } };
}

/** A unique violation as an error of its own. Checks the shape of the error and not its class, because PGlite has its own. */
function conflictIn(error: unknown): unknown {
  const constraint = error instanceof Error && 'constraint' in error ? error.constraint : null;
  if (constraint === uniqueConstraints.number)
    return new NumberTakenError('The order number is taken.', { cause: error });
  if (constraint === uniqueConstraints.key)
    return new KeyClaimedError('Another transaction has claimed a key of the batch.', { cause: error });
  return error;
}
