import type pg from 'pg';

/**
 * The planner's settings for statements that find a few rows by their keys. Planning such a statement takes longer than executing it, so its
 * plan is kept (`force_generic_plan`), whatever the parameters are, until `renewPlans` drops it. It must be right for tables that grow:
 *
 * - A plan that is made while a table is empty would read the whole table (`enable_seqscan`).
 * - The planner guesses the number of elements of an array or a JSON document, and would read whole tables to hash them (`enable_hashjoin`,
 *   `enable_mergejoin`).
 * - A table without a usable index costs a penalty that looks like a long query, which the server would compile (`jit`).
 */
const byKeySettings = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  jit: 'off',
} as const;

/** Sets a session up for statements by key. */
export const planByKeySql = `SELECT ${Object.entries(byKeySettings).map(([name, value]) => `set_config('${name}', '${value}', false)`)}`;

/** Sets the open transaction up for statements by key, in a session that has other statements as well. */
export const planTransactionByKeySql = Object.entries(byKeySettings)
  .map(([name, value]) => `SET LOCAL ${name} = ${value}`)
  .join('; ');

/** Plans that are older are made again when their connection is used, in milliseconds. */
export const planAgeMsMax = 2000;
export const discardPlansSql = 'DISCARD PLANS';

/**
 * Makes the connections of a pool forget old plans. While a table is small, all its indexes seem to cost the same, and the plan may use one that reads
 * every row of a merchant; PostgreSQL makes a new plan only after it has analyzed the table. The pool must be pipelined, because the statement is sent
 * before that of the caller.
 */
export function renewPlans(pool: pg.Pool, ageMsMax: number = planAgeMsMax): void {
  const plannedAtMs = new WeakMap<pg.PoolClient, number>();
  pool.on('acquire', (client) => {
    const [nowMs, atMs] = [performance.now(), plannedAtMs.get(client)];
    if (atMs !== undefined && nowMs - atMs <= ageMsMax) return;
    plannedAtMs.set(client, nowMs);
    // An error means that the connection is broken, which its caller learns as well.
    if (atMs !== undefined) client.query(discardPlansSql).catch(() => {});
  });
}
