/** How often an owner has done something in its window, and when the window ends. */
export type LocalCount = { readonly count: number; readonly msLeft: number };

export type LocalCounts = {
  /** Counts one. */
  add(owner: string): LocalCount;
  /** The same without counting. */
  of(owner: string): LocalCount;
};

/** Counts in the memory of this process. The window of an owner begins with the first count and lasts `windowMs`. */
export function createLocalCounts(windowMs: number): LocalCounts {
  const windows = new Map<string, { count: number; readonly endsAtMs: number }>();

  function msLeft(window: { readonly endsAtMs: number }): number {
    return window.endsAtMs - Date.now();
  }

  function begin(owner: string): LocalCount {
    const window = { count: 1, endsAtMs: Date.now() + windowMs };
    windows.set(owner, window);
    const forget = () => {
      if (windows.get(owner) === window) windows.delete(owner);
    };
    setTimeout(forget, windowMs).unref();
    return { count: 1, msLeft: windowMs };
  }

  return {
    add(owner) {
      const window = windows.get(owner);
      if (window === undefined || msLeft(window) <= 0) return begin(owner);
      window.count += 1;
      return { count: window.count, msLeft: msLeft(window) };
    },
    of(owner) {
      const window = windows.get(owner);
      // A late timer, or a clock that was set forward, leaves windows that have ended.
      if (window === undefined || msLeft(window) <= 0) return { count: 0, msLeft: 0 };
      return { count: window.count, msLeft: msLeft(window) };
    },
  };
}
