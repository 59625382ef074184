/** Identifies an order that has new events, and its merchant. It never contains the events. */
export type Notification = { readonly merchantId: string; readonly orderId: string };

/**
 * Notifies subscribers that an order or a merchant has new events. The events themselves are read from the log, so a lost
 * notification delays events and never loses them.
 */
export type Notifier = {
  /** Call after commit, never before. */
  notify(notification: Notification): void;
  /** Calls `wake` after each notification of one order or one merchant, by its id. Returns the function that ends this. */
  listen(topic: string, wake: () => void): () => void;
  readonly listenerCount: number;
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
    listen(topic, wake) {
      const peers = listeners.get(topic) ?? new Set();
      listeners.set(topic, peers.add(wake));
      listenerCount += 1;
      return () => {
        if (!peers.delete(wake)) return;
        listenerCount -= 1;
        if (peers.size === 0 && listeners.get(topic) === peers) listeners.delete(topic);
      };
    },
  };
}

/** Notifies the local listeners, and hands each notification on to those of other processes. */
export function relayTo(local: Notifier, handOn: (notification: Notification) => void): Notifier {
  return {
    get listenerCount() {
      return local.listenerCount;
    },
    listen: local.listen,
    notify({ merchantId, orderId }) {
      local.notify({ merchantId, orderId });
      // Not what else the caller's object may have, which other processes do not need, and which cannot always be sent.
      handOn({ merchantId, orderId });
    },
  };
}
