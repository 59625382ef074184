import { setTimeout as delay } from 'node:timers/promises';
import type { CallbacksCalls } from './processes/callbacks.ts';
import type { FlooderCalls } from './processes/flooder.ts';
import type { Bench, Measure, Turn } from './support/bench.ts';
import { logEndOf } from './support/graphql.ts';
import { inspectable, openInspector } from './support/inspector.ts';
import { preparePayments } from './support/prepared-payments.ts';
import { openProcess } from './support/process-calls.ts';
import { cpuMsOf, rssMbOf, watchBackends, watchRss } from './support/process-usage.ts';
import { firstMerchantOf, type Product, startProduct } from './support/product.ts';
import { percentile } from './support/statistics.ts';

/** Genuine callbacks while an attacker floods the webhook. */
export const flood: Bench = {
  name: 'flood',
  summary:
    'a genuine callback every 100 ms, until it is acknowledged and until the merchant is told; first alone, then beside half-open requests and forged callbacks ' +
    'from a thousand addresses. Every third forged callback names a live payment.',
  limitSummary: null,
  limit: null,
  async product(turn) {
    const product = await startProduct(turn, inspectable);
    const inspector = await openInspector(product, turn.scope);
    const merchant = await firstMerchantOf(product);
    const payments = await preparePayments(product.database.pool, merchant.id, 3000);
    const stripe = turn.scope.keep(openProcess<CallbacksCalls>('callbacks'));
    const { url, token } = product;
    const startGenuine = async (unpaid: readonly string[]) => {
      const after = await logEndOf(url, token);
      await stripe.call('startGenuine', { url, token, after, payments: unpaid, intervalMs: 100 });
    };

    turn.say('genuine callbacks alone');
    await startGenuine(payments.slice(0, genuineMax));
    await delay(turn.isQuick ? 1000 : 10_000);
    const alone = await stripe.call('stopGenuine', undefined);
    const usedBefore = await inspector.usedMb();
    const rssBefore = rssMbOf(product.pid);

    turn.say('half-open requests and forged callbacks');
    const watched = watchRss(product.pid);
    await startGenuine(payments.slice(alone.used, genuineMax));
    const attacked = await attack(turn, product, payments.slice(genuineMax));
    await delay(1000);
    const beside = await stripe.call('stopGenuine', undefined);
    const rssPeak = watched.stop();
    turn.say('waiting until the memory is back');
    const rssAfter = await settledRss(turn, product, rssBefore);
    const usedAfter = await inspector.usedMb();
    await stripe.close();
    return [
      { name: 'genuine, alone, acknowledged, p99', unit: 'ms', value: percentile(alone.acknowledgedMs, 0.99) },
      { name: 'genuine, alone, applied, p99', unit: 'ms', value: percentile(alone.appliedMs, 0.99) },
      ...genuineMeasures(beside),
      ...attacked,
      { name: 'resident memory before', unit: 'MB', value: rssBefore },
      { name: 'resident memory, peak', unit: 'MB', value: rssPeak },
      { name: 'resident memory after', unit: 'MB', value: rssAfter },
      { name: 'used memory before, collected', unit: 'MB', value: usedBefore },
      { name: 'used memory after, collected', unit: 'MB', value: usedAfter },
      { name: 'log', unit: 'kB', value: product.logBytes() / 1000 },
    ];
  },
};

/** The number of payments that genuine callbacks may pay; the others are those that forged callbacks name. */
const genuineMax = 2000;

/** Floods the product, and measures what a forged callback costs it. */
async function attack(turn: Turn, product: Product, payments: readonly string[]): Promise<Measure[]> {
  const flooder = turn.scope.keep(openProcess<FlooderCalls>('flooder'));
  const { halfOpen, forged, connections } = settingOf(turn);
  const { url, pid, database } = product;
  const backends = watchBackends(database.name);
  const [beforeMs, transactionsBefore] = [cpuMsOf(pid), await countTransactions(product)];
  await flooder.call('openHalf', { url, count: halfOpen });
  const { answers, answerMs, seconds } = await flooder.call('flood', { url, count: forged, connections, payments });
  const [cpuMs, databaseMs] = [cpuMsOf(pid) - beforeMs, backends.stop()];
  const transactions = (await countTransactions(product)) - transactionsBefore;
  const ended = await flooder.call('closeHalf', undefined);
  await flooder.close();
  const each = (ms: number | null) => (ms === null ? null : (ms * 1000) / forged);
  return [
    { name: 'forged', unit: 'count', value: forged },
    { name: 'forged answered', unit: '/s', value: answerMs.length / seconds },
    ...Object.entries(answers).map(
      ([status, count]): Measure => ({ name: `forged answered with ${status}`, unit: 'count', value: count }),
    ),
    { name: 'forged answered, p99', unit: 'ms', value: percentile(answerMs, 0.99) },
    { name: 'Node CPU of a forged callback', unit: 'µs', value: each(cpuMs) },
    { name: 'PostgreSQL CPU of a forged callback', unit: 'µs', value: each(databaseMs) },
    { name: 'transactions of a forged callback', unit: 'count', value: transactions / forged },
    { name: 'half-open requests at any time', unit: 'count', value: halfOpen },
    { name: 'half-open requests ended by the server', unit: 'count', value: ended },
  ];
}

function settingOf({ isQuick }: Turn) {
  return isQuick
    ? { halfOpen: 20, forged: 200, connections: 20 }
    : { halfOpen: 1000, forged: 20_000, connections: 1000 };
}

type Genuine = { readonly acknowledgedMs: Float64Array; readonly appliedMs: Float64Array; readonly used: number };

function genuineMeasures({ acknowledgedMs, appliedMs, used }: Genuine): Measure[] {
  const of = (what: string, values: Float64Array): Measure[] => [
    { name: `genuine, flooded, ${what}, p50`, unit: 'ms', value: percentile(values, 0.5) },
    { name: `genuine, flooded, ${what}, p99`, unit: 'ms', value: percentile(values, 0.99) },
    { name: `genuine, flooded, ${what}, longest`, unit: 'ms', value: percentile(values, 1) },
  ];
  return [
    { name: 'genuine, flooded', unit: 'count', value: used },
    { name: 'genuine, flooded, not acknowledged', unit: 'count', value: used - acknowledgedMs.length },
    { name: 'genuine, flooded, not applied within 60 s', unit: 'count', value: used - appliedMs.length },
    ...of('acknowledged', acknowledgedMs),
    ...of('applied', appliedMs),
  ];
}

/** As PostgreSQL counts them, with a delay of up to a second. */
async function countTransactions({ database: { pool, name } }: Product): Promise<number> {
  const { rows } = await pool.query<{ count: string }>(
    'select xact_commit + xact_rollback as count from pg_stat_database where datname = $1',
    [name],
  );
  return Number(rows[0]?.count);
}

/** The resident memory once it is within a tenth of what it was, or after a while. */
async function settledRss({ isQuick }: Turn, { pid }: Product, beforeMb: number): Promise<number> {
  const deadlineMs = performance.now() + (isQuick ? 1000 : 60_000);
  while (performance.now() < deadlineMs && rssMbOf(pid) > 1.1 * beforeMb) await delay(500);
  return rssMbOf(pid);
}
