import { setTimeout as delay } from 'node:timers/promises';

/** What is still being opened when a start fails is waited for so long, to be closed. */
export const openingMsMax = 5000;

export type ClosingList = ReturnType<typeof closingList>;

/** Rejects once the signal is aborted, with its reason. */
export function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason));
  });
}

/**
 * What was opened, to be closed the other way round, each step whatever the others did. What is still opening by then is closed once it is
 * open, and waited for a while.
 */
export function closingList() {
  const steps: (() => Promise<unknown>)[] = [];
  const pending = new Set<Promise<unknown>>();
  let isClosed = false;
  async function kept<T>(opening: T | Promise<T>, closeIt: (opened: T) => Promise<unknown>): Promise<T> {
    const opened = await opening;
    if (isClosed) await closeIt(opened);
    else steps.push(() => closeIt(opened));
    return opened;
  }
  return {
    async keep<T>(opening: T | Promise<T>, closeIt: (opened: T) => Promise<unknown>): Promise<T> {
      const keeping = kept(opening, closeIt);
      pending.add(keeping);
      return keeping.finally(() => pending.delete(keeping));
    },
    async close(): Promise<void> {
      isClosed = true;
      const errors: unknown[] = [];
      for (const step of steps.splice(0).reverse()) await step().catch((error: unknown) => errors.push(error));
      await Promise.race([Promise.allSettled(pending), delay(openingMsMax, undefined, { ref: false })]);
      if (errors.length > 0) throw errors[0];
    },
  };
}
