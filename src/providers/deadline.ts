/**
 * Runs a call with a signal that is aborted together with the given one, or after `timeoutMs` with a `TimeoutError`. Nothing is left of it when the
 * call has ended.
 *
 * `AbortSignal.any` and `AbortSignal.timeout` are not used. On Node 20 the garbage collector can collect both while a
 * call still waits for them, and the deadline never fires. And a timeout cannot be ended: it keeps what listens to it, and fires, long after the call.
 *
 * @param signal null when nothing but the time ends the call.
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
    return await call(controller.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
  }
}
