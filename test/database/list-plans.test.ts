import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { type LogPage, readMerchantLog, readMerchantNews, wholeLog } from '../../src/events/log.ts';
import { placesAround } from '../../src/events/log-time.ts';
import { countDeliveries, type DeliveryFilter, readDeliveryPage } from '../../src/store/delivery-list.ts';
import type { ListPage } from '../../src/store/list-statement.ts';
import { fewMax } from '../../src/store/order-filter.ts';
import { countOrders, type OrderFilter, type OrderPage, readOrderPage } from '../../src/store/order-list.ts';
import { termsOfOrderSql } from '../../src/store/order-terms.ts';
import { countPayments, type PaymentFilter, readPaymentPage } from '../../src/store/payment-list.ts';
import { countRefunds, type RefundFilter, readRefundPage } from '../../src/store/refund-list.ts';
import { openNewDatabase } from '../support/database.ts';
import { explain, onPlannedByKey } from '../support/explain.ts';

/** What is rare has this many orders, all among the oldest: a scan from the newest finds them last. */
const rareCount = 8;
const ordersCount = 5000;
/** Rows that one step of a plan may read or drop: a page of 21 for each of a few combinations, and not a part of the table. */
const rowsMax = 200;

const [shop, other] = ['mch_00000000000000000000000001', 'mch_00000000000000000000000002'];
const scope = { merchantId: shop ?? '', customerId: null, orderId: null };
const start = Date.UTC(2026, 0, 1);
const timeOf = (count: number) => new Date(start + count * 60_000);
const orderIdOf = (count: number) => `ord_${String(count).padStart(26, '0')}`;

let database: Database;
beforeAll(async () => {
  database = await openNewDatabase();
  const { pool } = database;
  const id = (prefix: string) => `'${prefix}_' || lpad(n::text, 26, '0')`;
  const at = `timestamptz '2026-01-01T00:00:00Z' + n * interval '1 minute'`;
  const merchant = `case when n % 10 = 9 then '${other}' else '${shop}' end`;
  /** Eight of the oldest orders, a different eight for each kind. */
  const isRare = (kind: number) => `n % 20 = ${kind} and n < ${rareCount * 20}`;
  const amounts = {
    orders: `case when ${isRare(10)} then 777 else 100 end, 100, 100, 0, 0`,
    payments: `case when ${isRare(10)} then 777 else 100 end, 100, 100, 0, 0, 100, 0, 0`,
  };
  await pool.query(`insert into merchants (id, name, return_origins, created_at)
    values ('${shop}', 'Shop', '{}', now()), ('${other}', 'Other', '{}', now())`);
  await pool.query(`
    insert into orders (id, merchant_id, number, status, payment_status, capture_mode, currency, total_minor, authorized_minor,
      captured_minor, refunded_minor, reserved_minor, customer_id, metadata, review_reasons, created_at, updated_at, expires_at, version, epoch, xid)
    select ${id('ord')}, ${merchant}, case when ${isRare(0)} then 'R-' else 'A-' end || n,
      (case when ${isRare(1)} then 'CANCELED' when n % 5 = 0 then 'EXPIRED' else 'CONFIRMED' end)::"OrderStatus",
      (case when ${isRare(2)} then 'OVERPAID' when n % 5 = 0 then 'UNPAID' else 'PAID' end)::"OrderPaymentStatus", 'AUTOMATIC',
      case when ${isRare(3)} then 'JPY' when n % 3 = 0 then 'EUR' else 'CNY' end, ${amounts.orders},
      case when ${isRare(4)} then 'rare' else 'customer-' || n % 2 end,
      case when ${isRare(8)} then '{"email": "Ada@Shop.example"}'::jsonb else '{"plan": "gold"}' end,
      (case when ${isRare(5)} then '{LATE_PAYMENT}' else '{}' end)::"ReviewReason"[], ${at}, ${at}, ${at}, 1, 1, 100
    from generate_series(0, ${ordersCount - 1}) n`);
  await pool.query(`insert into order_terms (merchant_id, term, created_at, order_id)
    select o.merchant_id, t.term, o.created_at, o.id from orders o cross join lateral ${termsOfOrderSql}`);
  await pool.query(`
    insert into payments (id, order_id, merchant_id, method, flow, provider, provider_account, status, capture_mode, currency, amount_minor,
      authorized_minor, captured_minor, refunded_minor, reserved_minor, applied_minor, surplus_minor, quarantined_minor, late, created_at,
      updated_at, expires_at, check_attempts, succeeded_at, provider_payment_id)
    select ${id('pay')}, ${id('ord')}, ${merchant}, (case when ${isRare(6)} then 'WECHAT_PAY' else 'CARD' end)::"PaymentMethod", 'QR_CODE', case when ${isRare(6)} then 'W' else 'P' end, 'a',
      (case when ${isRare(11)} then 'UNKNOWN' else 'SUCCEEDED' end)::"PaymentStatus", 'AUTOMATIC', 'CNY', ${amounts.payments}, false,
      ${at}, ${at}, ${at}, 0, ${at} + interval '1 hour', 'ppi_' || n
    from generate_series(0, ${ordersCount - 1}) n`);
  await pool.query(`
    insert into refunds (id, order_id, payment_id, merchant_id, status, origin, currency, amount_minor, approval, created_at, updated_at,
      check_attempts)
    select ${id('rfd')}, ${id('ord')}, ${id('pay')}, ${merchant}, (case when ${isRare(12)} then 'PENDING' else 'SUCCEEDED' end)::"RefundStatus",
      'REQUESTED', 'CNY', 10, (case when ${isRare(12)} then 'NEEDED' when ${isRare(13)} then 'APPROVED' end)::"RefundApproval", ${at}, ${at}, 0
    from generate_series(0, ${ordersCount - 1}) n`);
  await pool.query(`
    insert into events (id, epoch, xid, merchant_id, order_id, sequence, type, occurred_at, order_number, order_status, order_payment_status,
      currency, changes)
    select ${id('evt')}, 1, 1 + n / 8, ${merchant}, ${id('ord')}, 1,
      (case when ${isRare(7)} then 'ORDER_REVIEW_NEEDED' else 'ORDER_CREATED' end)::"EventType", ${at.replace('n *', 'n / 8 *')}, 'A', 'OPEN', 'UNPAID', 'CNY', '{}'
    from generate_series(0, ${ordersCount - 1}) n`);
  await pool.query(`
    insert into deliveries (id, provider, provider_account, event_id, event_type, headers, body, status, payment_id, merchant_id, received_at,
      apply_attempts)
    select ${id('dlv')}, 'P', 'a', n::text, 'x', '{}', '', (case when ${isRare(14)} then 'REVIEW' else 'APPLIED' end)::"DeliveryStatus",
      ${id('pay')}, ${merchant}, ${at}, 1
    from generate_series(0, ${ordersCount - 1}) n`);
  for (const table of ['merchants', 'orders', 'order_terms', 'payments', 'refunds', 'deliveries', 'events'])
    await pool.query(`analyze ${table}`);
});
afterAll(() => database.close());

/** Reads, and returns what the plan of each statement does to orders, payments and events, where that is more than it may. */
async function readExplained<Row>(read: (on: Pick<Database['pool'], 'query'>) => Promise<readonly Row[]>) {
  const { pool } = database;
  const excesses: string[] = [];
  const query = async (text: string | pg.QueryConfig, values: unknown[]) => {
    const steps =
      typeof text === 'string'
        ? await explain(pool, text, values)
        : await onPlannedByKey(database, (on) => explain(on, text as Parameters<typeof explain>[1]));
    for (const step of steps) {
      const { 'Node Type': type, 'Relation Name': table = '', 'Actual Rows': found, 'Actual Loops': loops } = step;
      const rowsRead = (found + (step['Rows Removed by Filter'] ?? 0)) * loops;
      const isScan =
        type === 'Seq Scan' && ['orders', 'order_terms', 'payments', 'refunds', 'deliveries', 'events'].includes(table);
      if (isScan || rowsRead > rowsMax) excesses.push(`${type} ${table}: ${rowsRead} rows`);
    }
    return pool.query(text as string, values);
  };
  const rows = await read({ query } as unknown as Database['pool']);
  return { rows, excesses };
}

const any: OrderFilter = {
  ...{ statuses: null, paymentStatuses: null, methods: null, customerId: null, number: null },
  ...{ createdFrom: null, createdBefore: null, currency: null, needsReview: null },
  ...{ providers: null, totalMinorFrom: null, totalMinorTo: null, search: null },
};
const oldTime = timeOf(100);
const page = (filter: Partial<OrderFilter>, more: Partial<OrderPage> = {}): OrderPage => ({
  ...{ filter: { ...any, ...filter }, direction: 'desc', after: null, before: null, limit: 21 },
  ...more,
});

const pages: Readonly<Record<string, { readonly page: OrderPage; readonly count: number }>> = {
  all: { page: page({}), count: 21 },
  'after a cursor': { page: page({}, { before: orderIdOf(2500) }), count: 21 },
  'a rare status': { page: page({ statuses: ['CANCELED'] }), count: rareCount },
  'a common status': { page: page({ statuses: ['CONFIRMED'] }), count: 21 },
  'several statuses': { page: page({ statuses: ['CANCELED', 'OPEN'] }), count: rareCount },
  'a status that no order has': { page: page({ statuses: ['CLOSING'] }), count: 0 },
  'a rare payment status': { page: page({ paymentStatuses: ['OVERPAID'] }), count: rareCount },
  'a rare currency': { page: page({ currency: 'JPY' }), count: rareCount },
  'a common currency': { page: page({ currency: 'EUR' }), count: 21 },
  review: { page: page({ needsReview: true }), count: rareCount },
  'no review': { page: page({ needsReview: false }), count: 21 },
  'a rare status of a currency': { page: page({ currency: 'EUR', paymentStatuses: ['OVERPAID'] }), count: 2 },
  'a rare customer': { page: page({ customerId: 'rare' }), count: rareCount },
  'a rare method': { page: page({ methods: ['WECHAT_PAY'] }), count: rareCount },
  'several methods': { page: page({ methods: ['CARD', 'ALIPAY', 'WECHAT_PAY'] }), count: 21 },
  'a rare number': { page: page({ number: 'R-' }), count: rareCount },
  'old orders': { page: page({ createdBefore: oldTime }), count: 21 },
  'old orders of a common status': { page: page({ createdBefore: oldTime, statuses: ['CONFIRMED'] }), count: 21 },
  'old orders after a cursor': { page: page({ createdBefore: oldTime }, { before: orderIdOf(2500) }), count: 21 },
  'orders before a time, after an older cursor': {
    page: page({ createdBefore: timeOf(4000) }, { before: orderIdOf(100) }),
    count: 21,
  },
  'orders from a time, oldest first': { page: page({ createdFrom: timeOf(4000) }, { direction: 'asc' }), count: 21 },
  'orders from a time, oldest first, after a newer cursor': {
    page: page({ createdFrom: timeOf(100) }, { direction: 'asc', after: orderIdOf(4000) }),
    count: 21,
  },
  'a rare customer with a common status': {
    page: page({ customerId: 'rare', statuses: ['CONFIRMED'] }),
    count: rareCount,
  },
  'one total': { page: page({ totalMinorFrom: 777n, totalMinorTo: 777n }), count: rareCount },
  'a common total': { page: page({ totalMinorFrom: 100n, totalMinorTo: 100n }), count: 21 },
  'rare totals': { page: page({ totalMinorFrom: 700n }), count: rareCount },
  'rare totals of a common status': {
    page: page({ totalMinorFrom: 700n, totalMinorTo: 800n, statuses: ['CONFIRMED'] }),
    count: 0,
  },
  'a rare metadata value': { page: page({ search: 'ada@shop.EXAMPLE' }), count: rareCount },
  'a common metadata value': { page: page({ search: 'gold' }), count: 21 },
  'a customer': { page: page({ search: 'rare' }), count: rareCount },
  'the end of a number': { page: page({ search: '321' }), count: 5 },
  'the beginning of a number': { page: page({ search: 'r-1' }), count: 3 },
  'an id': { page: page({ search: orderIdOf(77) }), count: 1 },
  'the id of a payment': { page: page({ search: orderIdOf(77).replace('ord', 'pay') }), count: 1 },
  'a text that nothing has': { page: page({ search: 'nothing' }), count: 0 },
  'a rare method with a common currency': { page: page({ methods: ['WECHAT_PAY'], currency: 'CNY' }), count: 5 },
};

test.each(Object.entries(pages))('a page of %s reads a few rows of an index', async (_what, { page, count }) => {
  const { rows, excesses } = await readExplained((on) => readOrderPage(on, scope, page, []));
  expect(rows).toHaveLength(count);
  if (!isLedByFewest(page)) expect(excesses).toEqual([]);
  else expect(excesses.filter((excess) => Number(/(\d+) rows$/.exec(excess)?.[1]) > fewMax + rowsMax)).toEqual([]);
});

/** With conditions of several indexes, some hundred entries of each are counted first. */
const isLedByFewest = ({ filter }: OrderPage) =>
  filter.number !== null ||
  filter.search !== null ||
  [filter.customerId, filter.methods, filter.statuses ?? filter.currency].filter((given) => given !== null).length > 1;

test('each page has the orders that match, in the order of their creation', async () => {
  const { pool } = database;
  for (const [what, { page }] of Object.entries(pages)) {
    const { filter, direction, after, before } = page;
    const { rows: matching } = await pool.query<{ id: string }>(
      `select o.id from orders o where o.merchant_id = $1
         and ($2::text[] is null or o.status::text = any($2)) and ($3::text[] is null or o.payment_status::text = any($3))
         and ($4::text[] is null or exists (select from payments p where p.order_id = o.id and p.method::text = any($4)))
         and ($5::text is null or o.customer_id = $5) and ($6::text is null or starts_with(o.number, $6))
         and ($7::timestamptz is null or o.created_at >= $7) and ($8::timestamptz is null or o.created_at < $8)
         and ($9::text is null or o.currency = $9) and ($10::boolean is null or (o.review_reasons <> '{}') = $10)
         and ($11::text is null or o.id > $11) and ($12::text is null or o.id < $12)
         and ($13::bigint is null or o.total_minor >= $13) and ($14::bigint is null or o.total_minor <= $14)
         and ($15::text is null or $15 in (o.id, replace(o.id, 'ord', 'pay'), o.customer_id) or lower(o.metadata->>'email') = lower($15)
           or o.metadata->>'plan' = $15 or o.number like $15 || '%' or o.number like upper($15) || '%' or o.number like '%' || $15)
       order by o.id ${direction} limit 21`,
      [
        ...[shop, filter.statuses, filter.paymentStatuses, filter.methods, filter.customerId, filter.number],
        ...[filter.createdFrom, filter.createdBefore, filter.currency, filter.needsReview, after, before],
        ...[filter.totalMinorFrom, filter.totalMinorTo, filter.search],
      ],
    );
    const read = await readOrderPage(pool, scope, page, []);
    expect(
      read.map(({ id }) => id),
      what,
    ).toEqual(matching.map(({ id }) => id));
  }
});

test('an order count has the number of orders that match, up to its limit', async () => {
  const { pool } = database;
  for (const [what, { page }] of Object.entries(pages)) {
    const filter = page.filter;
    const whole = { filter, direction: 'desc', after: null, before: null, limit: ordersCount } as const;
    const { length } = await readOrderPage(pool, scope, whole, []);
    expect(await countOrders(pool, scope, filter), what).toEqual({ value: length, isCapped: false });
  }
});

test('a cursor of an order that is not there stands for the time in it', async () => {
  const newest = await readOrderPage(database.pool, scope, page({}, { before: 'ord_7zzzzzzzzze00000000000000' }), []);
  expect(newest[0]?.id).toBe(orderIdOf(ordersCount - 2));
  const none = await readOrderPage(database.pool, scope, page({}, { before: 'ord_00000000000000000000009999' }), []);
  expect(none).toEqual([]);
});

const anyPayment: PaymentFilter = {
  ...{ statuses: null, methods: null, providers: null, currency: null, createdFrom: null, createdBefore: null },
  ...{
    succeededFrom: null,
    succeededBefore: null,
    amountMinorFrom: null,
    amountMinorTo: null,
    providerPaymentId: null,
  },
};
const anyRefund: RefundFilter = {
  ...{ statuses: null, approvals: null, methods: null, providers: null, currency: null, createdFrom: null },
  ...{ createdBefore: null, amountMinorFrom: null, amountMinorTo: null },
};
type ListCase = readonly [what: string, filter: object, page: Partial<ListPage>, count: number];
const first: ListPage = { direction: 'desc', after: null, before: null, limit: 21 };
const paymentIdOf = (count: number) => orderIdOf(count).replace('ord', 'pay');
const refundIdOf = (count: number) => orderIdOf(count).replace('ord', 'rfd');
type ReadList = (on: Pick<Database['pool'], 'query'>, page: ListPage) => Promise<readonly { readonly id: string }[]>;

/** Reads a page of a list, whose rows must be sorted and come from an index. */
async function expectPage(read: ReadList, page: ListPage, count: number): Promise<void> {
  const { rows, excesses } = await readExplained((on) => read(on, page));
  expect(rows).toHaveLength(count);
  expect(excesses).toEqual([]);
  const listed = rows.map(({ id }) => id);
  expect(listed).toEqual(page.direction === 'asc' ? listed.toSorted() : listed.toSorted().reverse());
}

test.each<ListCase>([
  ['all', {}, {}, 21],
  ['all, oldest first', {}, { direction: 'asc' }, 21],
  ['after a cursor', {}, { before: paymentIdOf(2500) }, 21],
  ['a rare status', { statuses: ['UNKNOWN'] }, {}, rareCount],
  ['a status that no payment has', { statuses: ['FAILED'] }, {}, 0],
  ['a rare method', { methods: ['WECHAT_PAY'] }, {}, rareCount],
  ['a rare status of a method', { methods: ['WECHAT_PAY'], statuses: ['UNKNOWN'] }, {}, 0],
  ['a rare provider, by its method', { methods: ['WECHAT_PAY'], providers: ['W'] }, {}, rareCount],
  ['a currency that no payment has', { currency: 'JPY' }, {}, 0],
  ['old payments', { createdBefore: oldTime }, {}, 21],
  ['payments that succeeded in ten minutes', { succeededFrom: timeOf(160), succeededBefore: timeOf(170) }, {}, 9],
  ['payments that succeeded long ago, after a cursor', { succeededBefore: oldTime }, { before: paymentIdOf(30) }, 27],
  ['a rare amount', { amountMinorFrom: 777n, amountMinorTo: 777n }, {}, rareCount],
  ['a common amount', { amountMinorTo: 100n }, {}, 21],
  ['a provider’s number', { providerPaymentId: 'ppi_77' }, {}, 1],
])('a page of payments, %s, reads a few rows of an index', async (_what, filter, page, count) => {
  const wanted = { ...anyPayment, ...filter };
  const read: ReadList = (on, of) => readPaymentPage(on, shop ?? '', wanted, of);
  const isByAmount = 'amountMinorFrom' in filter || 'amountMinorTo' in filter;
  // Of an amount, up to some thousand entries are counted first.
  if (isByAmount) expect(await read(database.pool, { ...first, ...page })).toHaveLength(count);
  else await expectPage(read, { ...first, ...page }, Math.min(count, first.limit));
  const all = await read(database.pool, { ...first, limit: ordersCount });
  expect(await countPayments(database.pool, shop ?? '', wanted)).toEqual({ value: all.length, isCapped: false });
});

test.each<ListCase>([
  ['all', {}, {}, 21],
  ['after a cursor', {}, { before: refundIdOf(2500) }, 21],
  ['a rare status', { statuses: ['PENDING'] }, {}, rareCount],
  ['those that need an approval', { approvals: ['NEEDED'] }, {}, rareCount],
  ['those that needed an approval', { approvals: ['APPROVED', 'REJECTED'] }, {}, rareCount],
  ['a currency that no refund has', { currency: 'JPY' }, {}, 0],
  ['a common method', { methods: ['CARD'] }, {}, 21],
  ['old refunds', { createdBefore: oldTime }, {}, 21],
])('a page of refunds, %s, reads a few rows of an index', async (_what, filter, page, count) => {
  const wanted = { ...anyRefund, ...filter };
  const read: ReadList = (on, of) => readRefundPage(on, shop ?? '', wanted, of);
  await expectPage(read, { ...first, ...page }, count);
  const all = await read(database.pool, { ...first, limit: ordersCount });
  expect(await countRefunds(database.pool, shop ?? '', wanted)).toEqual({ value: all.length, isCapped: false });
});

const anyDelivery: DeliveryFilter = {
  ...{ statuses: null, providers: null, receivedFrom: null, receivedBefore: null, paymentId: null },
};

test.each<ListCase>([
  ['all', {}, {}, 21],
  ['after a cursor', {}, { before: orderIdOf(2500).replace('ord', 'dlv') }, 21],
  ['a rare verdict', { statuses: ['REVIEW'] }, {}, rareCount],
  ['another provider', { providers: ['Q'] }, {}, 0],
  ['those of a payment', { paymentId: paymentIdOf(77) }, {}, 1],
  ['old ones', { receivedBefore: oldTime }, {}, 21],
])('a page of deliveries, %s, reads a few rows of an index', async (_what, filter, page, count) => {
  const wanted = { ...anyDelivery, ...filter };
  const read: ReadList = (on, of) => readDeliveryPage(on, shop ?? '', wanted, of, false);
  await expectPage(read, { ...first, ...page }, count);
  const all = await read(database.pool, { ...first, limit: ordersCount });
  expect(await countDeliveries(database.pool, shop ?? '', wanted)).toEqual({ value: all.length, isCapped: false });
});

type LogCase = readonly [what: string, merchantId: string | undefined, page: Partial<LogPage>, count: number];
const at = (xid: bigint) => ({ epoch: 1, xid, pos: 0n });
const logCases: readonly LogCase[] = [
  ['all events', shop, {}, 21],
  ['all events after a cursor', shop, { after: at(600n) }, 21],
  ['the events of a small merchant after a cursor', other, { after: at(400n) }, 21],
  ['a rare type', shop, { types: ['ORDER_REVIEW_NEEDED'] }, rareCount],
  ['a rare type after a cursor', shop, { types: ['ORDER_REVIEW_NEEDED'], after: at(600n) }, 0],
  ['a common and a rare type', shop, { types: ['ORDER_CREATED', 'ORDER_REVIEW_NEEDED'], after: at(600n) }, 21],
  ['a type twice', shop, { types: ['ORDER_REVIEW_NEEDED', 'ORDER_REVIEW_NEEDED'] }, rareCount],
  ['a type that no event has', shop, { types: ['REFUND_FAILED'] }, 0],
];

test.each(
  logCases.flatMap(([what, ...others]) =>
    (['asc', 'desc'] as const).map((direction) => [`${what}, ${direction}`, direction, ...others] as const),
  ),
)('a page of %s reads a few rows of an index', async (_what, direction, merchantId = '', page, count) => {
  const wanted: LogPage = { ...wholeLog, ...page, limit: 21, direction };
  const { rows, excesses } = await readExplained((on) => readMerchantLog(on, merchantId, wanted));
  expect(rows).toHaveLength(count);
  expect(excesses).toEqual([]);
  const places = rows.map(({ xid, pos }) => ({ xid, pos }));
  const sorted = places.toSorted((one, other) => Number(one.xid - other.xid || one.pos - other.pos));
  expect(places).toEqual(direction === 'asc' ? sorted : sorted.reverse());
});

test.each([
  ['of a time', timeOf(312), timeOf(313), 7],
  ['before all events', timeOf(-10), timeOf(0), 0],
  ['of the newest', timeOf(624), timeOf(ordersCount), 7],
  ['of the oldest', timeOf(-10), timeOf(1), 8],
])(
  'the events %s are found in the log by a few looks at its index',
  async (_what, occurredFrom, occurredBefore, count) => {
    const { rows, excesses } = await readExplained(async (on) => {
      const around = await placesAround(on, shop ?? '', occurredFrom, occurredBefore);
      return readMerchantLog(on, shop ?? '', { ...wholeLog, ...around, occurredFrom, occurredBefore });
    });
    expect(rows).toHaveLength(count);
    expect(rows.every(({ occurredAt }) => occurredAt >= occurredFrom && occurredAt < occurredBefore)).toBe(true);
    expect(excesses).toEqual([]);
  },
);

test.each([
  ['of a small merchant', other, 400n, 70],
  ['of a merchant without events', 'mch_none', 100n, 0],
])(
  'the news %s are read from its own index, whatever other merchants did since',
  async (_what, merchantId = '', xid, count) => {
    const { rows, excesses } = await readExplained(
      async (on) => (await readMerchantNews(on, merchantId, { epoch: 1, xid, pos: 0n })).events,
    );
    expect(rows.length).toBeGreaterThanOrEqual(count);
    expect(excesses).toEqual([]);
  },
);
