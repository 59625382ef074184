import { GraphQLClient } from 'graphql-request';
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

/** Waits until another transaction of this database has written something, and so has its place in the log. */
export async function untilWriting(pool: Database['pool']): Promise<void> {
  for (;;) {
    const { rowCount } = await pool.query(
      'select from pg_stat_activity where datname = current_database() and backend_xid is not null and pid <> pg_backend_pid()',
    );
    if (rowCount !== 0) return;
  }
}

/** Sends what endpoints are due, including events that were written just now. */
export async function sendWebhooks({ app }: { readonly app: App }): Promise<void> {
  await untilSettled(app.database.pool);
  await app.rounds.sendWebhooks();
}

const readsLog = /\b(events|asOf)\b/;

/** A client of a node whose queries of the log find everything that was committed before them. */
export function settledClient(url: string, token: string, pool: Database['pool']): GraphQLClient {
  return new GraphQLClient(`${url}/graphql`, {
    headers: { authorization: `Bearer ${token}` },
    async requestMiddleware(request) {
      if (readsLog.test(String(request.body))) await untilSettled(pool);
      return request;
    },
  });
}
