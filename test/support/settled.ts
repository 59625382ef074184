import type { App } from '../../src/app.ts';
import type { Database } from '../../src/database/database.ts';

/**
 * Resolves when no transaction is open that began before this call. Until then the log may hold back events that are committed. On
 * PostgreSQL a transaction of any database of the cluster counts, and so those of tests that run beside this one.
 */
export async function untilSettled(pool: Database['pool']): Promise<void> {
  const { rows } = await pool.query<{ xmax: string }>('select pg_snapshot_xmax(pg_current_snapshot())::text as xmax');
  const xmax = rows[0]?.xmax;
  for (;;) {
    const { rowCount } = await pool.query(
      'select where pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= $1::bigint',
      [xmax],
    );
    if (rowCount === 1) return;
  }
}

/** Sends what endpoints are due, including events that were written just now. */
export async function sendWebhooks({ app }: { readonly app: App }): Promise<void> {
  await untilSettled(app.database.pool);
  await app.rounds.sendWebhooks();
}
