import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../domain/log.ts';

/** The reads of followers that may run at the same time, by kind of database. Commands keep the other connections. */
export const followerReadsMax = { pglite: 1, postgresql: 4 } as const;

const retryDelayMs = 1000;

/**
 * The share of the database that subscriptions have on one node. It bounds their reads, however many subscriptions there are, so that they
 * never take the connections that commands need.
 */
export type FollowerReads = {
  /** Runs `work` when there is a place. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Takes a place at once. Returns the function that gives it back; null when all are taken. */
  takeNow(): (() => void) | null;
  /**
   * Retries a read until it succeeds, so that a subscription survives an outage of the database. The first failure of an outage is logged,
   * once for all subscriptions.
   *
   * @returns null when `isOver` became true first.
   */
  patiently<T>(read: () => Promise<T>, isOver: () => boolean): Promise<T | null>;
};

export function createFollowerReads(runningMax: number, log: Log): FollowerReads {
  let running = 0;
  let isAway = false;
  const waiting: (() => void)[] = [];

  function leave(): void {
    const next = waiting.shift(); // takes over the place
    if (next === undefined) running -= 1;
    else next();
  }

  async function run<T>(work: () => Promise<T>): Promise<T> {
    if (running < runningMax) running += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      leave();
    }
  }

  return {
    run,
    takeNow() {
      if (running >= runningMax) return null;
      running += 1;
      return leave;
    },
    async patiently(read, isOver) {
      while (!isOver()) {
        try {
          // It may be over when its turn comes: then the next one is not kept waiting.
          const result = await run(async () => (isOver() ? null : read()));
          if (result === null) return null;
          if (isAway) log.info({}, 'subscriptions read the event log again');
          isAway = false;
          return result;
        } catch (error) {
          if (!isAway) log.warn({ err: error }, 'subscriptions cannot read the event log and retry');
          isAway = true;
          await delay(retryDelayMs);
        }
      }
      return null;
    },
  };
}
