import type { Database } from '../../src/database/database.ts';
import type { FactChanges } from '../../src/domain/event.ts';
import type { Order } from '../../src/domain/order.ts';
import type { Payment } from '../../src/domain/payment.ts';
import type { Refund } from '../../src/domain/refund.ts';
import type { LoggedEvent } from '../../src/events/log.ts';

export type EventRow = LoggedEvent & { readonly changes: FactChanges };

export type KeyRow = { readonly operation: string; readonly key: string; readonly resultId: string };

/** The kept sums of a quarter of an hour. */
export type SalesRow = {
  readonly quarter: string;
  readonly method: string;
  readonly currency: string;
  readonly started: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
};

/** A callback in the inbox. */
export type DeliveryRow = {
  readonly id: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly status: 'PENDING' | 'APPLIED' | 'IGNORED' | 'REVIEW';
  readonly reason: string | null;
  readonly paymentId: string | null;
  readonly receivedAt: Date;
  readonly applyAt: Date | null;
  readonly body: Buffer;
};

/** All committed rows of a merchant at one instant. */
export type Snapshot = {
  readonly orders: readonly Order[];
  readonly payments: readonly Payment[];
  readonly refunds: readonly Refund[];
  readonly keys: readonly KeyRow[];
  /** The sums of sales as a reader sees them. */
  readonly sales: readonly SalesRow[];
  /** The events after the known sequence of each order, in log order. */
  readonly events: readonly EventRow[];
};

type Pool = Database['pool'];

const salesColumns =
  'merchant_id, quarter, method, currency, started, succeeded, failed, captured_minor, refunded_minor';
// One statement, so that rows and events are from the same instant while nodes continue.
const snapshotSql = `
  with mine as (select id from orders where merchant_id = $1)
  select
    (select jsonb_agg(to_jsonb(o) order by o.id) from orders o where o.merchant_id = $1) as orders,
    (select jsonb_agg(to_jsonb(p) order by p.created_at, p.id) from payments p where p.order_id in (select id from mine)) as payments,
    (select jsonb_agg(to_jsonb(r) order by r.created_at, r.id) from refunds r where r.order_id in (select id from mine)) as refunds,
    (select jsonb_agg(to_jsonb(k)) from idempotency_keys k where k.merchant_id = $1) as keys,
    (select jsonb_agg(to_jsonb(s)) from (
       select quarter, method, currency, sum(started) as started, sum(succeeded) as succeeded, sum(failed) as failed,
         sum(captured_minor) as captured_minor, sum(refunded_minor) as refunded_minor
       from (
         select ${salesColumns} from sales union all select ${salesColumns} from sales_changes
       ) x where merchant_id = $1 group by quarter, method, currency
     ) s) as sales,
    (select jsonb_agg(to_jsonb(e) order by e.epoch, e.xid, e.pos) from events e
     where e.merchant_id = $1 and e.sequence > coalesce(($2::jsonb ->> e.order_id)::int, 0)) as events`;
const eventsSql = `
  select to_jsonb(e) as event from events e where e.merchant_id = $1 and e.sequence > coalesce(($2::jsonb ->> e.order_id)::int, 0)
  order by e.epoch, e.xid, e.pos`;
// Callbacks have no merchant before they are applied; each schedule has its own sandbox and therefore its own events.
const deliveriesSql = `
  select id, event_id, event_type, status, reason, payment_id, received_at, apply_at, body from deliveries where event_id = any($1)`;
const dueSql = `
  select min(due) as due from (
    select greatest(check_at, leased_until) as due from payments where merchant_id = $1
    union all select greatest(check_at, leased_until) from refunds where merchant_id = $1
    union all select due_at from orders where merchant_id = $1
    union all select greatest(due_at, retry_at, leased_until) from webhook_endpoints where merchant_id = $1 and due_at is not null
    union all select apply_at from deliveries where status = 'PENDING'
  ) dues`;
const forgetSql = [
  `update webhook_endpoints set status = 'PAUSED', pause_reason = 'REQUESTED', paused_at = created_at, due_at = null where status = 'ACTIVE'`,
  'update payments set check_at = null where check_at is not null',
  'update refunds set check_at = null where check_at is not null',
  'update orders set due_at = null where due_at is not null',
  'update deliveries set apply_at = null where apply_at is not null',
];
const clearSql = [
  'set session_replication_role = replica', // disables the triggers that protect the log
  `truncate merchants, api_keys, provider_accounts, orders, order_lines, payments, refunds, events, idempotency_keys, deliveries, rejected_deliveries, sales, sales_changes, order_terms cascade`, // with the tables that refer to these
  'set session_replication_role = origin',
];

export async function readSnapshot(
  pool: Pool,
  merchantId: string,
  known: ReadonlyMap<string, number>,
): Promise<Snapshot> {
  type Json = readonly Row[] | null;
  const [row] = await read<Record<keyof Snapshot, Json>>(pool, 'snapshot', snapshotSql, [
    merchantId,
    JSON.stringify(Object.fromEntries(known)),
  ]);
  return {
    orders: listOf<Order>(row?.orders),
    payments: listOf<Payment>(row?.payments),
    refunds: listOf<Refund>(row?.refunds),
    keys: listOf<KeyRow>(row?.keys),
    sales: listOf<SalesRow>(row?.sales),
    events: listOf<EventRow>(row?.events),
  };
}

/** A merchant's events after the known sequence of each order, in log order. */
export async function readEvents(
  pool: Pool,
  merchantId: string,
  known: ReadonlyMap<string, number>,
): Promise<EventRow[]> {
  const values = [merchantId, JSON.stringify(Object.fromEntries(known))];
  const rows = await read<{ event: Row }>(pool, 'events', eventsSql, values);
  return listOf<EventRow>(rows.map(({ event }) => event));
}

export async function readDeliveries(pool: Pool, eventIds: readonly string[]): Promise<DeliveryRow[]> {
  return read<DeliveryRow>(pool, 'deliveries', deliveriesSql, [eventIds]);
}

/** The time of the next due timer; null for none. */
export async function readDue(pool: Pool, merchantId: string): Promise<Date | null> {
  const [row] = await read<{ due: Date | null }>(pool, 'due', dueSql, [merchantId]);
  return row?.due ?? null;
}

/** Removes all timers, so that none becomes due in a later schedule, whose virtual time starts again. */
export async function forgetTimers(pool: Pool): Promise<void> {
  for (const sql of forgetSql) await pool.query(sql);
}

/** Empties an embedded database, so that it stays small and fast over many schedules. */
export async function clearDatabase(pool: Pool): Promise<void> {
  const client = await pool.connect();
  try {
    for (const sql of clearSql) await client.query(sql);
  } finally {
    client.release();
  }
}

type Row = Readonly<Record<string, unknown>>;

const camelOf = (column: string) => column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Runs a named statement, so that the server plans it once. */
async function read<T>(pool: Pool, name: string, text: string, values: readonly unknown[]): Promise<T[]> {
  const { rows } = await pool.query<Row>({ name: `prove ${name}`, text, values: [...values] });
  return rows.map(
    (row) => Object.fromEntries(Object.entries(row).map(([column, value]) => [camelOf(column), value])) as T,
  );
}

/** Converts rows that were read as JSON: amounts and instants get the types of their columns. */
function listOf<T>(rows: readonly Row[] | null | undefined): T[] {
  return (rows ?? []).map(
    (row) =>
      Object.fromEntries(
        Object.entries(row).map(([column, value]) => [camelOf(column), readValue(column, value)]),
      ) as T,
  );
}

function readValue(column: string, value: unknown): unknown {
  if (value === null) return null;
  if (column.endsWith('_minor') || column === 'xid' || column === 'pos') return BigInt(String(value));
  return /_(at|time|until)$/.test(column) ? new Date(String(value)) : value;
}
