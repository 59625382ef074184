import type pg from 'pg';
import { readMigrationFiles } from './migration-files.ts';

/**
 * Returns a function that lists the migrations of this version that the database lacks, for example after an older
 * backup was restored under a running process. Each call runs one statement.
 *
 * @throws the errors of an unavailable database.
 */
export function createPendingCheck(pool: pg.Pool): () => Promise<readonly string[]> {
  let reading: Promise<readonly string[]> | null = null;
  return async () => {
    reading ??= readMigrationFiles().then((files) => files.map(({ name }) => name));
    const names = await reading;
    const { rows } = await pool.query<{ name: string }>(
      `SELECT name FROM unnest($1::text[]) AS needed(name) WHERE NOT EXISTS (
         SELECT FROM _prisma_migrations
         WHERE migration_name = name AND finished_at IS NOT NULL AND rolled_back_at IS NULL)
       ORDER BY name`,
      [names],
    );
    return rows.map(({ name }) => name);
  };
}
