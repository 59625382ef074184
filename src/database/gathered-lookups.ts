import { waitingCountMax } from './bounded-pool.ts';
import { OverloadedError } from './errors.ts';

/** The maximum number of keys in one statement. */
const batchMax = 500;

type Waiting<Key, Found> = {
  readonly key: Key;
  readonly resolve: (found: Found) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * Gathers lookups: while one statement is under way, further lookups wait, and the next statement answers them all. A lookup is never
 * answered by a statement that began before it, so it sees everything that was committed before. No timer: a single lookup waits for
 * nothing.
 *
 * @param find resolves to the results in the order of the keys.
 * @returns a lookup. It throws the errors of `find`, and {OverloadedError} when too many wait.
 */
export function gatherLookups<Key, Found>(
  find: (keys: readonly Key[]) => Promise<readonly Found[]>,
): (key: Key) => Promise<Found> {
  const waiting: Waiting<Key, Found>[] = [];
  let isRunning = false;

  async function run(): Promise<void> {
    isRunning = true;
    for (let batch = waiting.splice(0, batchMax); batch.length > 0; batch = waiting.splice(0, batchMax)) {
      try {
        const found = await find(batch.map(({ key }) => key));
        for (const [index, { resolve }] of batch.entries()) resolve(found[index] as Found);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    isRunning = false;
  }

  return (key) => {
    if (waiting.length >= waitingCountMax)
      return Promise.reject(new OverloadedError('The database is busy: too many lookups are waiting for it.'));
    return new Promise((resolve, reject) => {
      waiting.push({ key, resolve, reject });
      if (!isRunning) void run();
    });
  };
}
