import type { Database } from '../database/database.ts';
import { after } from '../domain/clock.ts';
import { dropOldRejectedDeliveries, pruneDeliveries } from '../events/inbox.ts';
import { pruneKeys } from '../store/prune-keys.ts';
import { pruneSpans, traceContextForMs } from '../store/trace-store.ts';

const dayMs = 24 * 60 * 60_000;
/** Few enough rows that no other transaction waits for them noticeably. */
export const pruneBatchMax = 500;

export type Retention = {
  readonly callbackRetentionDays: number;
  readonly idempotencyRetentionDays: number;
};

/** How many rows a batch pruned. */
export type Pruned = {
  readonly callbacks: number;
  readonly keys: number;
  readonly refusedCallbacks: number;
  /** True when there may be more to prune now. */
  readonly isFull: boolean;
};

/**
 * Prunes one batch of each: the content of callbacks, idempotency keys, refused callbacks and spans that have been kept long enough. Whatever is
 * still open stays.
 */
export async function pruneBatch(
  { pool }: Pick<Database, 'pool'>,
  { callbackRetentionDays, idempotencyRetentionDays }: Retention,
  now: Date,
): Promise<Pruned> {
  const daysAgo = (days: number) => after(now, -days * dayMs);
  const refusedCallbacks = await dropOldRejectedDeliveries(pool, now, pruneBatchMax);
  const callbacks = await pruneDeliveries(pool, daysAgo(callbackRetentionDays), now, pruneBatchMax);
  const keys = await pruneKeys(pool, daysAgo(idempotencyRetentionDays), now, pruneBatchMax);
  const spans = await pruneSpans(pool, after(now, -traceContextForMs), pruneBatchMax);
  const isFull = [refusedCallbacks, callbacks, keys.considered, spans].includes(pruneBatchMax);
  return { callbacks, keys: keys.pruned, refusedCallbacks, isFull };
}
