import type { Database } from '../database/database.ts';
import { isLive, paymentStatuses } from '../domain/payment.ts';
import { isReserved, refundStatuses } from '../domain/refund.ts';

// A key is needed while its order can still change, and a refund's key while repeating it could move money. A needed key is considered again
// after the same time, so that keys that stay needed do not make each round longer. A scalar subquery, because the planner may turn an EXISTS
// into a hash of all orders.
const pruneSql = `
  with old as (
    select k.merchant_id, k.owner, k.operation, k.key, coalesce((
      select true from orders o
      where o.id = case k.operation
          when 'createOrder' then k.result_id
          when 'requestRefund' then (select r.order_id from refunds r where r.id = k.result_id)
          else (select p.order_id from payments p where p.id = k.result_id)
        end
        and o.status not in ('OPEN', 'CLOSING') and cardinality(o.review_reasons) = 0
        and not exists (select from payments p where p.order_id = o.id and p.status = any ($4::"PaymentStatus"[]))
        and not exists (select from refunds r where r.order_id = o.id and r.status = any ($5::"RefundStatus"[]))
        and not (k.operation = 'requestRefund' and exists (
          select from refunds r join payments p on p.id = r.payment_id
          where r.id = k.result_id and p.captured_minor > p.refunded_minor
        ))
    ), false) as is_settled
    from idempotency_keys k where k.needed_at < $1 order by k.needed_at limit $3 for update of k skip locked
  ), needed as (
    update idempotency_keys k set needed_at = $2 from old
    where (k.merchant_id, k.owner, k.operation, k.key) = (old.merchant_id, old.owner, old.operation, old.key)
      and not is_settled
  ), pruned as (
    delete from idempotency_keys k using old
    where (k.merchant_id, k.owner, k.operation, k.key) = (old.merchant_id, old.owner, old.operation, old.key)
      and is_settled
    returning 1
  )
  select (select count(*) from old)::int as considered, (select count(*) from pruned)::int as pruned`;

const liveStatuses = paymentStatuses.filter((status) => isLive({ status }));
const reservedStatuses = refundStatuses.filter((status) => isReserved({ status }));

/**
 * Deletes idempotency keys that were created, or last needed, before `before`, unless they are needed. Considers at most `limit` keys and
 * returns how many it considered and deleted.
 */
export async function pruneKeys(
  on: Database['pool'],
  before: Date,
  now: Date,
  limit: number,
): Promise<{ readonly considered: number; readonly pruned: number }> {
  const values = [before, now, limit, liveStatuses, reservedStatuses];
  const { rows } = await on.query<{ considered: number; pruned: number }>(pruneSql, values);
  return rows[0] ?? { considered: 0, pruned: 0 };
}
