import type { Database } from '../database/database.ts';
import { currentSpan, type SpanRef } from '../logging/trace.ts';
import { parseTraceparent, traceparentOf } from '../telemetry/traceparent.ts';

type Reader = Pick<Database['pool'], 'query'>;

/** How long a later callback can continue the trace of its payment. */
export const traceContextForMs = 30 * 24 * 60 * 60_000;

const insertSql = `
  insert into trace_contexts (subject_id, traceparent, created_at) values ($1, $2, $3) on conflict (subject_id) do nothing`;
const findSql = 'select subject_id as "subjectId", traceparent from trace_contexts where subject_id = any($1::text[])';
const pruneSql = `
  delete from trace_contexts where subject_id in (
    select subject_id from trace_contexts where created_at < $1 order by created_at limit $2 for update skip locked
  )`;

/**
 * Stores the current span as the one that a payment or a delivery belongs to, so that other processes and later callbacks continue its trace. The
 * first one stays. Has no effect, and costs nothing, unless the span is exported.
 */
export async function rememberSpan(on: Reader, subjectId: string, at: Date): Promise<void> {
  const span = currentSpan();
  if (span?.isSampled) await on.query(insertSql, [subjectId, traceparentOf(span), at]);
}

/** The stored spans of payments and deliveries, in the order of the ids; null for those that have none. */
export async function findSpans(on: Reader, subjectIds: readonly string[]): Promise<(SpanRef | null)[]> {
  const { rows } = await on.query<{ subjectId: string; traceparent: string }>(findSql, [subjectIds]);
  return subjectIds.map((id) => parseTraceparent(rows.find(({ subjectId }) => subjectId === id)?.traceparent));
}

/** Deletes at most `limit` contexts that were stored before `before`. Returns their number. */
export async function pruneSpans(on: Reader, before: Date, limit: number): Promise<number> {
  const { rowCount } = await on.query(pruneSql, [before, limit]);
  return rowCount ?? 0;
}
