import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { foundMax } from '../../src/store/order-filter.ts';
import { type OrderFilter, type OrderPage, readOrderPage } from '../../src/store/order-list.ts';
import { termsOfOrderSql } from '../../src/store/order-terms.ts';
import { openNewDatabase } from '../support/database.ts';
import { explain } from '../support/explain.ts';

const daysOfAll = 400;
const [fewOrders, manyOrders] = [6000, 18_000];
/** The part of the orders, which are the oldest ones, that has numbers of the old kind. The newest order has one as well. */
const oldPart = 0.4;
/**
 * The rows that one step of a plan may read: some hundred numbers are counted before a page, some thousand before a search, and in the last period
 * that is looked into there are 180 orders.
 */
const rowsMax = { page: 400, search: foundMax + 400 } as const;

const scope = { merchantId: 'mch_00000000000000000000000001', customerId: null, orderId: null };

let database: Database;
beforeAll(async () => {
  database = await openNewDatabase();
});
afterAll(() => database.close());

async function fill(count: number, days: number): Promise<void> {
  const { pool } = database;
  await pool.query('delete from order_terms; delete from orders; delete from merchants');
  await pool.query(`insert into merchants (id, name, return_origins, created_at) values ($1, 'Shop', '{}', now())`, [
    scope.merchantId,
  ]);
  const at = `timestamptz '2026-01-01T00:00:00Z' + n * interval '${days} days' / ${count}`;
  await pool.query(`
    insert into orders (id, merchant_id, number, status, payment_status, capture_mode, currency, total_minor, authorized_minor,
      captured_minor, refunded_minor, reserved_minor, metadata, review_reasons, created_at, updated_at, expires_at, version, epoch, xid)
    select 'ord_' || lpad(n::text, 26, '0'), '${scope.merchantId}', case when n <= ${count * oldPart} or n = ${count} then 'OLD-' else 'NEW-' end || n,
      (case when n % 5 = 0 then 'EXPIRED' else 'CONFIRMED' end)::"OrderStatus", 'PAID', 'AUTOMATIC', 'EUR', 100, 0, 0, 0, 0, '{}', '{}',
      ${at}, ${at}, ${at}, 1, 1, 100
    from generate_series(1, ${count}) n`);
  await pool.query(`insert into order_terms (merchant_id, term, created_at, order_id)
    select o.merchant_id, t.term, o.created_at, o.id from orders o cross join lateral ${termsOfOrderSql}`);
  await pool.query('vacuum analyze orders');
  await pool.query('vacuum analyze order_terms');
}

const any: OrderFilter = {
  ...{ statuses: null, paymentStatuses: null, methods: null, customerId: null, number: null },
  ...{ createdFrom: null, createdBefore: null, currency: null, needsReview: null },
  ...{ providers: null, totalMinorFrom: null, totalMinorTo: null, search: null },
};
const pages: readonly (readonly [what: string, filter: Partial<OrderFilter>, direction: 'asc' | 'desc'])[] = [
  ['an old beginning of the number', { number: 'OLD-' }, 'desc'],
  ['a new beginning of the number, oldest first', { number: 'NEW-' }, 'asc'],
  ['an old beginning of the number and a common status', { number: 'OLD-', statuses: ['CONFIRMED'] }, 'desc'],
  ['a search for an old beginning of the number', { search: 'old-' }, 'desc'],
];

type Explained = { readonly rows: number; readonly step: string; readonly blocks: number };

/** The most rows that a step of the plans reads, which step that is, and the pages of the database that they read together. */
async function readExplained(page: OrderPage): Promise<Explained> {
  const { pool } = database;
  let [rows, step, blocks] = [0, '', 0];
  const query = async (text: string, values: unknown[]): Promise<pg.QueryResult> => {
    const steps = await explain(pool, text, values);
    const [top] = steps;
    blocks += (top?.['Shared Hit Blocks'] ?? 0) + (top?.['Shared Read Blocks'] ?? 0);
    for (const {
      'Node Type': type,
      'Actual Rows': found,
      'Actual Loops': loops,
      'Rows Removed by Filter': removed = 0,
    } of steps) {
      const read = (found + removed) * loops;
      if (read > rows) [rows, step] = [read, type];
    }
    return pool.query(text, values);
  };
  const read = await readOrderPage({ query } as unknown as Database['pool'], scope, page, []);
  expect(read).toHaveLength(page.limit);
  return { rows, step, blocks };
}

test('a beginning whose orders are at the end of the list costs about the same at three times as many orders', async () => {
  const costs = new Map<string, Explained[]>();
  for (const count of [fewOrders, manyOrders]) {
    await fill(count, daysOfAll);
    for (const [what, filter, direction] of pages) {
      const page = { filter: { ...any, ...filter }, direction, after: null, before: null, limit: 21 };
      costs.set(what, [...(costs.get(what) ?? []), await readExplained(page)]);
    }
  }
  for (const [what, [few, many]] of costs) {
    const limit = what.includes('search') ? rowsMax.search : rowsMax.page;
    expect(many?.rows, what).toBeLessThanOrEqual(limit);
    expect(many?.blocks, what).toBeLessThan(1.5 * (few?.blocks ?? 0));
  }
});

test('the orders of one period that come before those with the beginning are looked at in an index alone', async () => {
  const count = 8000;
  await fill(count, 1.5);
  const before = count * (1 - oldPart);
  const page = { filter: { ...any, number: 'OLD-' }, direction: 'desc', after: null, before: null, limit: 21 } as const;
  const { rows, step } = await readExplained(page);
  expect(rows).toBeGreaterThan(before - page.limit);
  expect(step).toBe('Index Only Scan');
});
