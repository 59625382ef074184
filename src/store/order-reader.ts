import type { QueryConfig } from 'pg';
import type { Database } from '../database/database.ts';
import type { OrderScope } from '../domain/actor.ts';
import type { Order, OrderLine } from '../domain/order.ts';
import type { Payment } from '../domain/payment.ts';
import type { Refund } from '../domain/refund.ts';
import type { CommittedOrder } from './order-writer.ts';
import { columnsOf } from './rows.ts';

type Reader = Pick<Database['pool'], 'query'>;

const orderFields = [
  ...(['id', 'merchantId', 'number', 'status', 'paymentStatus', 'captureMode', 'currency', 'totalMinor'] as const),
  ...(['authorizedMinor', 'capturedMinor', 'refundedMinor', 'reservedMinor', 'customerId', 'description'] as const),
  ...(['metadata', 'reviewReasons', 'createdAt', 'updatedAt', 'expiresAt', 'version'] as const),
] satisfies readonly (keyof Order)[];
const lineFields = ['position', 'sku', 'name', 'quantity', 'unitMinor', 'currency'] as const;
const paymentFields = [
  ...(['id', 'orderId', 'merchantId', 'method', 'flow', 'status', 'currency', 'amountMinor', 'capturedMinor'] as const),
  ...(['refundedMinor', 'reservedMinor', 'captureMinor', 'nextAction', 'providerPaymentId', 'failureReason'] as const),
  ...(['failureMessage', 'failureProviderCode', 'evidenceSource', 'evidenceProviderTime'] as const),
  ...(['evidenceReceivedAt', 'checkAt', 'createdAt', 'updatedAt', 'succeededAt', 'expiresAt'] as const),
  ...(['cardBrand', 'cardLast4'] as const),
] satisfies readonly (keyof Payment)[];
const refundFields = [
  ...(['id', 'orderId', 'paymentId', 'merchantId', 'status', 'origin', 'currency', 'amountMinor', 'reason'] as const),
  ...(['approval', 'requestedByKind', 'requestedById', 'decidedByKind', 'decidedById', 'providerRefundId'] as const),
  ...(['failureReason', 'failureMessage', 'failureProviderCode', 'evidenceSource', 'evidenceProviderTime'] as const),
  ...(['evidenceReceivedAt', 'checkAt', 'createdAt', 'updatedAt', 'succeededAt'] as const),
] satisfies readonly (keyof Refund)[];

/** What clients read of a payment. `order` is set when the payment was read as a part of its order. */
export type ReadPayment = Pick<Payment, (typeof paymentFields)[number]> & { order?: ReadOrder };
/** What clients read of a refund. `order` and `payment` are set when they were read together. */
export type ReadRefund = Pick<Refund, (typeof refundFields)[number]> & { order?: ReadOrder; payment?: ReadPayment };
export type ReadLine = OrderLine & { readonly currency: string };

/** The parts of an order that have tables of their own. Lines are sorted by position, payments and refunds by age. */
export type OrderParts = {
  readonly lines: readonly ReadLine[];
  readonly payments: readonly ReadPayment[];
  readonly refunds: readonly ReadRefund[];
};
export type OrderPart = keyof OrderParts;

/** What clients read of an order, with the parts that were asked for. `epoch` and `xid` are the position of its last event in the log. */
export type ReadOrder = Pick<Order, (typeof orderFields)[number]> & { readonly epoch: number; readonly xid: bigint } & {
  readonly [Part in OrderPart]?: OrderParts[Part];
};

const isAmount = (name: string) => name.endsWith('Minor');
const isInstant = (name: string) => /(At|Time)$/.test(name);

/** Selects the fields under their names in the domain. */
function columnsAs(alias: string, names: readonly string[], suffixOf: (name: string) => string = () => ''): string {
  const columns = columnsOf(names);
  return names.map((name, index) => `${alias}.${columns[index]}${suffixOf(name)} as "${name}"`).join(', ');
}

/** Amounts are sent as text, because a JSON number would become a float. */
const jsonColumnsAs = (alias: string, names: readonly string[]) =>
  columnsAs(alias, names, (name) => (isAmount(name) ? '::text' : ''));

const orderColumns = columnsAs('o', [...orderFields, 'epoch', 'xid']);
const partOf = (table: string, fields: readonly string[], sortedBy: string) =>
  `(select coalesce(json_agg(x order by x.${sortedBy}), '[]') from (select ${jsonColumnsAs('t', fields)} from ${table} t where t.order_id = o.id) x)`;
const partColumns: Readonly<Record<OrderPart, string>> = {
  lines: partOf('order_lines', lineFields, 'position'),
  payments: partOf('payments', paymentFields, 'id'),
  refunds: partOf('refunds', refundFields, 'id'),
};
export const orderParts = Object.keys(partColumns) as readonly OrderPart[];

/** The select list for an order `o` of the table `orders`. */
export function orderSelection(parts: readonly OrderPart[]): string {
  return [orderColumns, ...parts.map((part) => `${partColumns[part]} as ${part}`)].join(', ');
}

/** The select list for a payment of the table `payments`. */
export const paymentSelection = (alias: string) => columnsAs(alias, paymentFields);
/** The select list for a refund of the table `refunds`. */
export const refundSelection = (alias: string) => columnsAs(alias, refundFields);

const isVisible = (alias: string) =>
  `${alias}.merchant_id = $1 and ($2::text is null or ${alias}.customer_id = $2) and ($3::text is null or ${alias}.id = $3)`;
const ofVisible = `($2::text is null and $3::text is null
  or exists (select from orders o where o.id = x.order_id and ${isVisible('o')}))`;
/** By number for one caller; by id for many callers, each with a scope of its own. */
const orderSources = {
  number: `select $selection from orders o where o.number = $4 and ${isVisible('o')}`,
  id: `select wanted.place::int, $selection
    from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality
      as wanted(merchant_id, customer_id, order_id, id, place)
    join orders o on o.id = wanted.id and o.merchant_id = wanted.merchant_id
      and (wanted.customer_id is null or o.customer_id = wanted.customer_id) and (wanted.order_id is null or o.id = wanted.order_id)`,
} as const;
const partSql = (table: string, fields: readonly string[]) =>
  `select ${columnsAs('x', fields)} from ${table} x where x.id = any($4::text[]) and x.merchant_id = $1 and ${ofVisible}`;
const payments = { name: 'payments by id', text: partSql('payments', paymentFields) };
const refunds = { name: 'refunds by id', text: partSql('refunds', refundFields) };

const scopeValues = ({ merchantId, customerId, orderId }: OrderScope) => [merchantId, customerId, orderId];

/** The statements are prepared: once on each connection for each choice of parts, and the server plans them once. */
const orderStatements = new Map<string, QueryConfig>();

function orderStatement(by: keyof typeof orderSources, parts: readonly OrderPart[]): QueryConfig {
  const name = `order by ${by} with ${parts.join()}`;
  const known = orderStatements.get(name);
  if (known !== undefined) return known;
  const statement = { name, text: orderSources[by].replace('$selection', () => orderSelection(parts)) };
  orderStatements.set(name, statement);
  return statement;
}

/** The order with this number of the caller's merchant, if the caller sees it; otherwise null. */
export async function findOrderByNumber(
  on: Reader,
  scope: OrderScope,
  number: string,
  parts: readonly OrderPart[],
): Promise<ReadOrder | null> {
  const values = [...scopeValues(scope), number];
  const { rows } = await on.query<OrderRow>({ ...orderStatement('number', parts), values });
  return rows[0] === undefined ? null : orderOf(rows[0]);
}

/** An order that one caller asks for. */
export type WantedOrder = { readonly scope: OrderScope; readonly id: string };

/**
 * The orders that many callers ask for, in one statement: for each, null when its caller does not see it, and an error when its row cannot be
 * read, which harms no other.
 */
export async function findOrders(
  on: Reader,
  wanted: readonly WantedOrder[],
  parts: readonly OrderPart[],
): Promise<(ReadOrder | Error | null)[]> {
  const values = [
    wanted.map(({ scope }) => scope.merchantId),
    wanted.map(({ scope }) => scope.customerId),
    wanted.map(({ scope }) => scope.orderId),
    wanted.map(({ id }) => id),
  ];
  const { rows } = await on.query<OrderRow & { place: number }>({ ...orderStatement('id', parts), values });
  const found: (ReadOrder | Error | null)[] = wanted.map(() => null);
  for (const { place, ...row } of rows) found[place - 1] = orderOrError(row);
  return found;
}

function orderOrError(row: OrderRow): ReadOrder | Error {
  try {
    return orderOf(row);
  } catch (error) {
    return new Error('The row of an order cannot be read.', { cause: error });
  }
}

/** Those of the payments that the caller sees, in any order. */
export async function findPayments(on: Reader, scope: OrderScope, ids: readonly string[]): Promise<ReadPayment[]> {
  return (await on.query<ReadPayment>({ ...payments, values: [...scopeValues(scope), ids] })).rows;
}

/** Those of the refunds that the caller sees, in any order. */
export async function findRefunds(on: Reader, scope: OrderScope, ids: readonly string[]): Promise<ReadRefund[]> {
  return (await on.query<ReadRefund>({ ...refunds, values: [...scopeValues(scope), ids] })).rows;
}

/** An order as the database sends it: its parts are JSON. */
export type OrderRow = Omit<ReadOrder, OrderPart> & { readonly [Part in OrderPart]?: Record<string, unknown>[] };

const decodeLine = decoderOf<ReadLine>(lineFields);
const decodePayment = decoderOf<ReadPayment>(paymentFields);
const decodeRefund = decoderOf<ReadRefund>(refundFields);

/** Decodes the parts, and connects them. */
export function orderOf(row: OrderRow): ReadOrder {
  const lines = row.lines?.map(decodeLine);
  const payments = row.payments?.map(decodePayment);
  const refunds = row.refunds?.map(decodeRefund);
  return connected({ ...row, lines, payments, refunds });
}

/** What clients read of an order that has just been written, as a read would find it. `lines` are unknown unless the order is new. */
export function readOrderOf({ change, position, lines }: CommittedOrder): ReadOrder {
  const { order, payments, refunds } = change;
  const { currency } = order;
  const known = lines?.map((line) => ({ ...line, currency }));
  return connected({
    ...{ ...order, ...position, lines: known },
    payments: sortedById(payments).map((payment) => ({ ...payment })),
    refunds: sortedById(refunds).map((refund) => ({ ...refund })),
  });
}

function sortedById<T extends { readonly id: string }>(rows: readonly T[]): T[] {
  return [...rows].sort((one, other) => (one.id < other.id ? -1 : 1));
}

function connected(order: ReadOrder): ReadOrder {
  for (const payment of order.payments ?? []) payment.order = order;
  for (const refund of order.refunds ?? []) {
    refund.order = order;
    refund.payment = order.payments?.find(({ id }) => id === refund.paymentId);
  }
  return order;
}

/** Converts amounts and instants in place. The column types of the table justify the cast. */
function decoderOf<T>(names: readonly string[]): (row: Record<string, unknown>) => T {
  const amounts = names.filter(isAmount);
  const instants = names.filter(isInstant);
  return (row) => {
    for (const name of amounts) if (row[name] !== null) row[name] = BigInt(String(row[name]));
    for (const name of instants) if (row[name] !== null) row[name] = new Date(String(row[name]));
    return row as T;
  };
}
