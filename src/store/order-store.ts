import type { Database, Tx } from '../database/database.ts';
import type { LatePaymentPolicy, Order, RefundLimit } from '../domain/order.ts';
import type { OrderAggregate } from '../domain/order-change.ts';
import type { Payment } from '../domain/payment.ts';
import type { Refund } from '../domain/refund.ts';
import { fromRow } from './rows.ts';

/** The advisory lock class of orders. It separates them from other advisory locks, such as that of migrations. */
export const orderLockSpace = 20_801;

const lockSql = `select pg_advisory_xact_lock(${orderLockSpace}, hashtext(id)) from unnest($1::text[]) id`;
/** An order `o` of a merchant `m` as one JSON value: an `AggregateRow`. */
export const aggregateSql = `
  jsonb_build_object('order', to_jsonb(o), 'policy', m.late_payment_policy, 'limits', m.refund_limits,
    'payments', (select coalesce(jsonb_agg(to_jsonb(p) order by p.id), '[]') from payments p where p.order_id = o.id),
    'refunds', (select coalesce(jsonb_agg(to_jsonb(r) order by r.id), '[]') from refunds r where r.order_id = o.id))`;
const loadSql = `
  select ${aggregateSql} as aggregate from orders o join merchants m on m.id = o.merchant_id where o.id = $1`;
const loadOfPaymentSql = `
  select ${aggregateSql} as aggregate
  from payments paid join orders o on o.id = paid.order_id join merchants m on m.id = o.merchant_id where paid.id = $1`;

const tokenOrdersStatement = {
  name: 'orders of client tokens',
  text: `
    select o.id as "orderId", o.merchant_id as "merchantId", m.return_origins as "returnOrigins", m.web_origins as "webOrigins",
      o.expires_at as "expiresAt"
    from orders o join merchants m on m.id = o.merchant_id where o.id = any($1::text[])`,
};

const customersSql = `
  select o.merchant_id as "merchantId", o.customer_id as "customerId"
  from unnest($1::text[]) with ordinality w(id, place) left join orders o on o.id = w.id order by w.place`;

export type AggregateRow = {
  readonly order: Record<string, unknown>;
  readonly policy: LatePaymentPolicy;
  readonly limits: readonly Record<string, unknown>[] | null;
  readonly payments: readonly Record<string, unknown>[];
  readonly refunds: readonly Record<string, unknown>[];
};

/** Locks orders until the transaction ends, in the order of the ids: the caller sorts them, which prevents deadlocks between two callers. */
export async function lockOrders(tx: Tx, orderIds: readonly string[]): Promise<void> {
  await tx.query(lockSql, [orderIds]);
}

/** Whose an order is. The customer is null when the order names none. */
export type OrderCustomer = Pick<Order, 'merchantId' | 'customerId'>;

/** Whose these orders are, in the same order; null for those that do not exist. */
export async function findOrderCustomers(
  on: Pick<Tx, 'query'>,
  orderIds: readonly string[],
): Promise<readonly (OrderCustomer | null)[]> {
  const query = { name: 'find order customers', text: customersSql, values: [orderIds] };
  const { rows } = await on.query<OrderCustomer & { readonly merchantId: string | null }>(query);
  return rows.map((row) => (row.merchantId === null ? null : row));
}

/** Loads an order with its payments and refunds, without a lock; null when it does not exist. */
export async function loadOrder(on: Tx | Database['pool'], orderId: string): Promise<OrderAggregate | null> {
  const { rows } = await on.query<{ aggregate: AggregateRow }>({
    name: 'load order',
    text: loadSql,
    values: [orderId],
  });
  return rows[0] === undefined ? null : aggregateOf(rows[0].aggregate);
}

/** Loads the order of a payment, without a lock; null when there is no such payment. */
export async function loadOrderOfPayment(on: Tx | Database['pool'], paymentId: string): Promise<OrderAggregate | null> {
  const query = { name: 'load order of payment', text: loadOfPaymentSql, values: [paymentId] };
  const { rows } = await on.query<{ aggregate: AggregateRow }>(query);
  return rows[0] === undefined ? null : aggregateOf(rows[0].aggregate);
}

export function aggregateOf({ order, policy, limits, payments, refunds }: AggregateRow): OrderAggregate {
  return {
    order: fromRow<Order>(order),
    payments: payments.map((payment) => fromRow<Payment>(payment)),
    refunds: refunds.map((refund) => fromRow<Refund>(refund)),
    latePaymentPolicy: policy,
    refundLimits: limits?.map((limit) => fromRow<RefundLimit>(limit)) ?? null,
  };
}

/** An order of a client token, and what authentication needs of its merchant. */
export type TokenOrderRow = {
  readonly orderId: string;
  readonly merchantId: string;
  readonly returnOrigins: readonly string[];
  readonly webOrigins: readonly string[];
  readonly expiresAt: Date;
};

/** The orders of client tokens, in the order of their ids; null for one that does not exist. */
export async function findTokenOrders(
  on: Pick<Database['pool'], 'query'>,
  orderIds: readonly string[],
): Promise<(TokenOrderRow | null)[]> {
  const { rows } = await on.query<TokenOrderRow>({ ...tokenOrdersStatement, values: [[...new Set(orderIds)]] });
  const found = new Map(rows.map((row) => [row.orderId, row]));
  return orderIds.map((id) => found.get(id) ?? null);
}
