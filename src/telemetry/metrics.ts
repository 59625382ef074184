import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Scrape } from './metrics-server.ts';
import type { Fact, Observer, Piece, Watch } from './observe.ts';

/** What is read at the moment of a scrape. Null when it is not known. */
export type Gauges = {
  /** From the database, the same on all nodes; null when the database did not answer. */
  readonly shared: SharedGauges | null;
  readonly pools: Readonly<Record<'queries' | 'follows' | 'writes', PoolGauges>>;
  readonly subscribers: number;
  readonly topics: number;
  readonly operations: { readonly inProgress: number; readonly waiting: number };
};

export type PoolGauges = { readonly open: number; readonly idle: number; readonly waiting: number };

export type SharedGauges = {
  readonly pendingCallbacks: number;
  /** The age of the oldest callback that is not applied; 0 when there is none. */
  readonly oldestCallbackSeconds: number;
  readonly unknownPayments: number;
  readonly oldestUnknownSeconds: number;
};

export type Metrics = {
  readonly observer: Observer;
  /** The text that Prometheus reads. */
  scrape(): Promise<Scrape>;
  /** The same as values, to be added up with those of other processes. */
  read(): Promise<readonly object[]>;
};

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const batchSizes = [1, 2, 4, 8, 16, 32, 64, 128, 512];

/**
 * The metrics of this process. Labels have only values of small, fixed sets: fields of the schema, and never a name that a client has chosen.
 *
 * @param readGauges is called at each scrape.
 */
export function createMetrics(readGauges: () => Promise<Gauges>): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets = seconds) =>
    new Histogram<L>({ name, help, labelNames, buckets, registers });
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter<L>({ name, help, labelNames, registers });

  const requests = histogram(
    'paystream_http_request_duration_seconds',
    'Duration of HTTP requests, without event streams.',
    ['route', 'status'],
  );
  const operations = histogram(
    'paystream_operation_duration_seconds',
    'Duration of GraphQL operations, by their first root field; of a subscription, the time until it has started.',
    ['operation', 'outcome'],
  );
  const commands = counter(
    'paystream_commands_total',
    'Commands, by outcome: done, failed, or the code of a refusal.',
    [...(['command', 'outcome'] as const)],
  );
  const providerCalls = histogram('paystream_provider_call_duration_seconds', 'Duration of calls of providers.', [
    ...(['provider', 'call', 'outcome'] as const),
  ]);
  const statements = histogram('paystream_sql_duration_seconds', 'Duration of SQL statements.', ['verb', 'outcome']);
  const batches = histogram('paystream_batch_duration_seconds', 'Duration of batches of writes and lookups.', [
    ...(['batch', 'outcome'] as const),
  ]);
  const sizes = histogram('paystream_batch_size', 'Items in one batch.', ['batch'], batchSizes);
  const callbacks = counter(
    'paystream_callbacks_total',
    'Callbacks of providers: kept, duplicate or refused when they arrive; applied, ignored, review or postponed at each try to apply them.',
    ['provider', 'outcome'],
  );
  const shed = counter('paystream_shed_total', 'Requests that were refused to protect the others.', ['reason']);
  const failedRounds = counter('paystream_failed_rounds_total', 'Background rounds that failed and are repeated.', [
    'round',
  ]);
  const lostSpans = counter('paystream_lost_spans_total', 'Spans that could not be exported to the collector.', []);
  const feedLag = histogram(
    'paystream_feed_lag_seconds',
    'Time between an event and its reading for the subscribers of this process.',
    [],
  );
  const setGauges = createGauges(registers);

  function end({ kind, name, labels = {} }: Piece, outcome: string, tookSeconds: number): void {
    switch (kind) {
      case 'request':
        if (outcome !== 'stream') requests.observe({ ...labels, status: outcome }, tookSeconds);
        return;
      case 'operation':
        return operations.observe({ operation: name, outcome }, tookSeconds);
      case 'command':
        return commands.inc({ command: name, outcome });
      case 'provider call':
        return providerCalls.observe({ ...labels, outcome }, tookSeconds);
      case 'statement':
        return statements.observe({ ...labels, outcome }, tookSeconds);
      case 'batch':
        return batches.observe({ ...labels, outcome }, tookSeconds);
      case 'callback':
        return; // counted as a fact
    }
  }

  function begin(piece: Piece): Watch {
    const startedAt = performance.now();
    let isEnded = false;
    return {
      span: null,
      add() {},
      end(outcome) {
        if (isEnded) return;
        isEnded = true;
        end(piece, outcome, (performance.now() - startedAt) / 1000);
      },
    };
  }

  function note(fact: Fact): void {
    switch (fact.kind) {
      case 'shed':
        return shed.inc({ reason: fact.reason });
      case 'callback':
        return callbacks.inc({ provider: fact.provider, outcome: fact.outcome });
      case 'batch size':
        return sizes.observe({ batch: fact.batch }, fact.size);
      case 'feed lag':
        return feedLag.observe(Math.max(0, fact.ms) / 1000);
      case 'failed round':
        return failedRounds.inc({ round: fact.round });
      case 'lost spans':
        return lostSpans.inc(fact.count);
    }
  }

  // Before the registry is read: it reads all metrics at the same time.
  const refresh = async () => setGauges(await readGauges());
  return {
    observer: { hasSpans: false, begin, note },
    async scrape() {
      await refresh();
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
    async read() {
      await refresh();
      return registry.getMetricsAsJSON();
    },
  };
}

/** Of several workers, what is shared counts once, and the rest is added up. */
function createGauges(registers: Registry[]): (read: Gauges) => void {
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = [], isShared = false) =>
    new Gauge<L>({ name, help, labelNames, registers, aggregator: isShared ? 'max' : 'sum' });
  const shared = (name: string, help: string) => gauge(name, help, [], true);
  const pending = shared('paystream_callbacks_pending', 'Callbacks that are not applied yet, counted up to 10,000.');
  const oldestCallback = shared(
    'paystream_callback_oldest_pending_seconds',
    'Age of the oldest callback that is not applied.',
  );
  const unknown = shared('paystream_payments_unknown', 'Payments whose outcome is unknown, counted up to 10,000.');
  const oldestUnknown = shared(
    'paystream_payment_oldest_unknown_seconds',
    'Age of the oldest payment whose outcome is unknown.',
  );
  const connections = gauge('paystream_database_connections', 'Connections of the pools: in use, idle.', [
    'pool',
    'state',
  ]);
  const waiting = gauge('paystream_database_waiting', 'Callers that wait for a connection.', ['pool']);
  const subscribers = gauge('paystream_subscribers', 'Subscriptions of this process.');
  const topics = gauge('paystream_topics', 'Merchants and orders that are followed in this process.');
  const operations = gauge('paystream_operations', 'Operations in progress, and those that wait for a place.', [
    'state',
  ]);
  const up = new Gauge({
    name: 'paystream_database_up',
    help: '1 when the database answered the scrape.',
    ...{ registers, aggregator: 'min' as const },
  });
  return (read) => {
    up.set(read.shared === null ? 0 : 1);
    const { pendingCallbacks, oldestCallbackSeconds, unknownPayments, oldestUnknownSeconds } = read.shared ?? {};
    setOrRemove(pending, pendingCallbacks);
    setOrRemove(oldestCallback, oldestCallbackSeconds);
    setOrRemove(unknown, unknownPayments);
    setOrRemove(oldestUnknown, oldestUnknownSeconds);
    for (const [pool, { open, idle, waiting: count }] of Object.entries(read.pools)) {
      connections.set({ pool, state: 'in_use' }, open - idle);
      connections.set({ pool, state: 'idle' }, idle);
      waiting.set({ pool }, count);
    }
    subscribers.set(read.subscribers);
    topics.set(read.topics);
    operations.set({ state: 'in_progress' }, read.operations.inProgress);
    operations.set({ state: 'waiting' }, read.operations.waiting);
  };
}

/** What is not known is absent, so that it does not look like zero. */
function setOrRemove(gauge: Gauge, value: number | undefined): void {
  if (value === undefined) gauge.remove();
  else gauge.set(value);
}
