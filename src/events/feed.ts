import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../database/database.ts';
import type { EventType } from '../domain/event.ts';
import type { Log } from '../domain/log.ts';
import { type LogPosition, posMax } from './cursor.ts';
import {
  isHeldBack,
  type LoggedEvent,
  logStart,
  readLimit,
  readLogEnd,
  readLogTail,
  readMerchantLog,
  readOrderLog,
  sequenceAt,
} from './log.ts';
import type { Notifier } from './notifications.ts';

type Source = {
  readonly pool: Database['pool'];
  readonly notifier: Notifier;
  readonly log: Log;
  /** Ends the feed when it aborts. */
  readonly until?: AbortSignal;
};

/**
 * The interval between two reads while an older open transaction holds events back. Most transactions end quickly. The
 * interval grows, so that one that stays open does not cause constant polling.
 */
const heldBackDelayMsMin = 25;
const heldBackDelayMsMax = 1000;
const retryDelayMs = 1000;
/** The number of events that one statement of the tail watch reads. */
export const tailLimit = 1000;

/**
 * Iterates over the events of one order after a log position until the reader returns. Waits for new events. The only state
 * is a sequence number, so a slow reader costs no memory.
 *
 * @param after null to start with the next event.
 */
export function orderFeed(
  source: Source,
  scope: { readonly merchantId: string; readonly orderId: string },
  after: LogPosition | null,
): AsyncIterableIterator<LoggedEvent> {
  return endedByReturn((signal) => followOrder(source, scope, after, signal), source.until);
}

/** Iterates over the events of a merchant's orders, as `orderFeed`. `types` null means all types. */
export function merchantFeed(
  source: Source,
  scope: { readonly merchantId: string; readonly types: readonly EventType[] | null },
  after: LogPosition | null,
): AsyncIterableIterator<LoggedEvent> {
  return endedByReturn((signal) => followMerchant(source, scope, after, signal), source.until);
}

async function* followOrder(
  { pool, notifier, log }: Source,
  scope: { readonly merchantId: string; readonly orderId: string },
  after: LogPosition | null,
  signal: AbortSignal,
): AsyncGenerator<LoggedEvent, void, undefined> {
  const { merchantId, orderId } = scope;
  const listener = notifier.listen(orderId, signal);
  try {
    const start = async () => sequenceAt(pool, merchantId, orderId, after ?? (await readCommittedEnd(pool)));
    let sequence = (await readPatiently(log, signal, start)) ?? 0;
    while (!signal.aborted) {
      const events = (await readPatiently(log, signal, () => readOrderLog(pool, merchantId, orderId, sequence))) ?? [];
      for (const event of events) {
        if (signal.aborted) return;
        yield event;
        sequence = event.sequence;
      }
      if (events.length < readLimit) await listener.next();
    }
  } finally {
    listener.close();
  }
}

async function* followMerchant(
  { pool, notifier, log }: Source,
  scope: { readonly merchantId: string; readonly types: readonly EventType[] | null },
  after: LogPosition | null,
  signal: AbortSignal,
): AsyncGenerator<LoggedEvent, void, undefined> {
  const { merchantId, types } = scope;
  const listener = notifier.listen(merchantId, signal);
  try {
    let position = after ?? (await readPatiently(log, signal, () => readLogEnd(pool))) ?? logStart;
    let heldBackDelayMs = heldBackDelayMsMin;
    while (!signal.aborted) {
      // Queried before the read. Events that are settled now are read below, held-back events need another read soon, and
      // later events cause a notification.
      const isMoreComing = await readPatiently(log, signal, () => isHeldBack(pool, merchantId, position));
      // Read without a type filter, so that the position also passes unwanted events and no later read repeats them.
      const events = (await readPatiently(log, signal, () => readMerchantLog(pool, merchantId, position))) ?? [];
      for (const event of events) {
        if (signal.aborted) return;
        if (types === null || types.includes(event.type)) yield event;
        position = event;
      }
      if (events.length === readLimit) continue;
      heldBackDelayMs = events.length > 0 ? heldBackDelayMsMin : Math.min(2 * heldBackDelayMs, heldBackDelayMsMax);
      if (isMoreComing) await rest(heldBackDelayMs, signal);
      else await listener.next();
    }
  } finally {
    listener.close();
  }
}

/**
 * Reads new events at the end of the log and notifies subscribers, in case their notification was lost. A round costs one
 * statement for any number of subscribers, and one more for each further thousand events. It covers all events after the
 * call, so it must be opened before the first feed.
 */
export async function openTailWatch({ pool, notifier }: Pick<Source, 'pool' | 'notifier'>): Promise<TailWatch> {
  let position = await readLogEnd(pool);
  return {
    async runOnce() {
      let count = 0;
      for (;;) {
        const rows = await readLogTail(pool, position, tailLimit);
        for (const row of rows) notifier.notify(row);
        position = rows.at(-1) ?? position;
        count += rows.length;
        if (rows.length < tailLimit) return count;
      }
    },
  };
}

/** `runOnce` reads up to the end of the log and returns the number of events that it read. */
export type TailWatch = { runOnce(): Promise<number> };

/**
 * Retries a read until it succeeds, so that a feed survives a database outage and continues from its position.
 *
 * @returns the result of the read; null when the signal was aborted first.
 */
async function readPatiently<T>(log: Log, signal: AbortSignal, read: () => Promise<T>): Promise<T | null> {
  while (!signal.aborted) {
    try {
      return await read();
    } catch (error) {
      log.warn({ err: error }, 'a subscription could not read the event log and retries');
      await rest(retryDelayMs, signal);
    }
  }
  return null;
}

/** A generator that awaits something processes `return` only afterwards. The aborted signal ends the wait. */
function endedByReturn(
  follow: (signal: AbortSignal) => AsyncGenerator<LoggedEvent, void, undefined>,
  until: AbortSignal | undefined,
): AsyncIterableIterator<LoggedEvent> {
  const ended = new AbortController();
  // Forwarded by hand: AbortSignal.any would keep an entry on the long-lived signal for every feed.
  const end = () => ended.abort();
  const release = () => until?.removeEventListener('abort', end);
  ended.signal.addEventListener('abort', release, { once: true });
  if (until?.aborted) end();
  else until?.addEventListener('abort', end, { once: true });
  const events = follow(ended.signal);
  return {
    next: () => events.next(),
    return() {
      ended.abort();
      return events.return();
    },
    throw(error: unknown) {
      ended.abort();
      return events.throw(error);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** The end of the log for the feed of one order, which includes committed events that are still held back. */
async function readCommittedEnd(pool: Database['pool']): Promise<LogPosition> {
  return { ...(await readLogEnd(pool)), xid: posMax };
}

async function rest(delayMs: number, signal: AbortSignal): Promise<void> {
  await delay(delayMs, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
