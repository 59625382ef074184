import { OverloadedError } from './errors.ts';

/** The maximum number of waiting calls for one key. The next one is refused at once. */
export const queueLengthMax = 1000;
/** How long a call waits, in milliseconds. */
export const queueWaitMsMax = 10_000;

/**
 * Serializes work with the same key in the process, in order of arrival, before it takes a database connection. The
 * database then sees one of the calls, and the connections stay available to others.
 */
export type KeyedQueue = {
  /**
   * Runs `work` after all earlier calls with the same key have ended, whatever their result.
   *
   * @throws {OverloadedError} when too many calls wait, or the wait is too long; `work` has not started then.
   */
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
};

type Waiter = { readonly begin: () => void };

export function createKeyedQueue(waitMs: number = queueWaitMsMax): KeyedQueue {
  /** Has an entry for every key with running work. */
  const queues = new Map<string, Set<Waiter>>();

  const take = (key: string): Promise<void> | null => {
    const queue = queues.get(key);
    if (queue === undefined) {
      queues.set(key, new Set());
      return null;
    }
    if (queue.size >= queueLengthMax) throw new OverloadedError('Too many requests wait for the same resource.');
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        begin: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        queue.delete(waiter);
        reject(new OverloadedError('Earlier requests for the same resource did not end in time.'));
      }, waitMs);
      queue.add(waiter);
    });
  };

  const pass = (key: string): void => {
    const queue = queues.get(key);
    const [next] = queue ?? [];
    if (next === undefined) {
      queues.delete(key);
      return;
    }
    queue?.delete(next);
    next.begin();
  };

  return {
    async run(key, work) {
      await take(key);
      try {
        return await work();
      } finally {
        pass(key);
      }
    },
  };
}
