import { OverloadedError } from './errors.ts';

/** So many may wait for one turn; the next one is refused at once. */
export const queueLengthMax = 1000;
/** How long one waits for its turn, in milliseconds. */
export const queueWaitMsMax = 10_000;

/**
 * Has those who need the same thing wait for each other here, before they take a connection: however many they are, the database sees
 * one of them, and the connections are for others. First come, first served.
 */
export type KeyedQueue = {
  /**
   * Runs `work` when everybody who came earlier for `name` is done, whatever became of them.
   * @throws {OverloadedError} when too many wait, or the wait is too long; `work` was not begun then.
   */
  run<T>(name: string, work: () => Promise<T>): Promise<T>;
};

type Waiter = { readonly begin: () => void };

export function createKeyedQueue(waitMs: number = queueWaitMsMax): KeyedQueue {
  /** A name is here while somebody has its turn. */
  const queues = new Map<string, Set<Waiter>>();

  const take = (name: string): Promise<void> | null => {
    const queue = queues.get(name);
    if (queue === undefined) {
      queues.set(name, new Set());
      return null;
    }
    if (queue.size >= queueLengthMax) throw new OverloadedError('Too many requests wait for the same thing.');
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        begin: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        queue.delete(waiter);
        reject(new OverloadedError('Requests for the same thing that came earlier did not end in time.'));
      }, waitMs);
      queue.add(waiter);
    });
  };

  const pass = (name: string): void => {
    const queue = queues.get(name);
    const [next] = queue ?? [];
    if (next === undefined) {
      queues.delete(name);
      return;
    }
    queue?.delete(next);
    next.begin();
  };

  return {
    async run(name, work) {
      await take(name);
      try {
        return await work();
      } finally {
        pass(name);
      }
    },
  };
}
