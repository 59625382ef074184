import type { Database } from '../database/database.ts';
import { after } from '../domain/clock.ts';
import { leaseMs } from '../domain/lease.ts';

const claimSql = `
  update orders set due_at = $2
  where id in (select id from orders where due_at <= $1 order by due_at limit $3 for update skip locked)
  returning id`;

/**
 * Claims overdue orders, at most `limit`, and returns their ids. A claimed order becomes due again when the lease ends, in
 * case the caller fails or its process dies. Orders that another node is claiming are skipped.
 */
export async function claimDueOrders(on: Database['pool'], now: Date, limit: number): Promise<string[]> {
  const { rows } = await on.query<{ id: string }>(claimSql, [now, after(now, leaseMs), limit]);
  return rows.map(({ id }) => id);
}
