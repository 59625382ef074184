import { AsyncLocalStorage } from 'node:async_hooks';

/** Names a span of a distributed trace, of this process or another one. Both ids are in lower-case hexadecimal digits. */
export type SpanRef = { readonly traceId: string; readonly spanId: string; readonly isSampled: boolean };

/** The span that the running work belongs to. */
export type Span = SpanRef & {
  /** Records that another span, which may be part of another trace, belongs to this work as well. */
  link(other: SpanRef): void;
};

/** Used only while tracing is on: see `RequestLog`. */
const spans = new AsyncLocalStorage<Span>();

/** Runs `work`, and everything that it starts, as part of a span. */
export function withinSpan<T>(span: Span, work: () => T): T {
  return spans.run(span, work);
}

/** Null while tracing is off, and outside of any span. */
export function currentSpan(): Span | null {
  return spans.getStore() ?? null;
}

/** The fields of a log line that name the span. */
export function spanFields(): Partial<Pick<SpanRef, 'traceId' | 'spanId'>> {
  const span = currentSpan();
  return span === null ? {} : { traceId: span.traceId, spanId: span.spanId };
}
