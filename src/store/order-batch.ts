import pg from 'pg';
import type { OrderEvent } from '../domain/event.ts';
import { newId } from '../domain/ids.ts';
import type { Order, OrderLine } from '../domain/order.ts';
import type { OrderAggregate, OrderChange } from '../domain/order-change.ts';
import { salesChangesOf, summed } from '../domain/sales.ts';
import type { DeliveryVerdict } from '../events/inbox.ts';
import { type Claim, type Intent, intentRow, nameOfIntent, type RecordedIntent } from './idempotency-store.ts';
import {
  eventColumns,
  intentColumns,
  lineColumns,
  orderColumns,
  paymentColumns,
  refundColumns,
  salesColumns,
} from './order-columns.ts';
import { type AggregateRow, aggregateOf, aggregateSql, orderLockSpace } from './order-store.ts';
import { termsOfOrderSql } from './order-terms.ts';
import { rowJson, rowsJson } from './rows.ts';

/** What a batch needs to know before it decides. */
export type Wanted = {
  readonly orderIds: readonly string[];
  readonly intents: readonly Intent[];
  readonly deliveryIds: readonly string[];
  /** The numbers of new orders. */
  readonly numbers: readonly { readonly merchantId: string; readonly number: string }[];
};

/** The position of an order's last event in the log, without its place within the transaction. */
export type OrderPosition = { readonly epoch: number; readonly xid: bigint };

export type LoadedOrder = { readonly aggregate: OrderAggregate; readonly position: OrderPosition };

/** What the database knows of it. */
export type Loaded = {
  /** By order id. */
  readonly orders: ReadonlyMap<string, LoadedOrder>;
  /** By `nameOfIntent`. */
  readonly intents: ReadonlyMap<string, RecordedIntent>;
  /** The deliveries that have no final status yet. */
  readonly pending: ReadonlySet<string>;
  /** The order numbers that are taken, by `nameOfNumber`. */
  readonly taken: ReadonlySet<string>;
};

/** What a batch writes. */
export type Written = {
  readonly created: readonly { readonly change: OrderChange; readonly lines: readonly OrderLine[] }[];
  readonly changed: readonly { readonly held: OrderAggregate; readonly change: OrderChange }[];
  readonly claims: readonly { readonly intent: Intent; readonly claim: Claim; readonly at: Date }[];
  readonly verdicts: readonly { readonly deliveryId: string; readonly verdict: DeliveryVerdict; readonly at: Date }[];
};

/** What a batch locks: an order, or a value that is unique in the database, such as an idempotency key. */
export type BatchLock = { readonly kind: 'order' | 'unique'; readonly name: string };

/** The advisory lock class of unique values. */
export const uniqueLockSpace = 20_802;
const lockSpaces = { order: orderLockSpace, unique: uniqueLockSpace } as const;

// Advisory locks, not row locks: waiting for a row lock assigns the transaction id before the lock is acquired. The log is
// sorted by transaction id and would have an order's events out of sequence (observed with 4 writers on one order).
// The locks are a separate statement, because a statement that waits keeps the snapshot from before the wait. It would miss the
// payment that the previous holder of the lock has just committed. Two names with the same hash only wait for each other.
// Sorted: of two transactions that wait for several of the same locks, one would otherwise wait for the other.
const lockSqlOf = (lock: string, locks: readonly BatchLock[]) => `
  SELECT name, ${lock}(space, hash) AS held FROM (
    SELECT name, space, hashtext(name) AS hash
    FROM unnest(ARRAY[${locks.map(({ kind }) => lockSpaces[kind])}], ARRAY[${locks.map(({ name }) => pg.escapeLiteral(name))}]) l(space, name)
    ORDER BY space, hash
  ) sorted`;

/**
 * The statement that locks what a batch needs until its transaction ends. A batch never waits for a lock,
 * because one order of a stalled node would hold up all the others. Unique values are locked as well, because an insertion
 * waits for another transaction that has inserted the same value.
 *
 * @param mayWait true for a single work, which waits until no other node holds its locks.
 */
export function lockingOf(locks: readonly BatchLock[], mayWait: boolean): string {
  const lock = mayWait ? 'pg_advisory_xact_lock' : 'pg_try_advisory_xact_lock';
  return lockSqlOf(lock, locks);
}

/** The names that the transaction holds, from the rows of `lockingOf`. */
export function heldIn(locked: readonly unknown[]): ReadonlySet<string> {
  const rows = locked as readonly { readonly name: string; readonly held: boolean | string }[];
  // The lock that waits returns void, which the driver reads as an empty text.
  return new Set(rows.filter(({ held }) => held !== false).map(({ name }) => name));
}

// Each row is found from the list of what is wanted: with `offset 0` the planner cannot begin at the other side. When it knows that there are
// few merchants and nothing about orders, it would read all orders of each merchant.
const loadSql = `
  select 'order' as kind, o.id as name, ${aggregateSql} as value
  from orders o cross join lateral (select * from merchants m where m.id = o.merchant_id offset 0) m where o.id = any($1::text[])
  union all
  select 'intent', null, to_jsonb(k)
  from unnest($2::text[], $3::text[], $4::text[], $5::text[]) w(merchant_id, owner, operation, key)
  cross join lateral (
    select * from idempotency_keys k
    where (k.merchant_id, k.owner, k.operation, k.key) = (w.merchant_id, w.owner, w.operation, w.key) offset 0
  ) k
  union all
  select 'delivery', d.id, null
  from unnest($6::text[]) w(id) cross join lateral (select d.id, d.status from deliveries d where d.id = w.id offset 0) d where d.status = 'PENDING'
  union all
  select 'number', null, jsonb_build_object('merchantId', o.merchant_id, 'number', o.number)
  from unnest($7::text[], $8::text[]) w(merchant_id, number)
  cross join lateral (
    select o.merchant_id, o.number from orders o where (o.merchant_id, o.number) = (w.merchant_id, w.number) offset 0
  ) o
  union all
  select 'log', null, null from log_state`;

type LoadedRow =
  | { readonly kind: 'order'; readonly name: string; readonly value: AggregateRow }
  | { readonly kind: 'intent'; readonly value: RecordedIntent }
  | { readonly kind: 'delivery'; readonly name: string }
  | { readonly kind: 'number'; readonly value: { readonly merchantId: string; readonly number: string } }
  | { readonly kind: 'log' };

/** The statement that loads what a batch needs. What it finds of an order that is not locked may change at any time. */
export function loadingOf({ orderIds, intents, deliveryIds, numbers }: Wanted): pg.QueryConfig {
  const values = [
    orderIds,
    ...[intents.map(({ merchantId }) => merchantId), intents.map(({ owner }) => owner)],
    ...[intents.map(({ operation }) => operation), intents.map(({ key }) => key)],
    deliveryIds,
    ...[numbers.map(({ merchantId }) => merchantId), numbers.map(({ number }) => number)],
  ];
  return { name: 'load batch', text: loadSql, values };
}

/** What a batch needs, from the rows of `loadingOf`. @throws {Error} when the log has no state, without which nothing would be written. */
export function loadedIn(rows: readonly unknown[]): Loaded {
  const orders = new Map<string, LoadedOrder>();
  const recorded = new Map<string, RecordedIntent>();
  const pending = new Set<string>();
  const taken = new Set<string>();
  const given = rows as readonly LoadedRow[];
  if (!given.some(({ kind }) => kind === 'log'))
    throw new Error('The table log_state has no row. The migrations create it: restore the table.');
  for (const row of given) {
    if (row.kind === 'order') orders.set(row.name, loadedOf(row.value));
    else if (row.kind === 'intent') recorded.set(nameOfRecorded(row.value), row.value);
    else if (row.kind === 'delivery') pending.add(row.name);
    else if (row.kind === 'number') taken.add(nameOfNumber(row.value));
  }
  return { orders, intents: recorded, pending, taken };
}

function loadedOf(row: AggregateRow): LoadedOrder {
  const { epoch, xid } = row.order;
  return { aggregate: aggregateOf(row), position: { epoch: Number(epoch), xid: BigInt(String(xid)) } };
}

function nameOfRecorded({ merchant_id, owner, operation, key }: RecordedIntent): string {
  const names = { merchantId: merchant_id, owner, operation: operation as Intent['operation'], key };
  return nameOfIntent({ ...names, inputHash: '' });
}

/** A name of an order number, different for each merchant. */
export function nameOfNumber({ merchantId, number }: Pick<Order, 'merchantId' | 'number'>): string {
  return JSON.stringify([merchantId, number]);
}

const rowsOf = (table: string, parameter: string) => `jsonb_populate_recordset(null::${table}, ${parameter})`;
/** `fixed` columns have a value from the beginning, which never changes. */
const upsertOf = (table: string, columns: readonly string[], parameter: string, fixed: readonly string[] = []) => `
  insert into ${table} (${[...columns, ...fixed]}) select ${[...columns, ...fixed]} from ${rowsOf(table, parameter)}
  on conflict (id) do update set ${columns.map((column) => `${column} = excluded.${column}`)}`;
const changedColumns = orderColumns.filter((column) => column !== 'id' && column !== 'merchant_id');

// The keys are sorted: a statement that inserts a key waits for another transaction that has inserted the same one, and two
// that insert the same keys in another order would wait for each other.
// The events are sorted so that `pos` is assigned in the order of `sequence`. Within an order, both have the same order.
const writeSql = `
  with created as (
    insert into orders (${orderColumns}, epoch, xid)
    select ${orderColumns.map((column) => `o.${column}`)}, s.epoch, pg_current_xact_id()::text::bigint
    from ${rowsOf('orders', '$1')} o, log_state s
  ), lines as (
    insert into order_lines (${lineColumns}) select ${lineColumns} from ${rowsOf('order_lines', '$2')}
  ), terms as (
    insert into order_terms (merchant_id, term, created_at, order_id)
    select o.merchant_id, t.term, o.created_at, o.id from ${rowsOf('orders', '$1')} o cross join lateral ${termsOfOrderSql}
  ), changed as (
    update orders o set ${changedColumns.map((column) => `${column} = n.${column}`)},
      epoch = case when n.version > o.version then s.epoch else o.epoch end,
      xid = case when n.version > o.version then pg_current_xact_id()::text::bigint else o.xid end
    from ${rowsOf('orders', '$3')} n, log_state s where o.id = n.id
  ), paid as (${upsertOf('payments', paymentColumns, '$4', ['order_created_at'])}
  ), refunded as (${upsertOf('refunds', refundColumns, '$5')}
  ), appended as (
    insert into events (${eventColumns}, epoch)
    select ${eventColumns.map((column) => `e.${column}`)}, s.epoch
    from (select * from ${rowsOf('events', '$6')} order by order_id, sequence) e, log_state s
  ), sold as (
    insert into sales_changes (${salesColumns}) select ${salesColumns} from ${rowsOf('sales_changes', '$15')}
  ), claimed as (
    insert into idempotency_keys (${intentColumns}) select ${intentColumns} from ${rowsOf('idempotency_keys', '$7')}
    order by merchant_id, owner, operation, key
  ), judged as (
    update deliveries d set status = v.status::"DeliveryStatus", reason = v.reason, payment_id = coalesce(v.payment_id, d.payment_id),
      applied_at = v.applied_at, apply_at = v.apply_at, body = coalesce(v.body, d.body)
    from unnest($8::text[], $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::bytea[])
      v(id, status, reason, payment_id, applied_at, apply_at, body)
    where d.id = v.id and d.status = 'PENDING'
  )
  select s.epoch, pg_current_xact_id()::text::bigint as xid from log_state s`;

/** The statement that writes a batch, whose orders must be locked; null when it has nothing to write. */
export function writingOf({ created, changed, claims, verdicts }: Written): pg.QueryConfig | null {
  const touched = changed.filter(({ held, change }) => isTouched(held, change));
  if (created.length + touched.length + claims.length + verdicts.length === 0) return null;
  const changes = touched.map(({ change }) => change);
  const judged = verdicts.map(verdictRow);
  const values = [
    ...[rowsJson(created.map(({ change }) => rowJson(change.order))), rowsJson(created.flatMap(lineRows))],
    rowsJson(changes.map(({ order }) => rowJson(order))),
    rowsJson(changes.flatMap(paymentRows)),
    rowsJson(changes.flatMap(refundRows)),
    rowsJson([...created.map(({ change }) => change), ...changes].flatMap(eventRows)),
    rowsJson(claims.map(({ intent, claim, at }) => rowJson(intentRow(intent, claim, at)))),
    ...[judged.map(({ id }) => id), judged.map(({ status }) => status), judged.map(({ reason }) => reason)],
    ...[judged.map(({ paymentId }) => paymentId), judged.map(({ appliedAt }) => appliedAt)],
    ...[judged.map(({ applyAt }) => applyAt), judged.map(({ body }) => body)],
    rowsJson(
      summed(touched.flatMap(({ held, change }) => salesChangesOf(held, change))).map((change) => rowJson(change)),
    ),
  ];
  return { name: 'write batch', text: writeSql, values };
}

/** The position of a batch's events, from the rows of `writingOf`; null when it has written nothing. */
export function positionIn(rows: readonly unknown[]): OrderPosition | null {
  const [row] = rows as readonly OrderPosition[];
  return row ?? null;
}

/**
 * The constraints that a batch violates when a value was taken after it was loaded. All writers of today lock these values first; a node of an
 * earlier version in a rolling update may not.
 */
export const uniqueConstraints = { key: 'idempotency_keys_pkey', number: 'orders_merchant_id_number_key' } as const;

function isTouched(held: OrderAggregate, change: OrderChange): boolean {
  const { order, events, touchedPayments, touchedRefunds } = change;
  return events.length > 0 || touchedPayments.size > 0 || touchedRefunds.size > 0 || order !== held.order;
}

function paymentRows({ order, payments, touchedPayments }: OrderChange): string[] {
  const touched = payments.filter(({ id }) => touchedPayments.has(id));
  return touched.map((payment) => rowJson(payment, { orderCreatedAt: order.createdAt }));
}

function refundRows({ refunds, touchedRefunds }: OrderChange): string[] {
  return refunds.filter(({ id }) => touchedRefunds.has(id)).map((refund) => rowJson(refund));
}

function lineRows({ change, lines }: Written['created'][number]): string[] {
  const { id: orderId, merchantId, currency } = change.order;
  return lines.map((line) => rowJson(line, { orderId, merchantId, currency }));
}

function eventRows({ order, events }: { readonly order: Order; readonly events: readonly OrderEvent[] }): string[] {
  const { id: orderId, merchantId, number: orderNumber } = order;
  return events.map((event) => rowJson(event, { id: newId('event'), merchantId, orderId, orderNumber }));
}

/** The columns of a delivery that a verdict sets. A null payment id or body leaves the stored one. */
function verdictRow({ deliveryId, verdict, at }: Written['verdicts'][number]) {
  const { status, reason } = verdict;
  const postponed = { id: deliveryId, status: 'PENDING', reason, paymentId: null, appliedAt: null, body: null };
  if (verdict.status === 'POSTPONED') return { ...postponed, applyAt: verdict.applyAt };
  return { ...postponed, status, paymentId: verdict.paymentId, appliedAt: at, body: verdict.body, applyAt: null };
}
