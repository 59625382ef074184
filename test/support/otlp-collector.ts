import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { TracingSettings } from '../../src/telemetry/settings.ts';

type Value = { readonly stringValue?: string; readonly intValue?: number | string; readonly boolValue?: boolean };

/** A span as OTLP has it in JSON. */
export type CollectedSpan = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Value }[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status?: { readonly code?: number };
};

type Export = {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly CollectedSpan[] }[] }[];
};

/** Takes spans as an OpenTelemetry collector does, over OTLP with JSON. Complete once the app is closed, which exports the last ones. */
export type OtlpCollector = {
  readonly settings: TracingSettings;
  readonly spans: CollectedSpan[];
  /** The requests as they came: headers and bodies. */
  readonly texts: string[];
  close(): Promise<void>;
};

export async function startOtlpCollector(settings: Partial<TracingSettings> = {}): Promise<OtlpCollector> {
  const spans: CollectedSpan[] = [];
  const texts: string[] = [];
  const server = createServer(async (request, response) => {
    const body = (await json(request)) as Export;
    texts.push(JSON.stringify({ headers: request.headers, body }));
    for (const { scopeSpans } of body.resourceSpans) spans.push(...scopeSpans.flatMap((scope) => scope.spans));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    settings: {
      url: `http://127.0.0.1:${port}/v1/traces`,
      ...{ headers: {}, timeoutMs: 10_000, serviceName: 'paystream', resource: {} },
      ...{ sampler: 'parentbased_always_on', ratio: 1 },
      ...settings,
    },
    ...{ spans, texts },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The attribute of a span as text; null when it has none of this name. */
export function attributeOf({ attributes }: CollectedSpan, name: string): string | null {
  const value = attributes.find(({ key }) => key === name)?.value;
  return value === undefined ? null : String(Object.values(value)[0]);
}
