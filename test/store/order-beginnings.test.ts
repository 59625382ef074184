import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { OrderScope } from '../../src/domain/actor.ts';
import { fewMax, foundMax } from '../../src/store/order-filter.ts';
import { countOrders, type OrderFilter, readOrderPage } from '../../src/store/order-list.ts';
import { termsOfOrderSql } from '../../src/store/order-terms.ts';
import { openNewDatabase } from '../support/database.ts';
import { searchOf } from '../support/search.ts';

type Kept = {
  readonly id: string;
  readonly merchantId: string;
  readonly number: string;
  readonly status: 'CONFIRMED' | 'EXPIRED';
  readonly customerId: string | null;
  readonly currency: string;
  readonly createdAt: Date;
};

const [shop, other] = ['mch_00000000000000000000000001', 'mch_00000000000000000000000002'] as const;
const dayMs = 86_400_000;
const start = Date.UTC(2026, 0, 1);

/** The same digits for the same seed. */
const scattered = (seed: number, below: number) => (Math.imul(seed, 2_654_435_761) >>> 8) % below;
const lettersOf = (seed: number, count: number) =>
  Array.from({ length: count }, (_, at) => 'abAB'[scattered(seed + at * 7919 + 13, 4)]).join('');

/** How shops number their orders. Each begins to where another one ends, so that the matches of its beginnings are old, but the last one. */
const schemes: readonly ((count: number) => string)[] = [
  (count) => `A-${count}-EU`,
  (count) => `Z${String(count).padStart(6, '0')}`,
  (count) =>
    `${new Date(start + count * 7_200_000).toISOString().slice(0, 10).replaceAll('-', '')}-${lettersOf(count, 8)}${count % 12}`,
  (count) => `${lettersOf(count, 6)}${count}`,
  (count) => String.fromCodePoint(...[0x1f600, 0x1f600 + (count % 3), 0xd7ff, 0xe000 + (count % 2)]) + count,
  (count) => `\u{10ffff}${'\u{10ffff}'.repeat(count % 3)}${count}`,
  (count) => `50%_\\${'ab'[count % 2]}${count}`,
  (count) => `${'long '.repeat(11)}${count}`,
  (count) => `${count}`,
];
const perScheme = 330;
/** Of the first scheme there are more in one period than are read by their terms. */
const denseCount = 2100;

function ordersOf(merchantId: string, from: number): Kept[] {
  const numbers = schemes.flatMap((numberOf, nth) =>
    Array.from({ length: nth === 0 ? denseCount : perScheme }, (_, count) => ({ number: numberOf(count + 1), nth })),
  );
  return numbers.map(({ number, nth }, at) => {
    // The first scheme has three days, each of the others a month, and a straggler of each comes with the orders of the last one.
    const isStraggler = at % 149 === 0;
    const days = isStraggler ? 270 + at / 1000 : nth === 0 ? (at / denseCount) * 3 : nth * 30 + (at % perScheme) / 20;
    return {
      id: `ord_${String(from + scattered(at, 1_000_003) * 10_000 + at).padStart(26, '0')}`,
      ...{ merchantId, number, currency: at % 7 === 0 ? 'JPY' : 'EUR' },
      status: at % 3 === 0 ? 'EXPIRED' : 'CONFIRMED',
      customerId: at % 2 === 0 ? `customer-${at % 4}` : null,
      // Several have the same time.
      createdAt: new Date(start + Math.floor(days * 24 * 12) * (dayMs / 24 / 12)),
    };
  });
}

const kept: readonly Kept[] = [...ordersOf(shop, 0), ...ordersOf(other, 10 ** 15)];

let database: Database;
beforeAll(async () => {
  database = await openNewDatabase();
  const { pool } = database;
  await pool.query(`insert into merchants (id, name, return_origins, created_at)
    values ('${shop}', 'Shop', '{}', now()), ('${other}', 'Other', '{}', now())`);
  const column = (name: keyof Kept) => kept.map((order) => order[name]);
  await pool.query(
    `insert into orders (id, merchant_id, number, status, payment_status, capture_mode, currency, total_minor, authorized_minor,
       captured_minor, refunded_minor, reserved_minor, customer_id, metadata, review_reasons, created_at, updated_at, expires_at, version, epoch, xid)
     select id, merchant_id, number, status::"OrderStatus", 'PAID', 'AUTOMATIC', currency, 100, 0, 0, 0, 0, customer_id, '{}', '{}', created_at,
       created_at, created_at, 1, 1, 100
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
       o(id, merchant_id, number, status, currency, customer_id, created_at)`,
    [
      ...[column('id'), column('merchantId'), column('number'), column('status')],
      ...[column('currency'), column('customerId'), column('createdAt')],
    ],
  );
  await pool.query(`insert into order_terms (merchant_id, term, created_at, order_id)
    select o.merchant_id, t.term, o.created_at, o.id from orders o cross join lateral ${termsOfOrderSql}`);
  for (const table of ['orders', 'order_terms']) await pool.query(`analyze ${table}`);
});
afterAll(() => database.close());

const any: OrderFilter = {
  ...{ statuses: null, paymentStatuses: null, methods: null, customerId: null, number: null },
  ...{ createdFrom: null, createdBefore: null, currency: null, needsReview: null },
  ...{ providers: null, totalMinorFrom: null, totalMinorTo: null, search: null },
};

function isMatch(order: Kept, { merchantId, customerId }: OrderScope, filter: OrderFilter): boolean {
  const { number, search } = filter;
  return (
    order.merchantId === merchantId &&
    (customerId === null || order.customerId === customerId) &&
    (filter.customerId === null || order.customerId === filter.customerId) &&
    (filter.statuses === null || filter.statuses.includes(order.status)) &&
    (filter.currency === null || order.currency === filter.currency) &&
    (filter.createdFrom === null || order.createdAt >= filter.createdFrom) &&
    (filter.createdBefore === null || order.createdAt < filter.createdBefore) &&
    (number === null || order.number.startsWith(number)) &&
    (search === null ||
      order.number.startsWith(search) ||
      order.number.startsWith(search.toUpperCase()) ||
      order.number.toLowerCase().endsWith(search.toLowerCase()))
  );
}

const byTime = (one: Kept, two: Kept) =>
  one.createdAt.getTime() - two.createdAt.getTime() || (one.id < two.id ? -1 : Number(one.id > two.id));

/** All pages of a list, one after the other. */
async function readAll(
  scope: OrderScope,
  filter: OrderFilter,
  direction: 'asc' | 'desc',
  limit: number,
  from: string | null,
) {
  const ids: string[] = [];
  for (let cursor = from; ; cursor = ids.at(-1) ?? null) {
    const cursors = direction === 'asc' ? { after: cursor, before: null } : { after: null, before: cursor };
    const page = await readOrderPage(database.pool, scope, { filter, direction, limit, ...cursors }, []);
    ids.push(...page.map(({ id }) => id));
    if (page.length < limit) return ids;
  }
}

async function expectAll(
  scope: OrderScope,
  filter: OrderFilter,
  direction: 'asc' | 'desc',
  limit: number,
  from: Kept | null,
) {
  const matching = kept.filter((order) => isMatch(order, scope, filter)).sort(byTime);
  const listed = direction === 'asc' ? matching : matching.reverse();
  const behind = listed.filter((order) => {
    if (from === null) return true;
    return direction === 'asc' ? byTime(order, from) > 0 : byTime(order, from) < 0;
  });
  expect(await readAll(scope, filter, direction, limit, from?.id ?? null)).toEqual(behind.map(({ id }) => id));
  expect(await countOrders(database.pool, scope, filter)).toEqual({ value: listed.length, isCapped: false });
}

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 2 });
const aDay = fc.integer({ min: -10, max: 300 * 24 }).map((hours) => new Date(start + hours * (dayMs / 24)));
const aKept = fc.nat({ max: kept.length - 1 }).map((at) => kept[at] as Kept);
/** Mostly a short beginning, which many have. */
const aBeginning = fc
  .tuple(fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 3 }) }, fc.nat({ max: 60 })), aKept)
  .map(([length, { number }]) => [...number].slice(0, length).join(''));

test('a page by the beginning of a number has the orders that match, whatever the numbers, the other filters and the cursor', async () => {
  let many = 0;
  await fc.assert(
    fc.asyncProperty(
      aBeginning,
      fc.record({
        ...{ statuses: maybe(fc.constant(['EXPIRED'] as const)), currency: maybe(fc.constantFrom('EUR', 'JPY')) },
        ...{ createdFrom: maybe(aDay), createdBefore: maybe(aDay), customerId: maybe(fc.constant('customer-2')) },
      }),
      fc.constantFrom('asc', 'desc'),
      fc.integer({ min: 100, max: 700 }),
      aKept,
      fc.constantFrom('all', 'filtered', 'from a cursor', 'filtered, from a cursor'),
      async (number, others, direction, limit, order, what) => {
        const scope = { merchantId: order.merchantId, customerId: null, orderId: null };
        const filter = { ...any, ...(what.includes('filtered') ? others : {}), number };
        many += Number(kept.filter((order) => isMatch(order, scope, { ...any, number })).length > fewMax);
        await expectAll(scope, filter, direction, limit, what.includes('cursor') ? order : null);
      },
    ),
    searchOf(50),
  );
  expect(many).toBeGreaterThan(20);
});

test('a page of a search by a beginning or an end that many numbers have has the orders that match', async () => {
  const scope = { merchantId: shop, customerId: null, orderId: null };
  const isBeginning = ({ number }: Kept) => number.startsWith('A-');
  expect(kept.filter((order) => order.merchantId === shop && isBeginning(order)).length).toBeGreaterThan(foundMax);
  for (const direction of ['asc', 'desc'] as const) {
    for (const search of ['A-', 'a-', 'A-1', '7', 'A', '-eu']) {
      await expectAll(scope, { ...any, search }, direction, 400, null);
      // Within the period in which most orders have the beginning.
      const within = { createdFrom: new Date(start + dayMs / 2), createdBefore: new Date(start + 1.5 * dayMs) };
      await expectAll(scope, { ...any, search, ...within }, direction, 400, null);
    }
    await expectAll(scope, { ...any, search: 'a-', statuses: ['EXPIRED'] }, direction, 400, null);
  }
});

test('customers and buyers see their own orders with a beginning that many numbers have', async () => {
  const customer = { merchantId: shop, customerId: 'customer-2', orderId: null };
  for (const direction of ['asc', 'desc'] as const)
    await expectAll(customer, { ...any, number: 'A-' }, direction, 400, null);
  const [own] = kept.filter(({ number }) => number.startsWith('A-'));
  for (const [number, ids] of [
    ['A-', [own?.id]],
    ['Z', []],
  ] as const) {
    const page = { filter: { ...any, number }, direction: 'desc', after: null, before: null, limit: 21 } as const;
    const rows = await readOrderPage(
      database.pool,
      { merchantId: shop, customerId: null, orderId: own?.id ?? '' },
      page,
      [],
    );
    expect(rows.map(({ id }) => id)).toEqual(ids);
  }
});

test('the migration gives the orders that there are the terms of new ones', async () => {
  const { pool } = database;
  const terms = async () =>
    (await pool.query(`select * from order_terms where term like 'b%' order by term, order_id`)).rows;
  const written = await terms();
  expect(written).toHaveLength(kept.length);
  await pool.query(`delete from order_terms where term like 'b%'`);
  const url = new URL('../../prisma/migrations/20261127065000_number_beginnings/migration.sql', import.meta.url);
  await pool.query(readFileSync(url, 'utf8'));
  expect(await terms()).toEqual(written);
});
