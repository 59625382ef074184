/** Sends results to one client. */
export type Outlet = {
  /** False when the client has to read first. Then nothing was sent, and the outlet calls `advance` later. */
  send(frame: string): boolean;
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
