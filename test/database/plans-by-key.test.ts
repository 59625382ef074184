import type pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createOrder } from '../../src/commands/create-order.ts';
import type { Database } from '../../src/database/database.ts';
import { planAgeMsMax } from '../../src/database/planning.ts';
import { systemActor } from '../../src/domain/actor.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { passAll } from '../../src/domain/failpoint.ts';
import { newId } from '../../src/domain/ids.ts';
import { needReview } from '../../src/domain/review.ts';
import {
  logStart,
  readLogTail,
  readMerchantNewest,
  readMerchantNews,
  readOrderNewest,
  readOrderNews,
} from '../../src/events/log.ts';
import { findKeyHolders } from '../../src/store/api-key-store.ts';
import { changeOrderByDelivery, changeOrderByIntent } from '../../src/store/change-order.ts';
import type { Intent } from '../../src/store/idempotency-store.ts';
import { createLookups } from '../../src/store/lookups.ts';
import { loadingOf } from '../../src/store/order-batch.ts';
import { findOrderCustomers } from '../../src/store/order-store.ts';
import { createOrderWriter } from '../../src/store/order-writer.ts';
import { findPayments } from '../../src/store/payment-store.ts';
import { findOwners } from '../../src/store/provider-account-store.ts';
import { openNewDatabase } from '../support/database.ts';
import { explain, onPlannedByKey, type PlanStep } from '../support/explain.ts';

// The plan of a prepared statement is made once, also when the tables are still empty.
let database: Database;
beforeAll(async () => {
  database = await openNewDatabase();
});
afterAll(() => database.close());

const [merchantId, orderId] = [newId('merchant'), newId('order')];
const intent: Intent = { merchantId, owner: 'MERCHANT', operation: 'payOrder', key: 'k', inputHash: 'h' };
type On = Parameters<typeof findPayments>[0];
const statements: readonly [what: string, run: (on: On) => Promise<unknown>][] = [
  ['the holders of API keys', (on) => findKeyHolders(on, [Buffer.alloc(32)])],
  ['the owners of accounts', (on) => findOwners(on, [merchantId])],
  ['the customers of orders', (on) => findOrderCustomers(on, [orderId])],
  ['payments', (on) => findPayments(on, [newId('payment')])],
  [
    'a batch of orders',
    (on) =>
      on.query(
        loadingOf({
          ...{ orderIds: [orderId], intents: [intent], deliveryIds: [newId('delivery')] },
          numbers: [{ merchantId, number: '1' }],
        }),
      ),
  ],
  ['the news of a merchant', (on) => readMerchantNews(on, merchantId, logStart)],
  ['the newest events of a merchant', (on) => readMerchantNewest(on, merchantId, logStart, 100)],
  ['the news of an order', (on) => readOrderNews(on, merchantId, orderId, logStart)],
  ['the newest events of an order', (on) => readOrderNewest(on, merchantId, orderId, 100)],
  ['the end of the log', (on) => readLogTail(on, logStart, 100)],
];

test.each(statements)('%s are found by an index, also with a plan from before the first row', async (_what, run) => {
  const scanned: string[] = [];
  const explaining = {
    query: async (statement: { name: string; text: string; values: unknown[] }) => {
      const steps = await onPlannedByKey(database, (on) => explain(on, statement));
      for (const { 'Node Type': type, 'Relation Name': table } of steps) {
        if (type === 'Seq Scan' && table !== 'log_state') scanned.push(`${table}`);
      }
      return database.writes.query(statement);
    },
  };
  await run(explaining as unknown as On);
  expect(scanned).toEqual([]);
});

// After a restart, or an upgrade of the server, tables are large and have never been analyzed.
const grownRows = 5000;
/** The pages that a statement may read: a few for each row that it finds by an index. A scan of one of the tables reads more. */
const pagesMax = 60;
const [grownOrder, grownDelivery] = ['ord_grown_7', 'dlv_grown_7'];

async function grow(): Promise<void> {
  const { pool } = database;
  const id = (prefix: string) => `'${prefix}_grown_' || n`;
  const rows = `from generate_series(1, ${grownRows}) n`;
  await pool.query(
    `insert into merchants (id, name, return_origins, created_at) values ('${merchantId}', 'Shop', '{}', now())`,
  );
  await pool.query(`
    insert into orders (id, merchant_id, number, status, payment_status, capture_mode, currency, total_minor, authorized_minor,
      captured_minor, refunded_minor, reserved_minor, metadata, review_reasons, created_at, updated_at, expires_at, version, epoch, xid)
    select ${id('ord')}, '${merchantId}', 'G-' || n, 'OPEN', 'PENDING', 'AUTOMATIC', 'EUR', 100, 0, 0, 0, 0, '{}', '{}', now(), now(),
      now() + interval '1 day', 1, 1, 100 ${rows}`);
  await pool.query(`
    insert into payments (id, order_id, merchant_id, method, flow, provider, provider_account, status, capture_mode, currency, amount_minor,
      authorized_minor, captured_minor, refunded_minor, reserved_minor, applied_minor, surplus_minor, quarantined_minor, late, created_at,
      updated_at, expires_at, check_attempts)
    select ${id('pay')}, ${id('ord')}, '${merchantId}', 'CARD', 'EMBEDDED', 'P', 'a', 'ACTION_REQUIRED', 'AUTOMATIC', 'EUR', 100,
      0, 0, 0, 0, 0, 0, 0, false, now(), now(), now() + interval '1 day', 0 ${rows}`);
  await pool.query(`
    insert into deliveries (id, provider, provider_account, event_id, event_type, headers, body, status, merchant_id, received_at, apply_at,
      apply_attempts)
    select ${id('dlv')}, 'P', 'a', n::text, 'x', '{}', '', 'PENDING', '${merchantId}', now(), now(), 0 ${rows}`);
  await pool.query(`
    insert into idempotency_keys (merchant_id, owner, operation, key, input_hash, result_id, created_at)
    select '${merchantId}', 'MERCHANT', 'payOrder', 'k' || n, 'h', ${id('pay')}, now() ${rows}`);
}

type Statement = Parameters<typeof explain>[1];
const readsOf = ([top]: readonly PlanStep[]) =>
  top === undefined ? 0 : top['Shared Hit Blocks'] + top['Shared Read Blocks'];

/** The number of pages that each statement reads, with the plan that it gets now. */
const pagesRead = new Map<string, number>();
async function explainPages(statement: pg.QueryConfig): Promise<void> {
  const pages = await onPlannedByKey(database, async (on) => readsOf(await explain(on, statement as Statement)));
  pagesRead.set(`${statement.name}`, Math.max(pagesRead.get(`${statement.name}`) ?? 0, pages));
}

test('in large tables that were never analyzed, statements by key read a few pages', async () => {
  await grow();
  const explainingOn = {
    async query(statement: pg.QueryConfig) {
      await explainPages(statement);
      return database.writes.query(statement);
    },
  };
  const db: Database = {
    ...database,
    changeLocked: async (change) => {
      await explainPages(change.load);
      const writes: pg.QueryConfig[] = [];
      const rows = await database.changeLocked({
        ...change,
        decide(locked, loaded) {
          const write = change.decide(locked, loaded);
          if (write !== null) writes.push(write);
          return null;
        },
      });
      for (const write of writes) await explainPages(write);
      return rows;
    },
  };
  const context = {
    ...{ db, clock: systemClock, failpoint: passAll, lookups: createLookups(db), notifier: { notify() {} } },
    writer: createOrderWriter({ db, clock: systemClock, failpoint: passAll }),
    log: { info() {}, warn() {}, error() {} },
  };
  const actor = {
    merchantId,
    customerId: null,
    orderId: null,
    role: 'MERCHANT',
    id: 'test',
    returnOrigins: [],
  } as const;
  await createOrder(context as never, actor, {
    ...{ idempotencyKey: 'new', currency: 'EUR', lines: [{ name: 'Cup', quantity: 1, unitAmountMinor: 100n }] },
  });
  const ref = { orderId: grownOrder, actor: systemActor, scope: { ...actor } };
  await changeOrderByIntent(context, 'review', ref, intent, (change) => {
    needReview(change, 'SURPLUS', 'a test');
    return { result: null, claim: { resultId: 'pay_1', attempt: null } };
  });
  await changeOrderByDelivery(context, grownOrder, { id: grownDelivery, provider: 'P' }, () => {
    return { status: 'APPLIED', reason: null, paymentId: null, body: Buffer.alloc(0) };
  });
  for (const [, run] of statements) await run(explainingOn as unknown as On);
  expect([...pagesRead.keys()]).toEqual(expect.arrayContaining(['load batch', 'write batch']));
  expect([...pagesRead].filter(([, pages]) => pages > pagesMax)).toEqual([]);
});

// PostgreSQL analyzes each table when many of its rows have changed: a plan may know some tables and not others.
test('a batch of orders is found by its ids whichever tables were analyzed', async () => {
  const tables = ['merchants', 'orders', 'payments', 'deliveries', 'idempotency_keys'];
  const statement = loadingOf({
    ...{ orderIds: [grownOrder], intents: [{ ...intent, key: 'k7' }], deliveryIds: [grownDelivery] },
    numbers: [{ merchantId, number: 'G-7' }],
  });
  const costly: [analyzed: string, pages: number][] = [];
  for (let choice = 0; choice < 2 ** tables.length; choice += 1) {
    const analyzed = tables.filter((_table, at) => (choice >> at) % 2 === 1).join(', ');
    const pages = await onPlannedByKey(database, async (on) => {
      if (analyzed !== '') await on.query(`analyze ${analyzed}`);
      return readsOf(await explain(on, statement as Statement));
    });
    if (pages > pagesMax) costly.push([analyzed, pages]);
  }
  expect(costly).toEqual([]);
});

test('a connection makes its plans again when they are old', async () => {
  let nowMs = Math.ceil(performance.now()) + 2 * planAgeMsMax;
  const spy = vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  const statement = { name: 'by key', text: 'select from merchants where id = $1', values: [merchantId] };
  // A new plan can only scan the whole table.
  let isLater = false;
  /** Uses the connection once more, and returns how its plan finds the row. */
  const stepNow = () =>
    onPlannedByKey(database, async (on) => {
      if (isLater) {
        await on.query('set local enable_seqscan = on; set local enable_indexscan = off');
        await on.query('set local enable_bitmapscan = off; set local enable_indexonlyscan = off');
      }
      isLater = true;
      await on.query(statement);
      const { rows } = await on.query<Record<string, string>>(`explain execute "by key" ('m')`);
      return /^.*? Scan/.exec(Object.values(rows[0] ?? {})[0] ?? '')?.[0];
    });
  try {
    const first = await stepNow();
    expect(first).toContain('Index');
    nowMs += planAgeMsMax;
    expect(await stepNow()).toBe(first);
    nowMs += 1;
    expect(await stepNow()).toBe('Seq Scan');
  } finally {
    spy.mockRestore();
  }
});
