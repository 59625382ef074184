import type { BareCallbacksCalls } from './processes/bare-callbacks.ts';
import type { CallbacksCalls, CallbacksResult } from './processes/callbacks.ts';
import type { Bench, Measure, Turn } from './support/bench.ts';
import { until } from './support/clock.ts';
import { type BenchDatabase, makeMigratedDatabase } from './support/database.ts';
import { preparePayments } from './support/prepared-payments.ts';
import { openProcess } from './support/process-calls.ts';
import { cpuMsOf, watchBackends } from './support/process-usage.ts';
import { firstMerchantOf, startProduct } from './support/product.ts';
import { percentile } from './support/statistics.ts';

/** Callbacks at full and at half speed. */
export const callbacks: Bench = {
  name: 'callbacks',
  summary:
    'signed callbacks, each of another payment, as fast as 64 connections carry them, and then half as many a second.',
  limitSummary: 'node:http that checks the signature and inserts one row. It does not apply the callback.',
  async product(turn) {
    const product = await startProduct(turn);
    const merchant = await firstMerchantOf(product);
    turn.say('preparing payments');
    const payments = await preparePayments(product.database.pool, merchant.id, countOf(turn));
    const server = { url: product.url, pid: product.pid, database: product.database, payments };
    return measureServer(turn, server, async (beganMs, { accepted }) => {
      const { pool } = product.database;
      const isApplied = await until(
        async () => (await pool.query(`select from deliveries where status = 'PENDING' limit 1`)).rows.length === 0,
        appliedTimeoutMs,
      );
      return [
        {
          name: 'callbacks applied',
          unit: '/s',
          value: isApplied ? accepted / ((performance.now() - beganMs) / 1000) : null,
        },
      ];
    });
  },
  async limit(turn) {
    const database = await makeMigratedDatabase(turn);
    const bare = turn.scope.keep(openProcess<BareCallbacksCalls>('bare-callbacks'));
    const url = await bare.call('listen', { databaseUrl: database.url });
    const payments = Array.from({ length: countOf(turn) }, (_, n) => `pay_${String(n).padStart(26, '0')}`);
    return measureServer(turn, { url, pid: bare.pid, database, payments }, async () => []);
  },
};

const countOf = ({ isQuick }: Turn) => (isQuick ? 500 : 60_000);
const secondsOf = ({ isQuick }: Turn) => (isQuick ? 0.5 : 10);
const connections = 64;
const appliedTimeoutMs = 120_000;

type Server = {
  readonly url: string;
  readonly pid: number;
  readonly database: BenchDatabase;
  readonly payments: readonly string[];
};

async function measureServer(
  turn: Turn,
  { url, pid, database, payments }: Server,
  awaitApplied: (beganMs: number, result: CallbacksResult) => Promise<Measure[]>,
): Promise<Measure[]> {
  const stripe = turn.scope.keep(openProcess<CallbacksCalls>('callbacks'));
  const seconds = secondsOf(turn);
  turn.say('warming up');
  const warmed = await stripe.call('full', { url, payments, connections: 8, seconds: turn.isQuick ? 0.1 : 2 });
  await awaitApplied(performance.now(), warmed);
  let left = payments.slice(warmed.used);
  turn.say('full speed');
  const backends = watchBackends(database.name);
  const [beganMs, beforeMs] = [performance.now(), cpuMsOf(pid)];
  const full = await stripe.call('full', { url, payments: left, connections, seconds });
  failOnFailures(full);
  const applied = await awaitApplied(beganMs, full);
  const [nodeMs, databaseMs] = [cpuMsOf(pid) - beforeMs, backends.stop()];
  left = left.slice(full.used);
  turn.say('half speed');
  const perSecond = full.accepted / full.seconds / 2;
  const half = await stripe.call('steady', { url, payments: left, perSecond, seconds });
  failOnFailures(half);
  await awaitApplied(performance.now(), half);
  await stripe.close();
  return [
    { name: 'callbacks accepted', unit: '/s', value: full.accepted / full.seconds },
    ...applied,
    { name: 'Node CPU of a callback', unit: 'µs', value: (nodeMs * 1000) / full.accepted },
    {
      name: 'PostgreSQL CPU of a callback',
      unit: 'µs',
      value: databaseMs === null ? null : (databaseMs * 1000) / full.accepted,
    },
    { name: 'acknowledged, full speed, p50', unit: 'ms', value: percentile(full.acknowledgedMs, 0.5) },
    { name: 'acknowledged, full speed, p99', unit: 'ms', value: percentile(full.acknowledgedMs, 0.99) },
    { name: 'acknowledged, half speed, p50', unit: 'ms', value: percentile(half.acknowledgedMs, 0.5) },
    { name: 'acknowledged, half speed, p99', unit: 'ms', value: percentile(half.acknowledgedMs, 0.99) },
  ];
}

function failOnFailures({ accepted, failed, firstFailure }: CallbacksResult): void {
  if (failed > 0)
    throw new Error(`${failed} callbacks were not accepted beside ${accepted}, the first with: ${firstFailure}`);
}
