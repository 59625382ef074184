import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

/** The fields that all log lines of one request, or of one unit of background work, have in common. */
export type Trace = { readonly requestId: string; orderId?: string };

const traces = new AsyncLocalStorage<Trace>();

/** Runs `work`, and everything that it starts, under a request id, which each of its log lines has. */
export function traced<T>(requestId: string, work: () => T): T {
  return traces.run({ requestId }, work);
}

/** Runs a unit of background work under the id of the request that started it, or under a new id. */
export function tracedPiece<T>(work: () => T): T {
  return traced(traces.getStore()?.requestId ?? randomUUID(), work);
}

/** Adds the order id to all further log lines of this request. */
export function aboutOrder(orderId: string): void {
  const trace = traces.getStore();
  if (trace !== undefined) trace.orderId = orderId;
}

/** The fields that are added to a log line; none outside a request. */
export function traceFields(): Partial<Trace> {
  return { ...traces.getStore() };
}
