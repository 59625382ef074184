import type { Database } from '../database/database.ts';
import { readLogEnd, readLogTail } from './log.ts';
import type { Notifier } from './notifications.ts';

/** The number of events that one statement of the tail watch reads. */
export const tailLimit = 1000;

/** `runOnce` reads up to the end of the log and returns the number of events that it read. */
export type TailWatch = { runOnce(): Promise<number> };

/**
 * Reads new events at the end of the log and notifies subscribers, in case their notification was lost. A round costs one
 * statement for any number of subscribers, and one more for each further thousand events. It covers all events after the
 * call, so it must be opened before the first subscription.
 */
export async function openTailWatch({
  pool,
  notifier,
}: {
  readonly pool: Pick<Database['pool'], 'query'>;
  readonly notifier: Pick<Notifier, 'notify'>;
}): Promise<TailWatch> {
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
