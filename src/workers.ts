import cluster, { type Worker } from 'node:cluster';
import { parseArgs } from 'node:util';
import type { Notification } from './events/notifications.ts';
import { serveMetrics } from './telemetry/metrics-server.ts';
import type { MetricsCollection } from './telemetry/open-telemetry.ts';
import type { MetricsSettings } from './telemetry/settings.ts';
import { createWorkerMetrics, type MetricsAnswer, type MetricsRequest } from './telemetry/worker-metrics.ts';

/** The first worker that dies is replaced after this time; the time doubles while workers die soon after their start. */
const restartMsMin = 500;
const restartMsMax = 30_000;
/** A worker that has run for longer did not die of its start. */
const settledMs = 60_000;
const workersMax = 64;

type WorkerMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'notification'; readonly notification: Notification }
  | MetricsAnswer;

/** The number that `--workers` asks for. @throws {Error} with a sentence for the operator. */
export function workersIn(argv: readonly string[]): number {
  const { values } = parseArgs({ args: [...argv], options: { workers: { type: 'string' } } });
  const count = Number(values.workers ?? '1');
  if (!Number.isInteger(count) || count < 1 || count > workersMax) {
    throw new Error(`--workers must be a number from 1 to ${workersMax}.`);
  }
  return count;
}

/**
 * Runs several processes of the server on one port, and replaces one that dies. They are nodes like any others: they share nothing
 * but the port and notifications, which this process passes on. The first one starts alone, so that it migrates the database, and so that an
 * error of the configuration is printed once.
 *
 * @param metrics where the metrics of all workers are served, added up; null for nowhere.
 */
export async function runWorkers(count: number, metrics: MetricsSettings | null): Promise<void> {
  let isStopping = false;
  let isStarted = false;
  let restartMs = restartMsMin;
  const ofWorkers = createWorkerMetrics();

  function start(): void {
    const startedAt = performance.now();
    const worker = cluster.fork();
    worker.on('message', (message: WorkerMessage) => receive(worker, message));
    worker.on('exit', (code) => replace(`Worker ${worker.process.pid} has ended.`, code, startedAt));
    // Of a message to a worker that has just died, also one of Node's own, such as a connection: its exit follows. A worker that cannot be
    // started has no exit.
    worker.on('error', (error) => {
      if (worker.process.pid !== undefined) return;
      console.error(error.message);
      replace('A worker could not be started.', null, startedAt);
    });
  }

  function replace(why: string, code: number | null, startedAt: number): void {
    if (isStopping) return endWhenAllEnded();
    if (!isStarted) process.exit(code ?? 1);
    if (performance.now() - startedAt > settledMs) restartMs = restartMsMin;
    console.error(`${why} Another one starts in ${restartMs} ms.`);
    setTimeout(() => isStopping || start(), restartMs);
    restartMs = Math.min(2 * restartMs, restartMsMax);
  }

  function receive(from: Worker, message: WorkerMessage): void {
    if (message.kind === 'notification') {
      for (const worker of connectedWorkers()) if (worker !== from) sendTo(worker, message);
    } else if (message.kind === 'metrics') {
      ofWorkers.receive(message);
    } else if (!isStarted) {
      isStarted = true;
      for (let number = 2; number <= count; number += 1) start();
    }
  }

  function endWhenAllEnded(): void {
    if (Object.values(cluster.workers ?? {}).every((worker) => worker === undefined || worker.isDead()))
      process.exit(0);
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      isStopping = true;
      // A worker that gets a signal twice within a moment takes it for one: Ctrl-C reaches the workers directly as well.
      for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill(signal);
      endWhenAllEnded();
    });
  }
  if (metrics !== null) {
    const server = await serveMetrics(metrics, () => ofWorkers.scrape(connectedWorkers().map(askable)));
    console.log(`Metrics    ${server.url}, of all workers`);
  }
  start();
}

function connectedWorkers(): readonly Worker[] {
  return Object.values(cluster.workers ?? {}).filter((worker): worker is Worker => worker?.isConnected() === true);
}

function askable(worker: Worker): { ask(request: MetricsRequest): void } {
  return { ask: (request) => sendTo(worker, request) };
}

/** A worker that has just died gets nothing. Without a callback that would be an error of the worker. */
function sendTo(worker: Worker, message: WorkerMessage | MetricsRequest): void {
  worker.send(message, ignore);
}

/** In a worker, hands its metrics to the process that started it. Null in a process that is no worker. */
export function openCollection(): MetricsCollection | null {
  if (!cluster.isWorker) return null;
  return {
    answerWith(read) {
      process.on('message', (message: MetricsRequest | WorkerMessage) => {
        if (message.kind !== 'read metrics') return;
        const { request } = message;
        // A read that fails has no answer: the scrape leaves this worker out.
        read().then((metrics) => send({ kind: 'metrics', request, metrics }), ignore);
      });
    },
  };
}

function ignore(): void {}

/** What a worker has of the processes beside it. */
export type Siblings = {
  notify(notification: Notification): void;
  onNotification(receive: (notification: Notification) => void): void;
};

/** Null in a process that is no worker. */
export function openSiblings(): Siblings | null {
  if (!cluster.isWorker) return null;
  return {
    notify: (notification) => send({ kind: 'notification', notification }),
    onNotification(receive) {
      process.on('message', (message: WorkerMessage) => {
        if (message.kind === 'notification') receive(message.notification);
      });
    },
  };
}

/** Tells the process that started this worker that it serves requests. Has no effect in other processes. */
export function reportReady(): void {
  if (cluster.isWorker) send({ kind: 'ready' });
}

/** False in all workers but the first one, which prints what is the same for all. */
export function isFirst(): boolean {
  return !cluster.isWorker || cluster.worker?.id === 1;
}

/**
 * Lets messages fail that cannot be sent because the process that started this worker has just died, also Node's own. Node ends the worker as soon as
 * it notices. Has no effect in other processes.
 */
export function expectEndOfPrimary(): void {
  cluster.worker?.on('error', ignore);
}

function send(message: WorkerMessage): void {
  if (process.connected) process.send?.(message, undefined, {}, ignore); // while the other end is closing, it fails
}
