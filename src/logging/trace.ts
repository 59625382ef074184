import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

/** The fields that all log lines of one request, or of one unit of background work, have in common. */
export type Trace = { readonly requestId: string; orderId?: string };

/** Names a span of a distributed trace, of this process or another one. Both ids are in lower-case hexadecimal digits. */
export type SpanRef = { readonly traceId: string; readonly spanId: string; readonly isSampled: boolean };

/** The span that the running work belongs to. */
export type Span = SpanRef & {
  /** Records that another span, which may be part of another trace, belongs to this work as well. */
  link(other: SpanRef): void;
};

type Store = { readonly fields: Trace | null; readonly span: Span | null };

const traces = new AsyncLocalStorage<Store>();

/** Runs `work`, and everything that it starts, under a request id, which each of its log lines has. */
export function traced<T>(requestId: string, work: () => T): T {
  return traces.run({ fields: { requestId }, span: currentSpan() }, work);
}

/** Runs a unit of background work under the id of the request that started it, or under a new id. */
export function tracedPiece<T>(work: () => T): T {
  return traced(traces.getStore()?.fields?.requestId ?? randomUUID(), work);
}

/** Runs `work` as part of a span. Its log lines keep their fields. */
export function withinSpan<T>(span: Span, work: () => T): T {
  return traces.run({ fields: traces.getStore()?.fields ?? null, span }, work);
}

/** Null while tracing is off, and outside of any span. */
export function currentSpan(): Span | null {
  return traces.getStore()?.span ?? null;
}

/** Adds the order id to all further log lines of this request. */
export function aboutOrder(orderId: string): void {
  const fields = traces.getStore()?.fields;
  if (fields) fields.orderId = orderId;
}

/** The fields that are added to a log line; none outside a request. With tracing they name the span. */
export function traceFields(): Partial<Trace> & Partial<Pick<SpanRef, 'traceId' | 'spanId'>> {
  const store = traces.getStore();
  if (store === undefined) return {};
  const { fields, span } = store;
  return span === null ? { ...fields } : { ...fields, traceId: span.traceId, spanId: span.spanId };
}
