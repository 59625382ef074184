import type { Database, Tx } from '../database/database.ts';
import type { OrderEvent } from '../domain/event.ts';
import { newId } from '../domain/ids.ts';
import type { LatePaymentPolicy, Order, OrderLine, RefundLimit } from '../domain/order.ts';
import type { OrderAggregate, OrderChange } from '../domain/order-change.ts';
import type { Payment } from '../domain/payment.ts';
import type { Refund } from '../domain/refund.ts';
import { columnsOf, fromRow, toJson, toRow } from './rows.ts';

/** The advisory lock class of orders. It separates them from other advisory locks, such as that of migrations. */
const orderLockSpace = 20_801;

const orderColumns = columnsOf([
  ...['id', 'merchantId', 'number', 'status', 'paymentStatus', 'captureMode', 'currency', 'totalMinor'],
  ...['authorizedMinor', 'capturedMinor', 'refundedMinor', 'reservedMinor', 'customerId', 'description', 'metadata'],
  ...['reviewReasons', 'closeTarget', 'cancelReason', 'createdAt', 'updatedAt', 'expiresAt', 'version', 'dueAt'],
]);
const lineColumns = columnsOf([
  'orderId',
  'position',
  'merchantId',
  'sku',
  'name',
  'quantity',
  'currency',
  'unitMinor',
]);
const paymentColumns = columnsOf([
  ...['id', 'orderId', 'merchantId', 'method', 'flow', 'provider', 'providerAccount', 'status', 'captureMode'],
  ...['currency', 'amountMinor', 'authorizedMinor', 'capturedMinor', 'refundedMinor', 'reservedMinor', 'appliedMinor'],
  ...[
    'surplusMinor',
    'quarantinedMinor',
    'refusedCaptures',
    'late',
    'closeTarget',
    'returnUrl',
    'openId',
    'buyerIp',
    'description',
  ],
  ...['providerPaymentId', 'failureReason', 'failureMessage', 'failureProviderCode', 'failureAttempt'],
  ...['evidenceSource', 'evidenceProviderTime', 'evidenceReceivedAt', 'createdAt', 'updatedAt', 'succeededAt'],
  ...['expiresAt', 'nextAction', 'providerReference', 'checkAt', 'checkAttempts', 'leasedUntil'],
  ...['captureMinor', 'captureAttempt'],
]);
const refundColumns = columnsOf([
  ...['id', 'orderId', 'paymentId', 'merchantId', 'status', 'origin', 'currency', 'amountMinor', 'reason'],
  ...['requestedByKind', 'requestedById', 'approval', 'decidedByKind', 'decidedById'],
  ...['providerRefundId', 'failureReason', 'failureMessage', 'failureProviderCode', 'evidenceSource'],
  ...['evidenceProviderTime', 'evidenceReceivedAt', 'createdAt', 'updatedAt', 'succeededAt', 'checkAt'],
  ...['checkAttempts', 'leasedUntil'],
]);
const eventColumns = columnsOf([
  ...['id', 'merchantId', 'orderId', 'sequence', 'type', 'occurredAt', 'orderNumber', 'orderStatus'],
  ...[
    'actorKind',
    'actorId',
    'orderPaymentStatus',
    'paymentId',
    'paymentStatus',
    'paymentMethod',
    'refundId',
    'refundStatus',
  ],
  ...['amountMinor', 'currency', 'changes'],
]);

const insertOf = (table: string, columns: readonly string[], rows: string) =>
  `insert into ${table} (${columns}) select ${columns} from jsonb_populate_recordset(null::${table}, ${rows})`;
const upsertOf = (table: string, columns: readonly string[], rows: string) =>
  `${insertOf(table, columns, rows)} on conflict (id) do update set ${columns.map((c) => `${c} = excluded.${c}`)}`;
// The rows are sorted so that `pos` is assigned in the order of `sequence`. Within an order, both have the same order.
const appendOf = (rows: string) => `
  insert into events (${eventColumns}, epoch)
  select ${eventColumns.map((column) => `e.${column}`)}, s.epoch
  from (select * from jsonb_populate_recordset(null::events, ${rows}) order by sequence) e, log_state s`;

const insertOrderSql = `
  with inserted as (
    insert into orders (${orderColumns}, epoch, xid)
    select ${orderColumns.map((column) => `o.${column}`)}, s.epoch, pg_current_xact_id()::text::bigint
    from jsonb_populate_record(null::orders, $1) o, log_state s
  ), lines as (${insertOf('order_lines', lineColumns, '$2')})
  ${appendOf('$3')}`;

// An advisory lock, not a row lock: waiting for a row lock assigns the transaction id before the lock is acquired. The log is
// sorted by transaction id and would have an order's events out of sequence (observed with 4 writers on one order).
// The lock is a separate statement, because a statement that waits keeps the snapshot from before the wait. It would miss the
// payment that the previous holder of the lock has just committed. Two orders with the same hash only wait for each other.
const lockSql = `select pg_advisory_xact_lock(${orderLockSpace}, hashtext($1))`;
const loadSql = `
  select to_jsonb(o) as "order", m.late_payment_policy as policy, m.refund_limits as limits,
    (select coalesce(jsonb_agg(to_jsonb(p) order by p.id), '[]') from payments p where p.order_id = o.id) as payments,
    (select coalesce(jsonb_agg(to_jsonb(r) order by r.id), '[]') from refunds r where r.order_id = o.id) as refunds
  from orders o join merchants m on m.id = o.merchant_id where o.id = $1`;

const tokenOrderSql = `
  select o.id as "orderId", o.merchant_id as "merchantId", m.return_origins as "returnOrigins", m.web_origins as "webOrigins", o.expires_at as "expiresAt"
  from orders o join merchants m on m.id = o.merchant_id where o.id = $1`;

const changedColumns = orderColumns.filter((column) => column !== 'id' && column !== 'merchant_id');
const writeSql = `
  with changed as (
    update orders o set ${changedColumns.map((column) => `${column} = n.${column}`)},
      epoch = case when n.version > o.version then s.epoch else o.epoch end,
      xid = case when n.version > o.version then pg_current_xact_id()::text::bigint else o.xid end
    from jsonb_populate_record(null::orders, $1) n, log_state s where o.id = n.id
  ), paid as (${upsertOf('payments', paymentColumns, '$2')}), refunded as (${upsertOf('refunds', refundColumns, '$3')})
  ${appendOf('$4')}`;

/** Writes a new order, its lines and its first event. The change contains only the result of `recordCreation`. */
export async function insertOrder(tx: Tx, change: OrderChange, lines: readonly OrderLine[]): Promise<void> {
  const { order } = change;
  const rows = lines.map((line) => ({
    ...toRow(line),
    order_id: order.id,
    merchant_id: order.merchantId,
    currency: order.currency,
  }));
  await tx.query(insertOrderSql, [toJson(toRow(order)), toJson(rows), toJson(eventRows(order, change.events))]);
}

/** Locks an order id until the transaction ends. The order need not exist. */
export async function lockOrder(tx: Tx, orderId: string): Promise<void> {
  await tx.query(lockSql, [orderId]);
}

/** Writes the changed rows of a locked order, and its events. Writes nothing when nothing changed. */
export async function writeOrder(tx: Tx, held: OrderAggregate, change: OrderChange): Promise<void> {
  const { order, events } = change;
  const isTouched = change.touchedPayments.size > 0 || change.touchedRefunds.size > 0 || order !== held.order;
  if (events.length === 0 && !isTouched) return;
  await tx.query(writeSql, [
    toJson(toRow(order)),
    toJson(change.payments.filter(({ id }) => change.touchedPayments.has(id)).map(toRow)),
    toJson(change.refunds.filter(({ id }) => change.touchedRefunds.has(id)).map(toRow)),
    toJson(eventRows(order, events)),
  ]);
}

/** Locks several orders. The caller sorts them by id, which prevents deadlocks between two callers. */
export async function lockOrders(tx: Tx, orderIds: readonly string[]): Promise<void> {
  for (const orderId of orderIds) await lockOrder(tx, orderId);
}

/** Loads an order with its payments and refunds; null when it does not exist. */
export async function loadOrder(on: Tx | Database['pool'], orderId: string): Promise<OrderAggregate | null> {
  const { rows } = await on.query<{
    order: Record<string, unknown>;
    policy: LatePaymentPolicy;
    limits: Record<string, unknown>[] | null;
    payments: Record<string, unknown>[];
    refunds: Record<string, unknown>[];
  }>(loadSql, [orderId]);
  const [row] = rows;
  if (row === undefined) return null;
  return {
    order: fromRow<Order>(row.order),
    payments: row.payments.map((payment) => fromRow<Payment>(payment)),
    refunds: row.refunds.map((refund) => fromRow<Refund>(refund)),
    latePaymentPolicy: row.policy,
    refundLimits: row.limits?.map((limit) => fromRow<RefundLimit>(limit)) ?? null,
  };
}

/** The order of a client token and what authentication needs of its merchant; null when it does not exist. */
export async function findTokenOrder(
  on: Pick<Database['pool'], 'query'>,
  orderId: string,
): Promise<{
  readonly orderId: string;
  readonly merchantId: string;
  readonly returnOrigins: readonly string[];
  readonly webOrigins: readonly string[];
  readonly expiresAt: Date;
} | null> {
  type Row = { orderId: string; merchantId: string; returnOrigins: string[]; webOrigins: string[]; expiresAt: Date };
  const { rows } = await on.query<Row>(tokenOrderSql, [orderId]);
  return rows[0] ?? null;
}

function eventRows(order: Order, events: readonly OrderEvent[]): object[] {
  return events.map((event) => ({
    ...toRow(event),
    id: newId('event'),
    merchant_id: order.merchantId,
    order_id: order.id,
    order_number: order.number,
  }));
}

/**
 * True for the unique violation of an order number that the merchant has already used. Checks the shape of the error and not
 * its class, because PGlite has its own error class.
 */
export function isNumberTaken(error: unknown): boolean {
  return error instanceof Error && 'constraint' in error && error.constraint === 'orders_merchant_id_number_key';
}
