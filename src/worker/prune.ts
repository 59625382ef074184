import type { Database } from '../database/database.ts';
import { after } from '../domain/clock.ts';
import { dropOldRejectedDeliveries, pruneDeliveries } from '../events/inbox.ts';
import { pruneKeys } from '../store/prune-keys.ts';
import { pruneSpans, traceContextForMs } from '../store/trace-store.ts';
import { dropWebhookAttempts, pruneWebhookAttempts } from '../store/webhook-attempt-store.ts';
import { dropWebhookEndpoint, findDeletedWebhookEndpoint } from '../store/webhook-endpoint-store.ts';
import { dropWebhookMessages, pruneWebhookMessages } from '../store/webhook-message-store.ts';
import { dropWebhookReplays } from '../store/webhook-replay-store.ts';

const dayMs = 24 * 60 * 60_000;
/** Few enough rows that no other transaction waits for them noticeably. */
export const pruneBatchMax = 500;

/** A node that was sending to an endpoint when it was deleted may still record the answer. */
const deletedForMs = 60 * 60_000;

export type Retention = {
  readonly callbackRetentionDays: number;
  readonly idempotencyRetentionDays: number;
  readonly webhookLogRetentionDays: number;
};

/** How many rows a batch pruned. */
export type Pruned = {
  readonly callbacks: number;
  readonly keys: number;
  readonly refusedCallbacks: number;
  /** Messages and attempts, with those of endpoints that were deleted. */
  readonly webhooks: number;
  /** True when there may be more to prune now. */
  readonly isFull: boolean;
};

/**
 * Prunes one batch of each: the content of callbacks, idempotency keys, refused callbacks and spans that have been kept long enough. Whatever is
 * still open stays.
 */
export async function pruneBatch(
  { pool }: Pick<Database, 'pool'>,
  { callbackRetentionDays, idempotencyRetentionDays, webhookLogRetentionDays }: Retention,
  now: Date,
): Promise<Pruned> {
  const daysAgo = (days: number) => after(now, -days * dayMs);
  const refusedCallbacks = await dropOldRejectedDeliveries(pool, now, pruneBatchMax);
  const callbacks = await pruneDeliveries(pool, daysAgo(callbackRetentionDays), now, pruneBatchMax);
  const keys = await pruneKeys(pool, daysAgo(idempotencyRetentionDays), now, pruneBatchMax);
  const before = daysAgo(webhookLogRetentionDays);
  const messages = await pruneWebhookMessages(pool, before, pruneBatchMax);
  const attempts = await pruneWebhookAttempts(pool, before, pruneBatchMax);
  const deleted = await dropDeletedEndpoint(pool, after(now, -deletedForMs));
  const spans = await pruneSpans(pool, after(now, -traceContextForMs), pruneBatchMax);
  const isFull = [refusedCallbacks, callbacks, keys.considered, spans, messages, attempts, deleted].includes(
    pruneBatchMax,
  );
  return { callbacks, keys: keys.pruned, refusedCallbacks, webhooks: messages + attempts + deleted, isFull };
}

/** Deletes a batch of the rows of an endpoint that was deleted, and in the end the endpoint. Returns the number of rows. */
async function dropDeletedEndpoint(pool: Database['pool'], before: Date): Promise<number> {
  const id = await findDeletedWebhookEndpoint(pool, before);
  if (id === null) return 0;
  const attempts = await dropWebhookAttempts(pool, id, pruneBatchMax);
  if (attempts > 0) return attempts;
  const messages = await dropWebhookMessages(pool, id, pruneBatchMax);
  if (messages > 0) return messages;
  await dropWebhookReplays(pool, id);
  await dropWebhookEndpoint(pool, id);
  return 1;
}
