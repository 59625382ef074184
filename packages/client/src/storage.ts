/** Where the client keeps what must survive a reload. `localStorage` fits as it is; the methods may be asynchronous. */
export type PaystreamStorage = {
  getItem(name: string): string | null | Promise<string | null>;
  setItem(name: string, value: string): void | Promise<void>;
  removeItem(name: string): void | Promise<void>;
};

/** Keeps everything until the page or the process ends. */
export function memoryStorage(): PaystreamStorage {
  const values = new Map<string, string>();
  return {
    getItem: (name) => values.get(name) ?? null,
    setItem: (name, value) => void values.set(name, value),
    removeItem: (name) => void values.delete(name),
  };
}

/** The browser's `localStorage`, or memory where there is none or the page may not use it. */
export function defaultStorage(): PaystreamStorage {
  try {
    const { localStorage } = globalThis as { localStorage?: PaystreamStorage };
    // Node has the name without the thing.
    if (typeof localStorage?.getItem === 'function') return localStorage;
  } catch {
    // A browser that blocks it throws at the first touch.
  }
  return memoryStorage();
}

/**
 * A storage that never fails: values that cannot be written, as when the quota is used up, are kept in memory. A payment must not fail for
 * this reason, and does not depend on it (see attempt.ts).
 */
export function patientStorage(storage: PaystreamStorage): PaystreamStorage {
  const held = new Map<string, string | null>();
  async function write(name: string, value: string | null): Promise<void> {
    try {
      await (value === null ? storage.removeItem(name) : storage.setItem(name, value));
      held.delete(name);
    } catch {
      held.set(name, value);
    }
  }
  return {
    async getItem(name) {
      const own = held.get(name);
      if (own !== undefined) return own;
      try {
        return await storage.getItem(name);
      } catch {
        return null;
      }
    },
    setItem: write,
    removeItem: (name) => write(name, null),
  };
}
