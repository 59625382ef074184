import { setTimeout as delay } from 'node:timers/promises';

/** When a start fails, resources that are still opening are awaited for at most this time, so that they can be closed. */
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
 * A list of opened resources. `close` closes them in reverse order; a step that fails does not prevent the others, and the first error is
 * thrown at the end. A resource that is still opening is closed once it is open; `close` waits for it at most `openingMsMax`.
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
