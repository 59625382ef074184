import { cpSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { type Database, openDatabase, readLogState } from '../../src/database/database.ts';
import { claimLog } from '../../src/database/log-state.ts';
import { createDatabase, randomName, urlOf } from './server-databases.ts';

/** Databases of this process that are closed for their file, and emptied for the next one. */
const emptied: Database[] = [];

/**
 * A migrated, empty database, on the kind that the run is for. Nobody else uses it until it is closed; then it is emptied and kept open
 * for the next caller, for opening one costs a second of CPU. Whoever adds more
 * than rows removes it.
 */
export async function openTestDatabase(): Promise<Database> {
  const database = emptied.pop() ?? (await openNewDatabase());
  let isClosed = false;
  return {
    ...database,
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      await emptyDatabase(database);
      emptied.push(database);
    },
  };
}

/**
 * As `openTestDatabase`, without a trace of other files: their deleted rows are read by some plans, and their statistics choose others. Used for
 * tests of plans, whose own statistics no other file gets.
 */
export async function openNewDatabase(): Promise<Database> {
  return openDatabase({ databaseUrl: await createTestDatabaseUrl(), dataDir: makeTestDataDir() });
}

const emptyingTriesMax = 5;

/** Leaves it as it was when it was new: without rows, counting from one, with a log that has another name. */
async function emptyDatabase({ pool, kind }: Database): Promise<void> {
  const { systemIdentifier } = await readLogState(pool);
  const { rows } = await pool.query<{ name: string }>(
    `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_prisma_migrations'`,
  );
  const tables = rows.map(({ name }) => name);
  const sql = kind === 'pglite' ? deleteSql(tables) : truncateSql(tables);
  for (let tries = 1; ; tries += 1) {
    try {
      await pool.query(sql);
      break;
    } catch (error) {
      // A statement that its caller has left may still be under way: one of the two gives way.
      if (tries === emptyingTriesMax || !String(error).includes('deadlock detected')) throw error;
    }
  }
  await claimLog(pool, systemIdentifier);
}

const truncateSql = (tables: readonly string[]) => `
  ALTER TABLE events DISABLE TRIGGER events_append_only;
  TRUNCATE ${tables.join(', ')} RESTART IDENTITY;
  ALTER TABLE events ENABLE TRIGGER events_append_only`;

/** Does the same for a few rows. To truncate, PGlite needs a tenth of a second of CPU for its files. */
const deleteSql = (tables: readonly string[]) => `
  SET session_replication_role = replica;
  ${tables.map((table) => `DELETE FROM ${table};`).join(' ')}
  SET session_replication_role = origin;
  SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace`;

/**
 * A data directory for a server that a test starts as a process of its own: with development keys and a migrated PGlite inside, or with
 * the keys alone when the run is on PostgreSQL. Removed when the run ends.
 */
export function makeTestDataDir(): string {
  const { dir, templateDataDir } = inject('testRun');
  const dataDir = mkdtempSync(join(dir, 'data-'));
  cpSync(templateDataDir, dataDir, { recursive: true });
  return dataDir;
}

/** A DATABASE_URL for the same; null when the run is on PGlite. The database is dropped when the run ends. */
export async function createTestDatabaseUrl(): Promise<string | null> {
  const { server } = inject('testRun');
  if (server === null) return null;
  const name = randomName(server.namePrefix);
  await createDatabase(server.adminUrl, name, server.templateName);
  return urlOf(server, name);
}
