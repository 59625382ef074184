import type { Database } from '../database/database.ts';
import { after } from '../domain/clock.ts';
import { comparePositions, type LogPosition } from './cursor.ts';
import { logForever, logStart } from './log.ts';

type Reader = Pick<Database['pool'], 'query'>;

/**
 * How far the times of a merchant's events may be out of the order of the log: nodes whose clocks differ write one log, and a change may wait
 * between its decision and its transaction.
 */
const disorderMs = 60_000;

// The log is sorted by position, and the times in it nearly are. So the place of a time is found by halving the transaction ids of an epoch,
// with one look at the index for each step. An index of the times would cost every change of every order.
// Each epoch starts its own transaction ids: the last one that begins before the time has it.
const placeSql = `
  with recursive chosen as (
    select coalesce(max(n), 0) as epoch from generate_series(0, (select epoch from log_state)) n
    where (select e.occurred_at from events e where e.merchant_id = $1 and e.epoch = n
           order by e.merchant_id, e.epoch, e.xid, e.pos limit 1) < $2
  ), half as (
    select c.epoch, 0::bigint as low, coalesce((select e.xid + 1 from events e where e.merchant_id = $1 and e.epoch = c.epoch
      order by e.merchant_id desc, e.epoch desc, e.xid desc, e.pos desc limit 1), 0) as high
    from chosen c
    union all
    select h.epoch, case when seen.is_before then seen.xid + 1 else h.low end, case when seen.is_before then h.high else middle.xid end
    from half h
    cross join lateral (select h.low + (h.high - h.low) / 2 as xid) middle
    left join lateral (
      select e.xid, e.occurred_at < $2 as is_before from events e
      where (e.merchant_id, e.epoch, e.xid, e.pos) >= ($1, h.epoch, middle.xid, 0) and e.merchant_id <= $1 and e.epoch = h.epoch
      order by e.merchant_id, e.epoch, e.xid, e.pos limit 1
    ) seen on true
    where h.low < h.high
  )
  select epoch, low as xid from half order by low desc, high limit 1`;

/** A position of the merchant's log between the events before a time and those after it, give or take the disorder. */
async function placeOf(on: Reader, merchantId: string, time: Date): Promise<LogPosition> {
  const { rows } = await on.query<{ epoch: number; xid: bigint }>(placeSql, [merchantId, time]);
  const [{ epoch, xid } = logStart] = rows;
  return { epoch, xid, pos: 0n };
}

/** Positions around all events of a merchant that occurred from one time to another, close to them. Null stands for no limit. */
export async function placesAround(
  on: Reader,
  merchantId: string,
  from: Date | null,
  before: Date | null,
): Promise<{ readonly after: LogPosition; readonly before: LogPosition }> {
  const [start, end] = await Promise.all([
    from === null ? logStart : placeOf(on, merchantId, after(from, -disorderMs)),
    before === null ? logForever : placeOf(on, merchantId, after(before, disorderMs)),
  ]);
  return { after: start, before: end };
}

/** The later of two positions. */
export const laterOf = (one: LogPosition, other: LogPosition) => (comparePositions(one, other) < 0 ? other : one);
/** The earlier of two positions. */
export const earlierOf = (one: LogPosition, other: LogPosition) => (comparePositions(one, other) < 0 ? one : other);
