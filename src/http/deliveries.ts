/** Sends results to one client. */
export type Outlet = {
  /**
   * False when the client has to read first. Then nothing was sent, and the outlet calls `advance` later.
   *
   * @param result its JSON in UTF-8.
   * @param cursor the position of the event in its log.
   */
  send(result: Buffer, cursor: string): boolean;
  /** Breaks the connection, because the next event cannot be sent. The client returns with its last cursor. */
  breakOff(): void;
};

/** A running subscription, as a transport sees it. */
export type Deliveries = {
  /** Starts it. Call it once. */
  deliverTo(outlet: Outlet): void;
  advance(): void;
  end(): void;
  /** Calls `act` once when the subscription ends, or at once when it has ended. */
  onEnd(act: () => void): void;
};

export function isDeliveries(result: unknown): result is Deliveries {
  return typeof result === 'object' && result !== null && 'deliverTo' in result;
}

/**
 * The form of a subscription that graphql-ws expects. Nothing comes out of the iterator: the results go to the socket directly. It starts
 * them, because the client may have completed the operation before it is asked for the first one.
 */
export function untilEnded(deliveries: Deliveries, start: () => void): AsyncGenerator<never, void, undefined> {
  const done = { done: true, value: undefined } as const;
  const ended = new Promise<typeof done>((resolve) => deliveries.onEnd(() => resolve(done)));
  const end = async () => {
    deliveries.end();
    return done;
  };
  return {
    next() {
      start();
      return ended;
    },
    return: end,
    throw: end,
    [Symbol.asyncIterator]() {
      return this;
    },
  } as AsyncGenerator<never, void, undefined>;
}
