import { setTimeout as delay } from 'node:timers/promises';
import type { Scrape } from './metrics-server.ts';

/** How long a worker may take. A worker that is busy or starting is left out of the scrape. */
const answerMsMax = 2000;

/** The metrics of one worker, as the answer to the request with this number. */
export type MetricsAnswer = { readonly kind: 'metrics'; readonly request: number; readonly metrics: readonly object[] };
export type MetricsRequest = { readonly kind: 'read metrics'; readonly request: number };

/** Something that a request can be sent to. It answers through `receive`. */
export type MetricsWorker = { ask(request: MetricsRequest): void };

/** Adds the metrics of several workers up, and serves them as those of one process. */
export type WorkerMetrics = {
  scrape(workers: readonly MetricsWorker[]): Promise<Scrape>;
  receive(answer: MetricsAnswer): void;
};

export function createWorkerMetrics(): WorkerMetrics {
  const waiting = new Map<number, (metrics: readonly object[]) => void>();
  let requests = 0;

  async function ask(worker: MetricsWorker): Promise<readonly object[] | null> {
    const request = ++requests;
    const late = new AbortController();
    const answered = new Promise<readonly object[]>((resolve) => waiting.set(request, resolve));
    worker.ask({ kind: 'read metrics', request });
    try {
      return await Promise.race([answered, delay(answerMsMax, null, { signal: late.signal })]);
    } finally {
      late.abort();
      waiting.delete(request);
    }
  }

  return {
    async scrape(workers) {
      const { AggregatorRegistry, Gauge } = await import('prom-client'); // a process without metrics does not load it
      const answers = (await Promise.all(workers.map(ask))).filter((metrics) => metrics !== null);
      const registry = AggregatorRegistry.aggregate([...answers] as object[]);
      const help = 'Workers whose metrics are in this scrape.';
      new Gauge({ name: 'paystream_workers', help, registers: [registry] }).set(answers.length);
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
    receive: ({ request, metrics }) => waiting.get(request)?.(metrics),
  };
}
