/** The longest pause between two tries, in milliseconds. */
export const pauseMsMax = 30_000;
const pauseMsFirst = 500;
/** A pause has this length at least, in milliseconds, so that a fleet of clients does not come back as one. */
const pauseMsMin = 50;

/**
 * The pause before try number `tries` (from 1), in milliseconds: random, and longer on average with each try.
 *
 * @param random from 0 to 1, without 1.
 * @param atLeastMs what the server asked for.
 */
export function pauseMs(tries: number, random: number, atLeastMs = 0): number {
  const most = Math.min(pauseMsMax, pauseMsFirst * 2 ** Math.min(tries - 1, 10));
  return Math.round(atLeastMs + pauseMsMin + random * (most - pauseMsMin));
}

export type Pause = (ms: number, signal?: AbortSignal | null) => Promise<void>;

/** Resolves after the time, or as soon as the browser is online again; rejects with the reason of the signal. */
export function pause(ms: number, signal?: AbortSignal | null): Promise<void> {
  const page = globalThis as { addEventListener?: unknown } & Pick<EventTarget, 'removeEventListener'>;
  const target = typeof page.addEventListener === 'function' ? (globalThis as unknown as EventTarget) : null;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const finish = (act: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      target?.removeEventListener('online', onOnline);
      act();
    };
    const onOnline = () => finish(resolve);
    const onAbort = () => finish(() => reject(signal?.reason));
    const timer = setTimeout(() => finish(resolve), ms);
    signal?.addEventListener('abort', onAbort);
    target?.addEventListener('online', onOnline);
  });
}
