/** Identifies an order that has new events, and its merchant. It never contains the events. */
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
    for (const wake of listeners.get(topic) ?? []) wake();
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
      const wake = () => {
        isWoken = true;
        proceed?.();
      };
      const peers = listeners.get(topic) ?? new Set();
      listeners.set(topic, peers.add(wake));
      listenerCount += 1;
      signal.addEventListener('abort', wake, { once: true });
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
          signal.removeEventListener('abort', wake);
          if (!peers.delete(wake)) return;
          listenerCount -= 1;
          if (peers.size === 0 && listeners.get(topic) === peers) listeners.delete(topic);
        },
      };
    },
  };
}
