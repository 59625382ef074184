/** The longest pause between two tries, in milliseconds. */
export const pauseMsMax = 30_000;
/** The longest pause at first: most outages are the restart of a server, and somebody may be looking at the page. */
export const pauseMsMaxAtFirst = 5000;
/** How long an outage lasts, in milliseconds, before pauses become longer than that. */
export const atFirstMs = 60_000;
const pauseMsFirst = 500;
/** A pause has this length at least, in milliseconds. */
const pauseMsMin = 50;

/**
 * The pause before try number `tries` (from 1), in milliseconds: random between nearly nothing and a limit that grows with each try, so that a
 * fleet of clients whose connections broke at once does not come back as one.
 *
 * @param random from 0 to 1, without 1.
 * @param more `atLeastMs`: what the server asked for. `outageMs`: the time since the connection broke, 0 for a call that ends after a while.
 */
export function pauseMs(
  tries: number,
  random: number,
  { atLeastMs = 0, outageMs = 0 }: { readonly atLeastMs?: number; readonly outageMs?: number } = {},
): number {
  const longest = outageMs < atFirstMs ? pauseMsMaxAtFirst : pauseMsMax;
  const most = Math.min(longest, pauseMsFirst * 2 ** Math.min(tries - 1, 10));
  return Math.round(atLeastMs + pauseMsMin + random * (most - pauseMsMin));
}

export type Pause = (ms: number, signal?: AbortSignal | null) => Promise<void>;

/** What a page has and a server does not. */
type Page = Partial<EventTarget> & { readonly document?: EventTarget & { readonly visibilityState: string } };

/**
 * Resolves after the time, or as soon as the browser is online again or the page is shown again; rejects with the reason of the signal.
 */
export function pause(ms: number, signal?: AbortSignal | null): Promise<void> {
  const page: Page = globalThis;
  const { document } = page;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const finish = (act: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      page.removeEventListener?.('online', onOnline);
      document?.removeEventListener('visibilitychange', onShown);
      act();
    };
    const onOnline = () => finish(resolve);
    const onShown = () => document?.visibilityState === 'visible' && finish(resolve);
    const onAbort = () => finish(() => reject(signal?.reason));
    const timer = setTimeout(() => finish(resolve), ms);
    signal?.addEventListener('abort', onAbort);
    page.addEventListener?.('online', onOnline);
    document?.addEventListener('visibilitychange', onShown);
  });
}
