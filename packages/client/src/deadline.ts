/**
 * Runs a call with a signal that is aborted together with the given one, or after `timeoutMs` with a `TimeoutError`, and rejects with its reason then,
 * even if the call does not listen. Nothing is left of it when the call has ended.
 *
 * `AbortSignal.any` and `AbortSignal.timeout` are not used: on Node 20 the garbage collector can collect both while a call still waits for them.
 */
export async function withDeadline<T>(
  signal: AbortSignal | null,
  timeoutMs: number,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const end = () => controller.abort(signal?.reason);
  const timer = setTimeout(() => controller.abort(new DOMException('The time is up.', 'TimeoutError')), timeoutMs);
  signal?.addEventListener('abort', end, { once: true });
  if (signal?.aborted) end();
  try {
    return await untilAborted(controller.signal, call(controller.signal));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
  }
}

/** What is awaited, or a rejection with the reason of the signal as soon as it is aborted. */
export function untilAborted<T>(signal: AbortSignal, awaited: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = () => reject(signal.reason);
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    awaited.then(resolve, reject).finally(() => signal.removeEventListener('abort', end));
  });
}
