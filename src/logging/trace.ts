import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

/** What every line has in common that is written while one request, or one piece of background work, is carried out. */
export type Trace = { readonly requestId: string; orderId?: string };

const traces = new AsyncLocalStorage<Trace>();

/** Runs `work`, and all that it starts, under a request id. Each line that is logged meanwhile carries it. */
export function traced<T>(requestId: string, work: () => T): T {
  return traces.run({ requestId }, work);
}

/** Runs a piece of background work: under the id of the request that started it, or under one of its own. */
export function tracedPiece<T>(work: () => T): T {
  return traced(traces.getStore()?.requestId ?? randomUUID(), work);
}

/** From now on the lines of this request name the order that it turned out to be about. */
export function aboutOrder(orderId: string): void {
  const trace = traces.getStore();
  if (trace !== undefined) trace.orderId = orderId;
}

/** The fields that a line gets besides its own: nothing outside of a request. */
export function traceFields(): Partial<Trace> {
  return { ...traces.getStore() };
}
