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

/** An older transaction is mostly over in a moment; one that stays open must not be asked about all the time. */
const heldBackDelayMsMin = 25;
const heldBackDelayMsMax = 1000;
const readAgainDelayMs = 1000;
export const tailLimit = 1000;

/**
 * Everything that happens to one order, from after a place in the log, or from now on, until the reader returns. Holds nothing but a
 * sequence: a reader that is slow, or gone for a while, costs nobody anything.
 */
export function orderFeed(
  source: Source,
  scope: { readonly merchantId: string; readonly orderId: string },
  after: LogPosition | null,
): AsyncIterableIterator<LoggedEvent> {
  return endedByReturn((signal) => followOrder(source, scope, after, signal), source.until);
}

/** Everything that happens to a merchant's orders, of the given types or of all. As `orderFeed` otherwise. */
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
      // Asked before reading: what is settled by now is read below, what is not is worth a second look, and the rest notifies us.
      const isMoreComing = await readPatiently(log, signal, () => isHeldBack(pool, merchantId, position));
      // Read unfiltered, so that the position moves past what nobody asked for and no notification reads it again.
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
 * Looks at the log's end and notifies subscribers whose notification was lost: one statement a round, however many wait, and further ones only for
 * more than a thousand events. It watches from the moment on at which it is opened, so that later followers miss nothing.
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

/** `runOnce` goes up to the log's end, however far that is, and returns how many events it has passed. */
export type TailWatch = { runOnce(): Promise<number> };

/**
 * A follower outlives the database's absence: it holds its place, and reads on from there when the database is back.
 * @returns what was read; null when the reader has left meanwhile.
 */
async function readPatiently<T>(log: Log, signal: AbortSignal, read: () => Promise<T>): Promise<T | null> {
  while (!signal.aborted) {
    try {
      return await read();
    } catch (error) {
      log.warn({ err: error }, 'a follower could not read the log and tries again');
      await rest(readAgainDelayMs, signal);
    }
  }
  return null;
}

/** An idle generator hears of `return` only when it wakes up; the signal wakes it. */
function endedByReturn(
  follow: (signal: AbortSignal) => AsyncGenerator<LoggedEvent, void, undefined>,
  until: AbortSignal | undefined,
): AsyncIterableIterator<LoggedEvent> {
  const ended = new AbortController();
  const events = follow(until === undefined ? ended.signal : AbortSignal.any([ended.signal, until]));
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

/** For one order's feed, what is committed counts, held back or not. */
async function readCommittedEnd(pool: Database['pool']): Promise<LogPosition> {
  return { ...(await readLogEnd(pool)), xid: posMax };
}

async function rest(delayMs: number, signal: AbortSignal): Promise<void> {
  await delay(delayMs, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
