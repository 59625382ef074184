import { currentSpan, type SpanRef } from '../logging/trace.ts';

const form = /^(?!ff)[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-|$)/;
const zeros = /^0+$/;

/** Reads a W3C `traceparent`; null for anything else. */
export function parseTraceparent(text: unknown): SpanRef | null {
  const [, traceId = '0', spanId = '0', flags = ''] = (typeof text === 'string' ? form.exec(text) : null) ?? [];
  if (zeros.test(traceId) || zeros.test(spanId)) return null;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function traceparentOf({ traceId, spanId, isSampled }: SpanRef): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}

/** The headers with which a request to another system continues the trace; none while tracing is off. */
export function traceHeaders(): { readonly traceparent?: string } {
  const span = currentSpan();
  return span === null ? {} : { traceparent: traceparentOf(span) };
}
