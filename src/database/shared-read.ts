/**
 * Shares a read between concurrent callers who ask for the same. At most one read of a key is under way and one waits. A caller never gets
 * the result of a read that began before the call, so the result is as fresh as that of a read of its own.
 */
export function shareReads<Args extends readonly unknown[], T>(
  read: (...args: Args) => Promise<T>,
  keyOf: (...args: Args) => string,
): (...args: Args) => Promise<T> {
  const reads = new Map<string, { readonly ended: Promise<void>; next: Promise<T> | null }>();

  function begin(key: string, args: Args): Promise<T> {
    const result = read(...args);
    const forget = () => {
      if (running.next === null) reads.delete(key);
    };
    const running = { ended: result.then(forget, forget), next: null as Promise<T> | null };
    reads.set(key, running);
    return result;
  }

  return (...args) => {
    const key = keyOf(...args);
    const running = reads.get(key);
    if (running === undefined) return begin(key, args);
    running.next ??= running.ended.then(() => begin(key, args));
    return running.next;
  };
}
