import type { Database } from '../database/database.ts';
import { readLogEnd, readLogTail } from './log.ts';
import type { Notification, Notifier } from './notifications.ts';

/** The number of events that one statement of the tail watch reads. */
export const tailLimit = 1000;

/**
 * `runOnce` reads up to the end of the log and returns the number of events that it read.
 *
 * @throws the first error of a notification, after all other events were notified. No event is read again.
 */
export type TailWatch = { runOnce(): Promise<number> };

/**
 * Reads new events at the end of the log and notifies the subscribers of this process, in case their notification was lost. Those of other nodes are
 * notified by the watches of their own nodes. A round costs one
 * statement for any number of subscribers, and one more for each further thousand events. It covers all events after the
 * call, so it must be opened before the first subscription.
 */
export async function openTailWatch({
  pool,
  notifier,
}: {
  readonly pool: Pick<Database['pool'], 'query'>;
  /** The notifier of this process alone. */
  readonly notifier: Pick<Notifier, 'notify'>;
}): Promise<TailWatch> {
  let position = await readLogEnd(pool);

  function notifyAll(rows: readonly Notification[], errors: unknown[]): void {
    for (const row of rows) {
      try {
        notifier.notify(row);
      } catch (error) {
        errors.push(error);
      }
    }
  }

  return {
    async runOnce() {
      let count = 0;
      const errors: unknown[] = [];
      for (;;) {
        const rows = await readLogTail(pool, position, tailLimit);
        notifyAll(rows, errors);
        position = rows.at(-1) ?? position;
        count += rows.length;
        if (rows.length < tailLimit) break;
      }
      if (errors.length > 0) throw errors[0];
      return count;
    },
  };
}
