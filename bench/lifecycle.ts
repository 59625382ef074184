import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LifecyclesResult, ShopCalls } from './processes/shop.ts';
import type { Bench, Measure, Turn } from './support/bench.ts';
import { makeMigratedDatabase, runPgbench } from './support/database.ts';
import { openProcess } from './support/process-calls.ts';
import { cpuMsOf, watchBackends } from './support/process-usage.ts';
import { type Product, startProduct } from './support/product.ts';
import { newMasterKey, openShops } from './support/shops.ts';
import { countStatements } from './support/statement-counter.ts';
import { percentile } from './support/statistics.ts';

/** The whole way of an order, by one hot merchant and by a thousand. */
export const lifecycle: Bench = {
  name: 'lifecycle',
  summary:
    'an order from `createOrder` to `payOrder` by card, to a signed callback, until the merchant’s subscription says PAID. The merchants, the buyers and Stripe are one process.',
  limitSummary:
    'pgbench with the least that must be written, in three transactions of one statement each: the order and its event; the payment and its ' +
    'event; the callback, the paid payment and order and their event.',
  async product(turn) {
    const opened = await openAll(turn, null, shopCountOf(turn));
    const { shop, product } = opened;
    turn.say('warming up');
    await shop.call('run', { clients: 8, shops: 1, seconds: turn.isQuick ? 0.2 : 3 });
    const measures: Measure[] = [];
    const ofHot: (number | null)[] = [];
    for (const clients of clientsOf(turn)) {
      turn.say(`${clients} clients, one merchant`);
      const [more, rate] = await measureRun(
        opened,
        { clients, shops: 1, seconds: secondsOf(turn) },
        `${clients} clients`,
      );
      measures.push(...more);
      ofHot.push(rate);
    }
    const clients = clientsOf(turn).at(-1) ?? 1;
    turn.say(`warming up ${shopCountOf(turn)} merchants`);
    await shop.call('run', { clients, shops: shopCountOf(turn), count: shopCountOf(turn) });
    turn.say(`${clients} clients, ${shopCountOf(turn)} merchants`);
    const input = { clients, shops: shopCountOf(turn), seconds: secondsOf(turn) };
    const [more, rate] = await measureRun(opened, input, `${clients} clients, ${shopCountOf(turn)} merchants`);
    measures.push(...more);
    const hot = ofHot.at(-1);
    measures.push({
      name: 'one hot merchant of many',
      unit: 'ratio',
      value: hot == null || rate === 0 ? null : hot / rate,
    });
    await shop.close();
    await product.close();
    return [...measures, ...(await measureStatements(turn))];
  },
  async limit(turn) {
    const database = await makeMigratedDatabase(turn);
    await database.pool.query(
      `insert into merchants (id, name, return_origins, created_at) values ('mch_bench', 'Bench', '{}', now())`,
    );
    const file = join(turn.tempDir, 'lifecycle.sql');
    writeFileSync(file, pgbenchScript);
    const measures: Measure[] = [];
    for (const clients of clientsOf(turn)) {
      turn.say(`pgbench, ${clients} clients`);
      const backends = watchBackends(database.name);
      const seconds = turn.isQuick ? 1 : secondsOf(turn);
      const rate = await runPgbench(database.url, { file, clients, seconds });
      const cpuMs = backends.stop();
      const name = `${clients} clients`;
      measures.push({ name: `lifecycles, ${name}`, unit: '/s', value: rate });
      measures.push({
        name: `PostgreSQL CPU, ${name}`,
        unit: 'ms',
        value: cpuMs === null ? null : cpuMs / (rate * seconds),
      });
    }
    return measures;
  },
};

const clientsOf = ({ isQuick }: Turn) => (isQuick ? [2, 4] : [8, 32]);
const shopCountOf = ({ isQuick }: Turn) => (isQuick ? 3 : 1000);
const secondsOf = ({ isQuick }: Turn) => (isQuick ? 0.5 : 15);

type Opened = Awaited<ReturnType<typeof openAll>>;

async function openAll(turn: Turn, database: Product['database'] | null, count: number) {
  turn.say(`opening ${count} shops`);
  const shop = turn.scope.keep(openProcess<ShopCalls>('shop'));
  const stripeUrl = await shop.call('startStripe', undefined);
  const masterKey = newMasterKey();
  const product = await startProduct(turn, { MASTER_KEY: masterKey }, database ?? undefined);
  const shops = await openShops(product, { dir: turn.dir, count, stripeUrl, masterKey });
  await shop.call('open', { url: product.url, shops });
  return { shop, product };
}

/** The measures of a run, and its lifecycles per second. */
async function measureRun(
  { shop, product }: Opened,
  input: { readonly clients: number; readonly shops: number; readonly seconds: number },
  name: string,
): Promise<[Measure[], number]> {
  const backends = watchBackends(product.database.name);
  const [productBeforeMs, shopBeforeMs] = [cpuMsOf(product.pid), cpuMsOf(shop.pid)];
  const result = await shop.call('run', input);
  const nodeMs = (cpuMsOf(product.pid) - productBeforeMs) / result.done;
  const shopMs = (cpuMsOf(shop.pid) - shopBeforeMs) / result.done;
  const databaseMs = backends.stop();
  failOnFailures(result);
  const rate = result.done / result.seconds;
  return [
    [
      { name: `lifecycles, ${name}`, unit: '/s', value: rate },
      { name: `Node CPU, ${name}`, unit: 'ms', value: nodeMs },
      { name: `PostgreSQL CPU, ${name}`, unit: 'ms', value: databaseMs === null ? null : databaseMs / result.done },
      { name: `CPU of merchants, buyers and Stripe, ${name}`, unit: 'ms', value: shopMs },
      { name: `lifecycle, p50, ${name}`, unit: 'ms', value: percentile(result.lifecycleMs, 0.5) },
      { name: `lifecycle, p99, ${name}`, unit: 'ms', value: percentile(result.lifecycleMs, 0.99) },
      { name: `createOrder, p50, ${name}`, unit: 'ms', value: percentile(result.createMs, 0.5) },
      { name: `payOrder, p50, ${name}`, unit: 'ms', value: percentile(result.payMs, 0.5) },
      { name: `callback until acknowledged, p50, ${name}`, unit: 'ms', value: percentile(result.acknowledgedMs, 0.5) },
      { name: `callback until told, p50, ${name}`, unit: 'ms', value: percentile(result.toldMs, 0.5) },
    ],
    rate,
  ];
}

/** A rate with failed lifecycles in it would be the rate of something else. */
function failOnFailures({ done, failed, firstFailure }: LifecyclesResult): void {
  if (failed > 0) throw new Error(`${failed} lifecycles failed beside ${done}, the first with: ${firstFailure}`);
}

/** The statements of a lifecycle without concurrency, less those of an idle server. */
async function measureStatements(turn: Turn): Promise<Measure[]> {
  turn.say('the statements of a lifecycle');
  const counter = await countStatements(turn);
  const { shop, product } = await openAll(turn, counter.database, 1);
  const input = { clients: 1, shops: 1, seconds: turn.isQuick ? 0.3 : 3 };
  await shop.call('run', input);
  const idle = await counter.during(turn.isQuick ? 500 : 4000);
  let done = 0;
  const counted = await counter.during(0, async () => {
    const result = await shop.call('run', input);
    failOnFailures(result);
    done = result.done;
  });
  await shop.close();
  await product.close();
  const value = Math.max(0, counted.statements - (idle.statements * counted.seconds) / idle.seconds) / done;
  return [{ name: 'statements of a lifecycle, one client', unit: 'count', value }];
}

const eventColumns = `id, merchant_id, order_id, sequence, type, occurred_at, order_number, order_status, order_payment_status, payment_id, payment_status,
  payment_method, amount_minor, currency, changes, epoch`;
const eventOf = (sequence: number, type: string, order: string, orderPayment: string, payment: string | null) => `
  insert into events (${eventColumns.replaceAll(/\s+/g, ' ')}) values ('evt_${sequence}_' || :n::text, 'mch_bench', 'ord_' || :n::text, ${sequence}, '${type}', now(),
  'b-' || :n::text, '${order}', '${orderPayment}', ${payment === null ? 'null, null, null, null' : `'pay_' || :n::text, '${payment}', 'CARD', 2500`}, 'EUR', '{}', 1)`;

const statements = [
  `with o as (
    insert into orders (id, merchant_id, number, status, payment_status, capture_mode, currency, total_minor, authorized_minor, captured_minor, refunded_minor,
      reserved_minor, metadata, review_reasons, created_at, updated_at, expires_at, version, epoch, xid)
    values ('ord_' || :n::text, 'mch_bench', 'b-' || :n::text, 'OPEN', 'UNPAID', 'AUTOMATIC', 'EUR', 2500, 0, 0, 0, 0, '{}', '{}', now(), now(),
      now() + interval '30 minutes', 1, 1, 1))
  ${eventOf(1, 'ORDER_CREATED', 'OPEN', 'UNPAID', null)}`,
  `with p as (
    insert into payments (id, order_id, merchant_id, method, flow, provider, provider_account, status, capture_mode, currency, amount_minor, authorized_minor,
      captured_minor, refunded_minor, reserved_minor, applied_minor, surplus_minor, quarantined_minor, late, created_at, updated_at, expires_at, check_attempts)
    values ('pay_' || :n::text, 'ord_' || :n::text, 'mch_bench', 'CARD', 'EMBEDDED', 'STRIPE', 'acct_bench.test', 'ACTION_REQUIRED', 'AUTOMATIC', 'EUR', 2500, 0,
      0, 0, 0, 0, 0, 0, false, now(), now(), now() + interval '30 minutes', 0)),
  o as (update orders set payment_status = 'PENDING', version = 2 where id = 'ord_' || :n::text)
  ${eventOf(2, 'PAYMENT_ACTION_REQUIRED', 'OPEN', 'PENDING', 'ACTION_REQUIRED')}`,
  `with d as (
    insert into deliveries (provider, provider_account, event_id, event_type, headers, body, status, payment_id, received_at, applied_at, apply_attempts)
    values ('STRIPE', 'acct_bench.test', 'evt_' || :n::text, 'payment_intent.succeeded', '{}', '', 'APPLIED', 'pay_' || :n::text, now(), now(), 1)),
  p as (update payments set status = 'SUCCEEDED', authorized_minor = 2500, captured_minor = 2500, applied_minor = 2500, succeeded_at = now()
    where id = 'pay_' || :n::text),
  o as (update orders set status = 'CONFIRMED', payment_status = 'PAID', authorized_minor = 2500, captured_minor = 2500, version = 3
    where id = 'ord_' || :n::text)
  ${eventOf(3, 'PAYMENT_SUCCEEDED', 'CONFIRMED', 'PAID', 'SUCCEEDED')}`,
];

/** One lifecycle. pgbench ends a statement at the semicolon. */
const pgbenchScript = `\\set n random(1, 9000000000000000000)\n${statements.map((statement) => `${statement};`).join('\n')}\n`;
