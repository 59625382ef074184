/**
 * Runs a call under a signal that is aborted with the given one, or when the time is up: by a `TimeoutError` then.
 *
 * Not by `AbortSignal.any` and `AbortSignal.timeout`: Node 20 lets the garbage collector have both while somebody still waits for them,
 * and then the time is never up.
 */
export async function withDeadline<T>(
  signal: AbortSignal,
  timeoutMs: number,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const end = () => controller.abort(signal.reason);
  const timer = setTimeout(() => controller.abort(new DOMException('The time is up.', 'TimeoutError')), timeoutMs);
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    return await call(controller.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}
