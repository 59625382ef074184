import type { Database } from '../database/database.ts';
import type { PaymentMethod } from '../domain/payment.ts';

type Reader = Pick<Database['pool'], 'query'>;

/** The number of changes that one statement folds. */
export const foldedTogetherMax = 5000;

// One statement, so that a change is counted once: it is in `sales_changes` or in `sales`, for every reader and after a crash. Nodes that fold
// at the same time skip each other's changes, and change the sums in the same order.
const foldSql = `
  with taken as (
    delete from sales_changes where id in (select id from sales_changes order by id limit $1::int for update skip locked) returning *
  ), folded as (
    insert into sales as s (merchant_id, quarter, method, currency, started, succeeded, failed, captured_minor, refunded_minor)
    select merchant_id, quarter, method, currency, sum(started), sum(succeeded), sum(failed), sum(captured_minor), sum(refunded_minor)
    from taken group by merchant_id, quarter, method, currency order by merchant_id, quarter, method, currency
    on conflict (merchant_id, quarter, method, currency) do update set
      started = s.started + excluded.started, succeeded = s.succeeded + excluded.succeeded, failed = s.failed + excluded.failed,
      captured_minor = s.captured_minor + excluded.captured_minor, refunded_minor = s.refunded_minor + excluded.refunded_minor
  )
  select count(*)::int as count from taken`;

/** Adds changes to the sums that they belong to. Reading sees the same before and after. */
export async function foldSales(on: Reader): Promise<{ readonly folded: number; readonly isFull: boolean }> {
  const { rows } = await on.query<{ count: number }>(foldSql, [foldedTogetherMax]);
  const folded = rows[0]?.count ?? 0;
  return { folded, isFull: folded === foldedTogetherMax };
}

export const salesIntervals = ['HOUR', 'DAY', 'TOTAL'] as const;
export type SalesInterval = (typeof salesIntervals)[number];

/** Sums of one method in one currency. */
export type SalesSum = {
  readonly start: Date;
  readonly method: PaymentMethod;
  readonly currency: string;
  readonly started: bigint;
  readonly succeeded: bigint;
  readonly failed: bigint;
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
};

const startSql: Readonly<Record<SalesInterval, string>> = {
  HOUR: `date_trunc('hour', quarter, $4)`,
  DAY: `date_trunc('day', quarter, $4)`,
  TOTAL: `case when $4::text is not null then $2::timestamptz end`,
};

const columns = 'quarter, method, currency, started, succeeded, failed, captured_minor, refunded_minor';
const salesSqlOf = (interval: SalesInterval) => `
  with parts as (
    select ${columns} from sales where merchant_id = $1 and quarter >= $2::timestamptz and quarter < $3::timestamptz
    union all
    select ${columns} from sales_changes where merchant_id = $1 and quarter >= $2::timestamptz and quarter < $3::timestamptz
  ), sums as (
    select ${startSql[interval]} as start, method, currency, sum(started)::bigint as started, sum(succeeded)::bigint as succeeded,
      sum(failed)::bigint as failed, sum(captured_minor)::bigint as "capturedMinor", sum(refunded_minor)::bigint as "refundedMinor"
    from parts group by 1, 2, 3
  )
  select * from sums where (started, succeeded, failed, "capturedMinor", "refundedMinor") <> (0, 0, 0, 0, 0)
  order by start, method, currency`;
const salesSql = { HOUR: salesSqlOf('HOUR'), DAY: salesSqlOf('DAY'), TOTAL: salesSqlOf('TOTAL') } as const;

/** The sums of the quarters from one time until before another, by the hours or days of a time zone. The oldest come first. */
export async function readSales(
  on: Reader,
  merchantId: string,
  range: { readonly from: Date; readonly before: Date; readonly interval: SalesInterval; readonly timeZone: string },
): Promise<SalesSum[]> {
  const { from, before, interval, timeZone } = range;
  const { rows } = await on.query<SalesSum>(salesSql[interval], [merchantId, from, before, timeZone]);
  return rows;
}
