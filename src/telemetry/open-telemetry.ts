import type { Log } from '../domain/log.ts';
import type { Gauges } from './metrics.ts';
import { addObserver } from './observe.ts';
import type { TelemetrySettings } from './settings.ts';

export type Telemetry = {
  /** The address of the metrics; null when this process serves none. */
  readonly metricsUrl: string | null;
  close(): Promise<void>;
};

/** How a worker hands its metrics to the process that serves them for all workers. */
export type MetricsCollection = { answerWith(read: () => Promise<readonly object[]>): void };

/**
 * Switches on what is configured. Packages are loaded only then, so that a server without telemetry neither loads nor runs any of it.
 *
 * @param collection null in a process that serves its metrics itself.
 * @throws {Error} with a sentence for the operator.
 */
export async function openTelemetry(
  { tracing, metrics }: TelemetrySettings,
  readGauges: () => Promise<Gauges>,
  collection: MetricsCollection | null,
  log: Log,
): Promise<Telemetry> {
  const closing: (() => unknown)[] = [];
  // In reverse order: nothing is observed any more when the last spans are exported.
  const close = async () => {
    for (const step of closing.splice(0).reverse()) await step();
  };
  try {
    if (tracing !== null) {
      const { openOtlpExporter, openTracing } = await import('./tracing.ts');
      const { observer, close } = openTracing(tracing, openOtlpExporter(tracing), log);
      closing.push(close, addObserver(observer));
    }
    if (metrics === null) return { metricsUrl: null, close };
    const { createMetrics } = await import('./metrics.ts');
    const { observer, read, scrape } = createMetrics(readGauges);
    closing.push(addObserver(observer));
    if (collection !== null) {
      collection.answerWith(read);
      return { metricsUrl: null, close };
    }
    const { serveMetrics } = await import('./metrics-server.ts');
    const server = await serveMetrics(metrics, scrape);
    closing.push(server.close);
    return { metricsUrl: server.url, close };
  } catch (error) {
    await close();
    throw error;
  }
}
