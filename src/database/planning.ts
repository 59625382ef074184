/**
 * The planner's settings for statements that find a few rows by their keys. Planning such a statement takes longer than executing it, so its
 * plan is made once for each session (`force_generic_plan`), whatever the parameters are. It must be right for tables that grow:
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
