import type { Database, Tx } from '../database/database.ts';
import type { EventType } from '../domain/event.ts';
import type { WebhookMessageStatus } from '../domain/webhook.ts';
import type { LogPosition } from '../events/cursor.ts';

type Reader = Pick<Database['pool'], 'query'>;

/** One event on its way to one endpoint. */
export type WebhookMessage = LogPosition & {
  readonly endpointId: string;
  readonly eventId: string;
  readonly merchantId: string;
  readonly orderId: string;
  readonly sequence: number;
  readonly eventType: EventType;
  readonly status: WebhookMessageStatus;
  /** Attempts since the message was created, sent again, replayed or resumed; the time of the first one. */
  readonly attempts: number;
  readonly firstAttemptAt: Date | null;
  /** Null unless PENDING, and while it waits for an earlier event of its order that has failed. */
  readonly nextAttemptAt: Date | null;
  readonly createdAt: Date;
  readonly deliveredAt: Date | null;
};

/** What a message is made from. */
export type QueuedEvent = LogPosition & {
  readonly id: string;
  readonly merchantId: string;
  readonly orderId: string;
  readonly sequence: number;
  readonly type: EventType;
};

const columns = `
  m.endpoint_id as "endpointId", m.event_id as "eventId", m.merchant_id as "merchantId", m.order_id as "orderId", m.sequence, m.epoch, m.xid,
  m.pos, m.event_type as "eventType", m.status, m.attempts, m.first_attempt_at as "firstAttemptAt", m.next_attempt_at as "nextAttemptAt",
  m.created_at as "createdAt", m.delivered_at as "deliveredAt"`;
// A message of an ordered endpoint is due no sooner than the earlier ones of its order that are open; never while one of them has failed.
const insertSql = `
  insert into webhook_messages as m
    (endpoint_id, event_id, merchant_id, order_id, sequence, epoch, xid, pos, event_type, status, next_attempt_at, created_at)
  select $1, v.event_id, v.merchant_id, v.order_id, v.sequence, v.epoch, v.xid, v.pos, v.event_type::"EventType", 'PENDING',
    case when $11 and exists (
        select from webhook_messages b where b.endpoint_id = $1 and b.order_id = v.order_id and b.status = 'FAILED' and b.sequence < v.sequence
      ) then null
      when $11 then greatest($10::timestamptz, (
        select max(b.next_attempt_at) from webhook_messages b
        where b.endpoint_id = $1 and b.order_id = v.order_id and b.status <> 'DELIVERED' and b.sequence < v.sequence
      ))
      else $10::timestamptz end, $10
  from unnest($2::text[], $3::text[], $4::text[], $5::int[], $6::int[], $7::bigint[], $8::bigint[], $9::text[])
    v(event_id, merchant_id, order_id, sequence, epoch, xid, pos, event_type)
  on conflict (endpoint_id, event_id) do `;
const queueSql = `${insertSql} nothing`;
const queueAgainSql = `${insertSql} update set status = 'PENDING', attempts = 0, first_attempt_at = null,
  next_attempt_at = excluded.next_attempt_at, delivered_at = null`;
// Earlier messages of an order that are due as well are among these, before it. One that is not due blocks it.
const dueSql = `
  select ${columns} from webhook_messages m
  where m.endpoint_id = $1 and m.status = 'PENDING' and m.next_attempt_at <= $2 and not ($3 and exists (
    select from webhook_messages b
    where b.endpoint_id = m.endpoint_id and b.order_id = m.order_id and b.sequence < m.sequence and b.status <> 'DELIVERED'
      and (b.next_attempt_at is null or b.next_attempt_at > $2)
  ))
  order by m.epoch, m.xid, m.pos limit $4`;
// For an endpoint that is down: the message that was tried least, so that one that the endpoint cannot take does not keep it down.
const probeSql = `
  select ${columns} from webhook_messages m
  where m.endpoint_id = $1 and m.status = 'PENDING' and m.next_attempt_at <= $2 and not ($3 and exists (
    select from webhook_messages b
    where b.endpoint_id = m.endpoint_id and b.order_id = m.order_id and b.sequence < m.sequence and b.status <> 'DELIVERED'
  ))
  order by m.attempts, m.epoch, m.xid, m.pos limit 1`;
const deliveredSql = `
  update webhook_messages set status = 'DELIVERED', attempts = attempts + 1, first_attempt_at = coalesce(first_attempt_at, $3),
    next_attempt_at = null, delivered_at = $4
  where endpoint_id = $1 and event_id = $2 and status <> 'DELIVERED'`;
const failedSql = `
  update webhook_messages set status = $3::"WebhookMessageStatus", attempts = attempts + 1,
    first_attempt_at = coalesce(first_attempt_at, $4), next_attempt_at = $5
  where endpoint_id = $1 and event_id = $2 and status = 'PENDING'`;
const holdBackSql = `
  update webhook_messages set next_attempt_at = $4::timestamptz
  where endpoint_id = $1 and order_id = $2 and sequence > $3 and status = 'PENDING'
    and ($4::timestamptz is null or next_attempt_at is null or next_attempt_at < $4)`;
const letGoSql = `
  update webhook_messages m set next_attempt_at = $4
  where endpoint_id = $1 and order_id = $2 and sequence > $3 and status = 'PENDING' and (next_attempt_at is null or next_attempt_at > $4)
    and not exists (
      select from webhook_messages b where b.endpoint_id = $1 and b.order_id = $2 and b.status = 'FAILED' and b.sequence < m.sequence
    )`;
const hurrySql = `
  update webhook_messages set next_attempt_at = $2
  where endpoint_id = $1 and status = 'PENDING' and next_attempt_at > $2`;
const restartSql = `
  update webhook_messages set attempts = 0, first_attempt_at = null, next_attempt_at = case when next_attempt_at is not null then $2::timestamptz end
  where endpoint_id = $1 and status = 'PENDING' and (attempts > 0 or next_attempt_at > $2)`;
const findSql = `select ${columns} from webhook_messages m where m.endpoint_id = $1 and m.event_id = $2`;
const ids = (only: string, after: string) => `
  select ${columns} from webhook_messages m
  where m.endpoint_id = $1 and ${only} and ${after} order by m.epoch desc, m.xid desc, m.pos desc limit $3`;
const listSql = ids('($2::text is null or m.status = $2::"WebhookMessageStatus")', 'true');
const listAfterSql = ids(
  '($2::text is null or m.status = $2::"WebhookMessageStatus")',
  '(m.epoch, m.xid, m.pos) < ($4::int, $5::bigint, $6::bigint)',
);
const countSql = `
  select m.endpoint_id as "endpointId", m.status, count(*)::int as count from (
    select m.endpoint_id, m.status from unnest($1::text[]) wanted(id) cross join unnest(array['PENDING', 'FAILED']) state(name)
    cross join lateral (
      select endpoint_id, status from webhook_messages m
      where m.endpoint_id = wanted.id and m.status = state.name::"WebhookMessageStatus" limit $2
    ) m
  ) m group by 1, 2`;
const pruneSql = `
  delete from webhook_messages where (endpoint_id, event_id) in (
    select endpoint_id, event_id from webhook_messages where status = 'DELIVERED' and delivered_at < $1 order by delivered_at limit $2
    for update skip locked
  )`;
const dropSql = `
  delete from webhook_messages where (endpoint_id, event_id) in (
    select endpoint_id, event_id from webhook_messages where endpoint_id = $1 limit $2
  )`;

type Queue = { readonly endpointId: string; readonly ordered: boolean; readonly at: Date };

/**
 * Makes messages of events, in log order. An event that has a message already keeps it as it is; `again`: it is sent once more.
 *
 * The endpoint must be locked.
 */
export async function queueWebhookMessages(
  tx: Tx,
  { endpointId, ordered, at }: Queue,
  events: readonly QueuedEvent[],
  again: boolean,
): Promise<void> {
  if (events.length === 0) return;
  const values = [
    endpointId,
    ...[events.map(({ id }) => id), events.map(({ merchantId }) => merchantId), events.map(({ orderId }) => orderId)],
    ...[events.map(({ sequence }) => sequence), events.map(({ epoch }) => epoch)],
    ...[events.map(({ xid }) => xid), events.map(({ pos }) => pos), events.map(({ type }) => type)],
    ...[at, ordered],
  ];
  const name = again ? 'queue webhook messages again' : 'queue webhook messages';
  await tx.query({ name, text: again ? queueAgainSql : queueSql, values });
}

/** The messages that are due, in log order. Those of one order must be sent one after the other if the endpoint is ordered. */
export async function findDueWebhookMessages(
  on: Reader,
  endpoint: { readonly id: string; readonly ordered: boolean },
  now: Date,
  limit: number,
): Promise<readonly WebhookMessage[]> {
  const values = [endpoint.id, now, endpoint.ordered, limit];
  const { rows } = await on.query<WebhookMessage>({ name: 'find due webhook messages', text: dueSql, values });
  return rows;
}

/** The one message that finds out whether an endpoint is up again; null when none is due. */
export async function findWebhookProbe(
  on: Reader,
  endpoint: { readonly id: string; readonly ordered: boolean },
  now: Date,
): Promise<WebhookMessage | null> {
  const { rows } = await on.query<WebhookMessage>(probeSql, [endpoint.id, now, endpoint.ordered]);
  return rows[0] ?? null;
}

/** Marks a message as delivered, however its endpoint is doing. */
export async function markDelivered(
  on: Reader,
  { endpointId, eventId }: Pick<WebhookMessage, 'endpointId' | 'eventId'>,
  attemptedAt: Date,
  deliveredAt: Date,
): Promise<void> {
  const values = [endpointId, eventId, attemptedAt, deliveredAt];
  await on.query({ name: 'mark webhook message delivered', text: deliveredSql, values });
}

/** Records a failed attempt. Has no effect on a message that was delivered meanwhile. */
export async function markFailed(
  on: Reader,
  { endpointId, eventId }: Pick<WebhookMessage, 'endpointId' | 'eventId'>,
  attemptedAt: Date,
  { status, nextAttemptAt }: { readonly status: 'PENDING' | 'FAILED'; readonly nextAttemptAt: Date | null },
): Promise<void> {
  await on.query(failedSql, [endpointId, eventId, status, attemptedAt, nextAttemptAt]);
}

type InOrder = Pick<WebhookMessage, 'endpointId' | 'orderId' | 'sequence'>;

/** Delays the later messages of the order until `until`; null until somebody acts. */
export async function holdBackLater(
  on: Reader,
  { endpointId, orderId, sequence }: InOrder,
  until: Date | null,
): Promise<void> {
  await on.query(holdBackSql, [endpointId, orderId, sequence, until]);
}

/** Makes the later messages of the order due. */
export async function letLaterGo(on: Reader, { endpointId, orderId, sequence }: InOrder, at: Date): Promise<void> {
  await on.query({
    name: 'let later webhook messages go',
    text: letGoSql,
    values: [endpointId, orderId, sequence, at],
  });
}

/** Makes the messages of an endpoint due that wait for another attempt. */
export async function hurryWebhookMessages(on: Reader, endpointId: string, at: Date): Promise<void> {
  await on.query(hurrySql, [endpointId, at]);
}

/** Begins anew with the messages of an endpoint that was paused: three days from now. */
export async function restartWebhookMessages(on: Reader, endpointId: string, at: Date): Promise<void> {
  await on.query(restartSql, [endpointId, at]);
}

export async function findWebhookMessage(
  on: Reader,
  endpointId: string,
  eventId: string,
): Promise<WebhookMessage | null> {
  const { rows } = await on.query<WebhookMessage>(findSql, [endpointId, eventId]);
  return rows[0] ?? null;
}

/** The messages of an endpoint before a position, the newest event first. */
export async function listWebhookMessages(
  on: Reader,
  endpointId: string,
  {
    status,
    before,
    limit,
  }: { readonly status: WebhookMessageStatus | null; readonly before: LogPosition | null; readonly limit: number },
): Promise<readonly WebhookMessage[]> {
  const { rows } = await (before === null
    ? on.query<WebhookMessage>(listSql, [endpointId, status, limit])
    : on.query<WebhookMessage>(listAfterSql, [endpointId, status, limit, before.epoch, before.xid, before.pos]));
  return rows;
}

/** The numbers of messages of endpoints that are not delivered, each counted up to `max`. */
export async function countOpenWebhookMessages(
  on: Reader,
  endpointIds: readonly string[],
  max: number,
): Promise<ReadonlyMap<string, { readonly pending: number; readonly failed: number }>> {
  const { rows } = await on.query<{ endpointId: string; status: WebhookMessageStatus; count: number }>(countSql, [
    endpointIds,
    max,
  ]);
  const countOf = (id: string, wanted: WebhookMessageStatus) =>
    rows.find(({ endpointId, status }) => endpointId === id && status === wanted)?.count ?? 0;
  return new Map(endpointIds.map((id) => [id, { pending: countOf(id, 'PENDING'), failed: countOf(id, 'FAILED') }]));
}

/** Deletes messages that were delivered before a time. Returns their number. */
export async function pruneWebhookMessages(on: Reader, before: Date, limit: number): Promise<number> {
  return (await on.query(pruneSql, [before, limit])).rowCount ?? 0;
}

export async function dropWebhookMessages(on: Reader, endpointId: string, limit: number): Promise<number> {
  return (await on.query(dropSql, [endpointId, limit])).rowCount ?? 0;
}
