import type { Database } from '../database/database.ts';

/** Rows that one scrape counts at most, so that a backlog makes no scrape expensive. */
const countedMax = 10_000;

// Both read a part of an index that has nothing else: callbacks that wait, and payments whose outcome is unknown. Of more callbacks than are counted,
// any are taken.
const sql = `
  select callbacks.count::int as "pendingCallbacks", callbacks.oldest as "oldestCallbackAt",
    payments.count::int as "unknownPayments", payments.oldest as "oldestUnknownAt"
  from (
    select count(*), min(received_at) as oldest
    from (select received_at from deliveries where apply_at is not null limit $1) pending
  ) callbacks, (
    select count(*), min(created_at) as oldest
    from (select created_at from payments where status = 'UNKNOWN' order by created_at limit $1) unknown
  ) payments`;

type Row = {
  readonly pendingCallbacks: number;
  readonly oldestCallbackAt: Date | null;
  readonly unknownPayments: number;
  readonly oldestUnknownAt: Date | null;
};

export type Backlog = {
  readonly pendingCallbacks: number;
  readonly oldestCallbackSeconds: number;
  readonly unknownPayments: number;
  readonly oldestUnknownSeconds: number;
};

/** What waits in the database, for metrics. Counts end at 10,000. */
export async function readBacklog(on: Pick<Database['pool'], 'query'>, now: Date): Promise<Backlog> {
  const { rows } = await on.query<Row>(sql, [countedMax]);
  const [row] = rows;
  if (row === undefined) throw new Error('The database did not answer.');
  const ageOf = (at: Date | null) => (at === null ? 0 : Math.max(0, now.getTime() - at.getTime()) / 1000);
  return {
    pendingCallbacks: row.pendingCallbacks,
    oldestCallbackSeconds: ageOf(row.oldestCallbackAt),
    unknownPayments: row.unknownPayments,
    oldestUnknownSeconds: ageOf(row.oldestUnknownAt),
  };
}
