/** Names the order that has news, and its merchant. It never carries the news. */
export type Notification = { readonly merchantId: string; readonly orderId: string };

/**
 * Notifies subscribers that an order or a merchant has new events. The events themselves are read from the log, so a lost notification
 * costs latency and never an event.
 */
export type Notifier = {
  /** Call after commit, never before. */
  notify(notification: Notification): void;
  /** Listens for notifications of one order or one merchant, by its id, until the signal aborts. */
  listen(topic: string, signal: AbortSignal): Listener;
  readonly listenerCount: number;
};

export type Listener = {
  /** Resolves when a notification has arrived since the last call, or when the signal aborts. */
  next(): Promise<void>;
  close(): void;
};

/** Notifies the listeners of this process. */
export function createNotifier(): Notifier {
  const listeners = new Map<string, Set<() => void>>();
  let listenerCount = 0;

  function signalTo(topic: string): void {
    for (const hear of listeners.get(topic) ?? []) hear();
  }

  return {
    get listenerCount() {
      return listenerCount;
    },
    notify({ merchantId, orderId }) {
      signalTo(orderId);
      signalTo(merchantId);
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
