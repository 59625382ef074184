import type { Database, Tx } from '../database/database.ts';
import type { LogPosition } from '../events/cursor.ts';

type Reader = Pick<Database['pool'], 'query'>;

/** A range of the log that is sent to an endpoint once more: after `from`, until `until`, which is included. */
export type WebhookReplay = {
  /** `whr_…` */
  readonly id: string;
  readonly endpointId: string;
  /** How far the range became messages. */
  readonly from: LogPosition;
  readonly until: LogPosition;
  /** Only events that occurred at this time or later, and before that time; null for no limit. */
  readonly occurredFrom: Date | null;
  readonly occurredBefore: Date | null;
  /** The events that became messages so far. */
  readonly events: number;
  readonly createdAt: Date;
  /** Null while there is more to come. */
  readonly finishedAt: Date | null;
};

type Row = Omit<WebhookReplay, 'from' | 'until'> &
  LogPosition & { readonly untilEpoch: number; readonly untilXid: bigint; readonly untilPos: bigint };

const columns = `
  r.id, r.endpoint_id as "endpointId", r.epoch, r.xid, r.pos, r.until_epoch as "untilEpoch", r.until_xid as "untilXid",
  r.until_pos as "untilPos", r.occurred_from as "occurredFrom", r.occurred_before as "occurredBefore", r.events,
  r.created_at as "createdAt", r.finished_at as "finishedAt"`;
const insertSql = `
  insert into webhook_replays (id, endpoint_id, epoch, xid, pos, until_epoch, until_xid, until_pos, occurred_from, occurred_before, created_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`;
const openSql = `
  select ${columns} from webhook_replays r where r.endpoint_id = $1 and r.finished_at is null order by r.id limit 1`;
const listSql = `select ${columns} from webhook_replays r where r.endpoint_id = $1 order by r.id desc limit $2`;
const moveSql = `
  update webhook_replays set epoch = $2, xid = $3, pos = $4, events = events + $5, finished_at = $6 where id = $1`;
const dropSql = 'delete from webhook_replays where endpoint_id = $1';

export async function insertWebhookReplay(on: Reader, replay: WebhookReplay): Promise<void> {
  const { id, endpointId, from, until, occurredFrom, occurredBefore, createdAt } = replay;
  await on.query(insertSql, [
    ...[id, endpointId, from.epoch, from.xid, from.pos, until.epoch, until.xid, until.pos],
    ...[occurredFrom, occurredBefore, createdAt],
  ]);
}

/** The oldest replay of an endpoint that is not finished. */
export async function findOpenWebhookReplay(on: Reader, endpointId: string): Promise<WebhookReplay | null> {
  const { rows } = await on.query<Row>({ name: 'find open webhook replay', text: openSql, values: [endpointId] });
  return rows[0] === undefined ? null : replayOf(rows[0]);
}

/** The newest replays of an endpoint. */
export async function listWebhookReplays(
  on: Reader,
  endpointId: string,
  limit: number,
): Promise<readonly WebhookReplay[]> {
  const { rows } = await on.query<Row>(listSql, [endpointId, limit]);
  return rows.map(replayOf);
}

/** `finishedAt` is not null when the range has become messages. */
export async function moveWebhookReplay(
  tx: Tx,
  id: string,
  { epoch, xid, pos }: LogPosition,
  events: number,
  finishedAt: Date | null,
): Promise<void> {
  await tx.query(moveSql, [id, epoch, xid, pos, events, finishedAt]);
}

export async function dropWebhookReplays(on: Reader, endpointId: string): Promise<void> {
  await on.query(dropSql, [endpointId]);
}

function replayOf({ epoch, xid, pos, untilEpoch, untilXid, untilPos, ...row }: Row): WebhookReplay {
  return { ...row, from: { epoch, xid, pos }, until: { epoch: untilEpoch, xid: untilXid, pos: untilPos } };
}
