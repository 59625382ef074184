import { AsyncResource } from 'node:async_hooks';
import { currentSpan, type Span } from '../logging/trace.ts';
import { isObserved, note, observed } from '../telemetry/observe.ts';
import { OverloadedError } from './errors.ts';

/** The maximum number of waiting items. The next one is refused at once. */
export const gatheredMax = 1000;
/** The maximum number of items that wait for other nodes at the same time, each with a connection of its own. */
export const aloneMax = 4;
/** How long an item waits before it is refused, in milliseconds. */
export const gatheredWaitMsMax = 10_000;

/** What became of one item of a batch. `busy`: another node holds what it needs, so it must wait without the batch. */
export type Outcome<Result> =
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'busy' };

/** The database refused a batch, and certainly wrote none of it. Which item is to blame is not known. */
export class RefusedBatchError extends Error {}

export type GathererParts<Item, Result> = {
  /** Names the batches in traces and metrics. */
  readonly name: string;
  /** The maximum number of items of a batch. */
  readonly sizeMax: number;
  /** Two items with a key in common are never under way at the same time: the later one waits for the earlier. */
  keysOf(item: Item): readonly string[];
  /**
   * Processes a batch. The outcome of an item has the item's index.
   *
   * @param mayWait true when the batch is a single item that may wait for other nodes: its outcome is not `busy`.
   * @throws {RefusedBatchError} when nothing was written: the items are then taken one by one. Any other error is the outcome
   *   of all items.
   */
  run(items: readonly Item[], mayWait: boolean): Promise<readonly Outcome<Result>[]>;
};

/**
 * Processes items in batches, one batch at a time: what arrives together forms a batch, and while one is under way, further items wait and
 * form the next. Without a timer: a single item is processed at once. Items with a common key are processed in the order of their arrival.
 */
export type Gatherer<Item, Result> = {
  /**
   * Resolves to the result of the item, or rejects with its error.
   *
   * @throws {OverloadedError} when too many items wait, or the wait is too long; the item was not processed then.
   */
  run(item: Item): Promise<Result>;
};

type Waiter<Item, Result> = {
  readonly item: Item;
  readonly keys: readonly string[];
  readonly since: number;
  readonly span: Span | null;
  /** True after a batch with this item was refused. */
  isAlone: boolean;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
};

export function createGatherer<Item, Result>({
  name,
  sizeMax,
  keysOf,
  run,
}: GathererParts<Item, Result>): Gatherer<Item, Result> {
  type Waiting = Waiter<Item, Result>;
  let waiting: Waiting[] = [];
  /** The keys of the items under way. */
  const busy = new Set<string>();
  let isUnderWay = false;
  let isStarting = false;
  /** Items that must wait for other nodes, and how many of those are under way. */
  const contended: Waiting[] = [];
  let aloneCount = 0;
  let timer: NodeJS.Timeout | null = null;
  // A batch belongs to all its callers: it must not run in the trace of the one that happens to start it.
  const own = new AsyncResource('Gatherer');

  /** After the input that has arrived is read, so that its items form one batch. This waits for nothing: an idle process is there at once. */
  function start(): void {
    if (isUnderWay || isStarting) return;
    isStarting = true;
    own.runInAsyncScope(setImmediate, null, () => {
      isStarting = false;
      startNow();
    });
  }

  function startNow(): void {
    const batch = takeBatch();
    if (batch.length === 0) return;
    isUnderWay = true;
    void runTogether(batch);
  }

  function takeBatch(): readonly Waiting[] {
    const batch: Waiting[] = [];
    const left: Waiting[] = [];
    const passed = new Set<string>();
    const isFull = () => batch.length >= sizeMax || batch[0]?.isAlone === true;
    for (const waiter of waiting) {
      const isBlocked = waiter.keys.some((key) => busy.has(key) || passed.has(key));
      for (const key of waiter.keys) passed.add(key);
      if (isBlocked || isFull() || (waiter.isAlone && batch.length > 0)) left.push(waiter);
      else batch.push(waiter);
    }
    waiting = left;
    for (const { keys } of batch) for (const key of keys) busy.add(key);
    return batch;
  }

  /** A batch is part of the trace of its first item, and the others are linked with it. */
  function runBatch(batch: readonly Waiting[], mayWait: boolean): Promise<readonly Outcome<Result>[]> {
    const items = batch.map(({ item }) => item);
    if (!isObserved()) return run(items, mayWait);
    const [first = null, ...others] = batch.flatMap(({ span }) => (span === null ? [] : [span]));
    note({ kind: 'batch size', batch: name, size: items.length });
    const piece = {
      kind: 'batch',
      name,
      labels: { batch: name },
      attributes: { 'paystream.items': items.length },
    } as const;
    return observed({ ...piece, parent: first, links: others }, ({ span }) => {
      if (span !== null) for (const other of others) other.link(span);
      return run(items, mayWait);
    });
  }

  async function runTogether(batch: readonly Waiting[]): Promise<void> {
    const tell = await runToEnd(batch);
    isUnderWay = false;
    own.runInAsyncScope(startNow);
    // After the next batch was sent: the database works on it while the callers of this one go on.
    process.nextTick(tell);
  }

  /** Runs a batch. Returns the function that tells the callers what has become of their items. */
  async function runToEnd(batch: readonly Waiting[]): Promise<() => void> {
    try {
      const outcomes = await runBatch(batch, false);
      for (const [index, waiter] of batch.entries()) if (outcomes[index]?.kind !== 'busy') release(waiter);
      return () => {
        for (const [index, waiter] of batch.entries()) settle(waiter, outcomes[index]);
      };
    } catch (error) {
      for (const waiter of batch) release(waiter);
      if (error instanceof RefusedBatchError && batch.length > 1) {
        takeApart(batch);
        return () => {};
      }
      return () => {
        for (const waiter of batch) fail(waiter, error);
      };
    }
  }

  function takeApart(batch: readonly Waiting[]): void {
    for (const waiter of batch) waiter.isAlone = true;
    waiting = [...batch, ...waiting];
    setTimer();
  }

  function startAlone(): void {
    if (aloneCount >= aloneMax) return;
    const waiter = contended.shift();
    if (waiter !== undefined) void runAlone(waiter);
  }

  async function runAlone(waiter: Waiting): Promise<void> {
    aloneCount += 1;
    try {
      const [outcome] = await runBatch([waiter], true);
      settle(waiter, outcome);
    } catch (error) {
      fail(waiter, error);
    } finally {
      release(waiter);
      aloneCount -= 1;
    }
    startAlone();
    start();
  }

  function settle(waiter: Waiting, outcome: Outcome<Result> | undefined): void {
    if (outcome === undefined)
      return fail(waiter, new Error('A batch has no outcome for one of its items. This is a bug.'));
    if (outcome.kind === 'busy') {
      contended.push(waiter);
      return startAlone();
    }
    if (outcome.kind === 'failed') return fail(waiter, outcome.error);
    waiter.resolve(outcome.result);
  }

  function fail({ reject }: Waiting, error: unknown): void {
    reject(error instanceof RefusedBatchError ? error.cause : error);
  }

  function release({ keys }: Waiting): void {
    for (const key of keys) busy.delete(key);
  }

  /** Refuses the items that have waited for too long, and waits for the next one. */
  function setTimer(): void {
    if (timer !== null || waiting.length === 0) return;
    const oldest = Math.min(...waiting.map(({ since }) => since));
    timer = setTimeout(
      () => {
        timer = null;
        const limit = performance.now() - gatheredWaitMsMax;
        const late = waiting.filter(({ since }) => since <= limit);
        waiting = waiting.filter(({ since }) => since > limit);
        for (const { reject } of late) reject(new OverloadedError('Earlier requests did not end in time.'));
        setTimer();
      },
      Math.max(1, oldest + gatheredWaitMsMax - performance.now()),
    );
    timer.unref();
  }

  return {
    run: (item) =>
      new Promise((resolve, reject) => {
        if (waiting.length >= gatheredMax)
          return reject(new OverloadedError('Too many requests wait for the database.'));
        waiting.push({
          item,
          keys: keysOf(item),
          since: performance.now(),
          span: currentSpan(),
          isAlone: false,
          resolve,
          reject,
        });
        setTimer();
        start();
      }),
  };
}
