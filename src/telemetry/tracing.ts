import { setTimeout as delay } from 'node:timers/promises';
import {
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Log } from '../domain/log.ts';
import { currentSpan, type Span, type SpanRef } from '../logging/trace.ts';
import { note, type Observer, type Piece, type PieceKind, type Watch } from './observe.ts';
import type { TracingSettings } from './settings.ts';

const kinds: Readonly<Record<PieceKind, SpanKind>> = {
  request: SpanKind.SERVER,
  operation: SpanKind.INTERNAL,
  command: SpanKind.INTERNAL,
  batch: SpanKind.INTERNAL,
  statement: SpanKind.CLIENT,
  'provider call': SpanKind.CLIENT,
  callback: SpanKind.CONSUMER,
};

/** Outcomes with which a span counts as failed. A refusal that the caller asked for is none of them. */
const failures = /^(failed|internal|overloaded|unknown|not_executed|misconfigured|5\d\d)$/;

/** The code of an export that succeeded, as OpenTelemetry's specification has it. */
const exported = 0;
/** A collector that is away fails each export, every few seconds. */
const reportPauseMs = 60_000;

/** How long the last spans may take to be exported. */
const closingMsMax = 5000;

export type Tracing = {
  readonly observer: Observer;
  /** Exports what is left. */
  close(): Promise<void>;
};

/** The exporter that sends spans as OTLP. */
export function openOtlpExporter({ url, headers, timeoutMs }: TracingSettings): SpanExporter {
  return new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: timeoutMs });
}

/**
 * Passes spans on to an exporter, and counts and logs those that it loses: the processor, which does not repeat an export, keeps failures to itself.
 *
 * @param nowMs of a clock that only goes forward.
 */
export function reportingLosses(exporter: SpanExporter, log: Log, nowMs: () => number): SpanExporter {
  let reportedAtMs = Number.NEGATIVE_INFINITY;
  let lostSpans = 0;
  function report(count: number, error: Error | undefined): void {
    note({ kind: 'lost spans', count });
    lostSpans += count;
    if (nowMs() - reportedAtMs < reportPauseMs) return;
    log.warn({ err: error, lostSpans }, 'traces could not be exported to the collector');
    reportedAtMs = nowMs();
    lostSpans = 0;
  }
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.code !== exported) report(spans.length, result.error);
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}

/** Makes a span of every observed piece. Spans are exported in batches, and dropped when the exporter does not keep up. */
export function openTracing(
  settings: TracingSettings,
  exporter: SpanExporter,
  log: Log,
  nowMs: () => number = () => performance.now(),
): Tracing {
  const provider = new TracerProvider({
    sampler: samplerOf(settings),
    resource: defaultResource().merge(
      resourceFromAttributes({ ...settings.resource, 'service.name': settings.serviceName }),
    ),
    spanProcessors: [new BatchSpanProcessor({ exporter: reportingLosses(exporter, log, nowMs) })],
  });
  const tracer = provider.getTracer('paystream');

  function begin(piece: Piece): Watch {
    const { kind, name, labels, attributes, parent = currentSpan(), links = [] } = piece;
    const context = parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, contextOf(parent));
    const span = tracer.startSpan(
      kind === 'request' || kind === 'statement' ? name : `${kind} ${name}`,
      { kind: kinds[kind], attributes: { ...prefixed(labels), ...attributes }, links: links.map(linkTo) },
      context,
    );
    const { traceId, spanId, traceFlags } = span.spanContext();
    const current: Span = {
      ...{ traceId, spanId, isSampled: (traceFlags & TraceFlags.SAMPLED) !== 0 },
      link: (other) => void span.addLink(linkTo(other)),
    };
    return {
      span: current,
      add: (added) => void span.setAttributes({ ...added }),
      end(outcome) {
        if (!span.isRecording()) return;
        span.setAttribute('paystream.outcome', outcome);
        if (failures.test(outcome)) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      },
    };
  }

  /** A collector that is away does not hold up the end of the process. */
  async function close(): Promise<void> {
    await Promise.race([provider.shutdown().catch(ignore), delay(closingMsMax, undefined, { ref: false })]);
  }

  return { observer: { hasSpans: true, begin, note() {} }, close };
}

function prefixed(labels: Piece['labels'] = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [`paystream.${name}`, value]));
}

function contextOf({ traceId, spanId, isSampled }: SpanRef): SpanContext {
  return { traceId, spanId, traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE, isRemote: true };
}

function linkTo(ref: SpanRef): Link {
  return { context: contextOf(ref) };
}

function samplerOf({ sampler, ratio }: TracingSettings): Sampler {
  const isByParent = sampler.startsWith('parentbased_');
  const own = sampler.replace('parentbased_', '');
  const root =
    own === 'always_on'
      ? new AlwaysOnSampler()
      : own === 'always_off'
        ? new AlwaysOffSampler()
        : new TraceIdRatioBasedSampler(ratio);
  return isByParent ? new ParentBasedSampler({ root }) : root;
}

function ignore(): void {}
