/**
 * Runs a call with a signal that is aborted together with the given one, or after `timeoutMs` with a `TimeoutError`.
 *
 * `AbortSignal.any` and `AbortSignal.timeout` are not used: on Node 20 the garbage collector can collect both while a
 * call still waits for them, and the deadline never fires.
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
