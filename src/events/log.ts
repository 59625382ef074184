import type { Database } from '../database/database.ts';
import type { ActorKind } from '../domain/actor.ts';
import type { EventType } from '../domain/event.ts';
import type { OrderPaymentStatus, OrderStatus } from '../domain/order.ts';
import type { PaymentMethod, PaymentStatus } from '../domain/payment.ts';
import type { RefundStatus } from '../domain/refund.ts';
import { type LogPosition, posMax } from './cursor.ts';

/** A row of the log with all fields that readers need, so that they read no other table. */
export type LoggedEvent = LogPosition & {
  readonly id: string;
  readonly merchantId: string;
  readonly orderId: string;
  readonly sequence: number;
  readonly type: EventType;
  readonly occurredAt: Date;
  /** Null for events of versions that did not record the actor. */
  readonly actorKind: ActorKind | null;
  readonly actorId: string | null;
  readonly orderNumber: string;
  readonly orderStatus: OrderStatus;
  readonly orderPaymentStatus: OrderPaymentStatus;
  readonly paymentId: string | null;
  readonly paymentStatus: PaymentStatus | null;
  readonly paymentMethod: PaymentMethod | null;
  readonly refundId: string | null;
  readonly refundStatus: RefundStatus | null;
  readonly amountMinor: bigint | null;
  readonly currency: string;
  /** Why the payment or the refund failed, if the event reports a failure; else null. */
  readonly failureReason: string | null;
  readonly failureMessage: string | null;
  readonly failureProviderCode: string | null;
  /** The reason for a review, or the operator's decision; null for other events. */
  readonly note: string | null;
  /** The caller who settled the review, or the name that an earlier version recorded. */
  readonly resolvedBy: string | null;
};

type Reader = Pick<Database['pool'], 'query'>;

/** The maximum number of rows that one statement reads, unless the caller gives another limit. */
export const readLimit = 100;

/** The facts of the payment or the refund that the event changed. */
const changedFacts = `(case when e.refund_id is not null then e.changes->'refund' when e.payment_id is not null then e.changes->'payment' end)`;

const columns = `
  e.id, e.pos, e.epoch, e.xid, e.merchant_id as "merchantId", e.order_id as "orderId", e.sequence, e.type,
  e.occurred_at as "occurredAt", e.actor_kind as "actorKind", e.actor_id as "actorId", e.order_number as "orderNumber", e.order_status as "orderStatus",
  e.order_payment_status as "orderPaymentStatus", e.payment_id as "paymentId", e.payment_status as "paymentStatus",
  e.payment_method as "paymentMethod", e.refund_id as "refundId", e.refund_status as "refundStatus",
  e.amount_minor as "amountMinor", e.currency, ${changedFacts}->>'failureReason' as "failureReason",
  ${changedFacts}->>'failureMessage' as "failureMessage", ${changedFacts}->>'failureProviderCode' as "failureProviderCode",
  e.changes->>'note' as note,
  coalesce(e.changes->>'resolvedBy', case when e.type = 'ORDER_REVIEW_RESOLVED' and e.actor_kind in ('MERCHANT', 'OPERATOR')
    then e.actor_id end) as "resolvedBy"`;

// A transaction that began earlier can still commit an event with a lower position. Events from the oldest open transaction
// onwards are therefore held back, so that a cursor never skips an event that is not visible yet.
const xmin = 'pg_snapshot_xmin(pg_current_snapshot())::text::bigint';
const epoch = '(select epoch from log_state)';
const isSettled = `(e.epoch < ${epoch} or e.xid < ${xmin})`;
const isWithin = `e.occurred_at >= coalesce($8::timestamptz, '-infinity') and e.occurred_at < coalesce($9::timestamptz, 'infinity')`;

/** `asc` is the order of the log. */
type Direction = 'asc' | 'desc';

const endSql = `select epoch, ${xmin} - 1 as xid from log_state`;
// The merchant is part of the position. As a condition of its own beside one on (epoch, xid, pos), it makes the planner, which believes that
// few events come after a position, take the index of all merchants' events.
const merchantSqlOf = (direction: Direction) => `
  select ${columns} from events e
  where (e.merchant_id, e.epoch, e.xid, e.pos) > ($1, $2::int, $3::bigint, $4::bigint)
    and (e.merchant_id, e.epoch, e.xid, e.pos) < ($1, $5::int, $6::bigint, $7::bigint) and ${isSettled} and ${isWithin}
  order by e.merchant_id ${direction}, e.epoch ${direction}, e.xid ${direction}, e.pos ${direction} limit $10`;
// Merged from the first events of each type, so that the index leads to them, however many other events lie between. The type is part of the
// position for the same reason.
const merchantTypesSqlOf = (direction: Direction) => `
  select ${columns} from unnest($11::"EventType"[]) as wanted(type) cross join lateral (
    select * from events e
    where e.merchant_id = $1 and (e.type, e.epoch, e.xid, e.pos) > (wanted.type, $2::int, $3::bigint, $4::bigint)
      and (e.type, e.epoch, e.xid, e.pos) < (wanted.type, $5::int, $6::bigint, $7::bigint) and ${isSettled} and ${isWithin}
    order by e.type ${direction}, e.epoch ${direction}, e.xid ${direction}, e.pos ${direction} limit $10
  ) e
  order by e.epoch ${direction}, e.xid ${direction}, e.pos ${direction} limit $10`;
const merchantLogSql = {
  asc: { all: merchantSqlOf('asc'), types: merchantTypesSqlOf('asc') },
  desc: { all: merchantSqlOf('desc'), types: merchantTypesSqlOf('desc') },
} as const;
// Settled events come first, because those that are held back have higher transaction ids.
const merchantNewsSql = `
  select ${columns}, ${isSettled} as "isSettled" from events e
  where (e.merchant_id, e.epoch, e.xid, e.pos) > ($1, $2::int, $3::bigint, $4::bigint) and e.merchant_id <= $1
  order by e.merchant_id, e.epoch, e.xid, e.pos limit $5`;
const merchantNewestSql = `
  select ${columns} from events e
  where (e.merchant_id, e.epoch, e.xid, e.pos) <= ($1, $2::int, $3::bigint, $4::bigint) and e.merchant_id >= $1
  order by e.merchant_id desc, e.epoch desc, e.xid desc, e.pos desc limit $5`;
const orderNewsSql = `
  select ${columns} from events e
  where e.merchant_id = $1 and e.order_id = $2 and e.sequence > $3 and (e.epoch, e.xid, e.pos) > ($4::int, $5::bigint, $6::bigint)
  order by e.sequence limit $7`;
const orderNewestSql = `
  select ${columns} from events e where e.merchant_id = $1 and e.order_id = $2 order by e.sequence desc limit $3`;
const ordersSql = `
  select ${columns} from unnest($2::text[]) as wanted(id) cross join lateral (
    select * from events e
    where e.merchant_id = $1 and e.order_id = wanted.id and (e.epoch, e.xid, e.pos) > ($3::int, $4::bigint, $5::bigint)
    order by e.sequence limit $6
  ) e order by e.order_id, e.sequence`;
const findSql = `select ${columns} from events e where e.merchant_id = $1 and e.id = $2`;
const findAllSql = `select ${columns} from events e where e.merchant_id = $1 and e.id = any($2)`;
const tailSql = `
  select e.epoch, e.xid, e.pos, e.merchant_id as "merchantId", e.order_id as "orderId" from events e
  where (e.epoch, e.xid, e.pos) > ($1::int, $2::bigint, $3::bigint) and ${isSettled}
  order by e.epoch, e.xid, e.pos limit $4`;

/** The position before the first event. */
export const logStart: LogPosition = { epoch: 0, xid: 0n, pos: 0n };
/** A position after every event. */
export const logForever: LogPosition = { epoch: 2 ** 31 - 1, xid: posMax, pos: posMax };

/** The end of the readable log. Every event that is not readable yet has a higher position. */
export async function readLogEnd(on: Reader): Promise<LogPosition> {
  const { rows } = await on.query<{ epoch: number; xid: bigint }>({ name: 'log end', text: endSql });
  const [row] = rows;
  if (row === undefined)
    throw new Error('The table log_state has no row. The migrations create it: restore the table.');
  return { ...row, pos: posMax };
}

/** Which of a merchant's events to read, and in which direction. */
export type LogPage = {
  readonly limit: number;
  /** Null for all types. */
  readonly types: readonly EventType[] | null;
  readonly direction: Direction;
  /** Only events after this position, in the order of the log. */
  readonly after: LogPosition;
  /** Only events before this position, in the order of the log. */
  readonly before: LogPosition;
  /** Only events that occurred at this time or later. */
  readonly occurredFrom: Date | null;
  /** Only events that occurred before this time. */
  readonly occurredBefore: Date | null;
};

/** All events of the log, oldest first. */
export const wholeLog: LogPage = {
  ...{ limit: readLimit, types: null, direction: 'asc', after: logStart, before: logForever },
  ...{ occurredFrom: null, occurredBefore: null },
};

/** A page of the merchant's readable events. */
export async function readMerchantLog(
  on: Reader,
  merchantId: string,
  { limit, types, direction, after, before, occurredFrom, occurredBefore }: LogPage,
): Promise<LoggedEvent[]> {
  const values = [
    ...[merchantId, after.epoch, after.xid, after.pos, before.epoch, before.xid, before.pos],
    ...[occurredFrom, occurredBefore, limit],
  ];
  const sql = merchantLogSql[direction];
  const { rows } = await (types === null
    ? on.query<LoggedEvent>(sql.all, values)
    : on.query<LoggedEvent>(sql.types, [...values, [...new Set(types)]]));
  return rows;
}

/** A position with the sequence number of its event, if it is the position of an event. */
export type Place = LogPosition & { readonly sequence?: number };

/** Events after a place, in log order. */
export type Batch = {
  readonly events: readonly LoggedEvent[];
  /** True when more events may follow at once. */
  readonly isFull: boolean;
  /** True when there are committed events after these that an older open transaction still holds back. */
  readonly isHeldBack: boolean;
};

/** The merchant's readable events after a position. One statement finds out as well whether others are held back. */
export async function readMerchantNews(
  on: Reader,
  merchantId: string,
  { epoch, xid, pos }: LogPosition,
): Promise<Batch> {
  const values = [merchantId, epoch, xid, pos, readLimit];
  const { rows } = await on.query<LoggedEvent & { readonly isSettled: boolean }>({
    ...{ name: 'merchant news', text: merchantNewsSql, values },
  });
  const events = rows.filter(({ isSettled }) => isSettled);
  return { events, isFull: events.length === readLimit, isHeldBack: events.length < rows.length };
}

/** The merchant's newest events at or before a position, oldest first. */
export async function readMerchantNewest(
  on: Reader,
  merchantId: string,
  { epoch, xid, pos }: LogPosition,
  limit: number,
): Promise<LoggedEvent[]> {
  const { rows } = await on.query<LoggedEvent>({
    ...{ name: 'newest events of a merchant', text: merchantNewestSql, values: [merchantId, epoch, xid, pos, limit] },
  });
  return rows.reverse();
}

/**
 * The order's events after a place, in sequence. None is held back: because of the order's lock, an order's events are committed in
 * sequence and no event can appear between them later.
 */
export async function readOrderNews(
  on: Reader,
  merchantId: string,
  orderId: string,
  { epoch, xid, pos, sequence = 0 }: Place,
): Promise<Batch> {
  const values = [merchantId, orderId, sequence, epoch, xid, pos, readLimit];
  const { rows: events } = await on.query<LoggedEvent>({ name: 'order news', text: orderNewsSql, values });
  return { events, isFull: events.length === readLimit, isHeldBack: false };
}

/** The order's newest events, oldest first. */
export async function readOrderNewest(
  on: Reader,
  merchantId: string,
  orderId: string,
  limit: number,
): Promise<LoggedEvent[]> {
  const { rows } = await on.query<LoggedEvent>({
    ...{ name: 'newest events of an order', text: orderNewestSql, values: [merchantId, orderId, limit] },
  });
  return rows.reverse();
}

/** The events of several orders after a position, at most `limit` for each order, in one statement. */
export async function readOrderLogs(
  on: Reader,
  merchantId: string,
  orderIds: readonly string[],
  { epoch, xid, pos }: LogPosition,
  limit: number,
): Promise<LoggedEvent[]> {
  const { rows } = await on.query<LoggedEvent>(ordersSql, [merchantId, orderIds, epoch, xid, pos, limit]);
  return rows;
}

export async function findEvent(on: Reader, merchantId: string, eventId: string): Promise<LoggedEvent | null> {
  const { rows } = await on.query<LoggedEvent>(findSql, [merchantId, eventId]);
  return rows[0] ?? null;
}

/** The events with these ids, by id. Those that do not exist, or are of another merchant, are missing. */
export async function findEvents(
  on: Reader,
  merchantId: string,
  eventIds: readonly string[],
): Promise<ReadonlyMap<string, LoggedEvent>> {
  const { rows } = await on.query<LoggedEvent>({
    ...{ name: 'find events', text: findAllSql, values: [merchantId, eventIds] },
  });
  return new Map(rows.map((event) => [event.id, event]));
}

/** The orders and merchants of the readable events after a position, over all merchants, in log order. */
export async function readLogTail(
  on: Reader,
  { epoch, xid, pos }: LogPosition,
  limit: number,
): Promise<(LogPosition & { merchantId: string; orderId: string })[]> {
  const { rows } = await on.query<LogPosition & { merchantId: string; orderId: string }>({
    ...{ name: 'log tail', text: tailSql, values: [epoch, xid, pos, limit] },
  });
  return rows;
}
