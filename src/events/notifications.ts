/** Names the order that has news, and its merchant. It never carries the news. */
export type Wake = { readonly merchantId: string; readonly orderId: string };

/**
 * Tells those who wait that there is news of an order or a merchant, and never what it is: the log says that. A wake that is lost
 * costs latency, never an event.
 */
export type Wakes = {
  /** Call after commit, never before. */
  wake(wake: Wake): void;
  /** Hears of wakes of one order or one merchant, from now until the signal aborts. */
  listen(topic: string, signal: AbortSignal): Listener;
  readonly listenerCount: number;
};

export type Listener = {
  /** Resolves at the first wake since the last call, at once when there was one meanwhile, or when the signal aborts. */
  next(): Promise<void>;
  close(): void;
};

/** Wakes within this process. */
export function createWakes(): Wakes {
  const listeners = new Map<string, Set<() => void>>();
  let listenerCount = 0;

  function notify(topic: string): void {
    for (const hear of listeners.get(topic) ?? []) hear();
  }

  return {
    get listenerCount() {
      return listenerCount;
    },
    wake({ merchantId, orderId }) {
      notify(orderId);
      notify(merchantId);
    },
    listen(topic, signal) {
      let isWoken = signal.aborted;
      let proceed: (() => void) | null = null;
      const hear = () => {
        isWoken = true;
        proceed?.();
      };
      const peers = listeners.get(topic) ?? new Set();
      listeners.set(topic, peers.add(hear));
      listenerCount += 1;
      signal.addEventListener('abort', hear, { once: true });
      return {
        async next() {
          if (!isWoken) {
            await new Promise<void>((resolve) => {
              proceed = resolve;
            });
            proceed = null;
          }
          isWoken = signal.aborted;
        },
        close() {
          signal.removeEventListener('abort', hear);
          if (!peers.delete(hear)) return;
          listenerCount -= 1;
          if (peers.size === 0 && listeners.get(topic) === peers) listeners.delete(topic);
        },
      };
    },
  };
}
