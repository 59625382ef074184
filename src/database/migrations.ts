import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { DatabaseOpenError } from './errors.ts';
import { type MigrationFile, migrationsDir, readMigrationFiles } from './migration-files.ts';

/** The advisory lock that Prisma's own tool also takes, so that both never migrate at the same time. */
const advisoryLockId = 72707369;

/**
 * The first line of a migration that must run outside a transaction, such as CREATE INDEX CONCURRENTLY. Such a file has
 * one statement.
 */
const noTransactionMark = '-- no-transaction';

/** Prisma's own table definition, so that `prisma migrate` can continue our history. */
const createHistory = `CREATE TABLE _prisma_migrations (
  id                  VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum            VARCHAR(64) NOT NULL,
  finished_at         TIMESTAMPTZ,
  migration_name      VARCHAR(255) NOT NULL,
  logs                TEXT,
  rolled_back_at      TIMESTAMPTZ,
  started_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count INTEGER NOT NULL DEFAULT 0
)`;

type HistoryRow = {
  readonly name: string;
  readonly checksum: string;
  readonly startedAt: Date;
  readonly finished: boolean;
};

/**
 * Applies pending migrations, oldest first, and returns their names. Safe to run from many processes at once: one
 * applies them, the others wait and find none. A migration and its history entry commit together, so a crash leaves no
 * half-applied migration.
 *
 * @param client a dedicated connection, because the lock belongs to the session.
 * @throws {DatabaseOpenError} when an applied migration was edited, is half-applied, or fails.
 */
export async function applyMigrations(client: pg.ClientBase, dir: string = migrationsDir): Promise<string[]> {
  await takeMigrationLock(client);
  try {
    if (!(await hasHistory(client))) await client.query(createHistory);
    const pending = await findPending(client, dir);
    for (const migration of pending) await applyMigration(client, migration);
    return pending.map(({ name }) => name);
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [advisoryLockId]).catch(ignoreLostConnection);
  }
}

async function takeMigrationLock(client: pg.ClientBase): Promise<void> {
  try {
    await client.query('SELECT pg_advisory_lock($1)', [advisoryLockId]);
  } catch (error) {
    throw new DatabaseOpenError('Another process is migrating the database and has not finished in time.', {
      cause: error,
    });
  }
}

/** On a lost connection the server has already rolled back and unlocked. The first error is the one to report. */
function ignoreLostConnection(): void {}

/**
 * Checks that no migration is pending, for a process that must not migrate.
 *
 * @throws {DatabaseOpenError} as applyMigrations does, and when a migration is pending.
 */
export async function requireMigrated(client: pg.ClientBase, dir: string = migrationsDir): Promise<void> {
  const pending = (await hasHistory(client)) ? await findPending(client, dir) : await readMigrationFiles(dir);
  if (pending.length === 0) return;
  throw new DatabaseOpenError(`The database lacks migrations: ${pending.map(({ name }) => name).join(', ')}.`);
}

async function hasHistory(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS found`,
  );
  return rows.some(({ found }) => found);
}

async function findPending(client: pg.ClientBase, dir: string): Promise<MigrationFile[]> {
  const files = await readMigrationFiles(dir);
  const history = await readHistory(client);
  refuseHalfApplied(history);
  refuseEdited(history, files);
  const applied = new Set(history.map(({ name }) => name));
  return files.filter(({ name }) => !applied.has(name));
}

async function readHistory(client: pg.ClientBase): Promise<HistoryRow[]> {
  const { rows } = await client.query<HistoryRow>(
    `SELECT migration_name AS name, checksum, started_at AS "startedAt", finished_at IS NOT NULL AS finished
     FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at, migration_name`,
  );
  return rows;
}

function refuseHalfApplied(history: readonly HistoryRow[]): void {
  const row = history.find(({ finished }) => !finished);
  if (row === undefined) return;
  throw new DatabaseOpenError(
    `Migration ${row.name} started at ${row.startedAt.toISOString()} and never finished. Undo its partial changes, set ` +
      'rolled_back_at in its row of _prisma_migrations, and start again.',
  );
}

/**
 * Refuses edited migrations. An applied migration without a file is accepted: a newer version made it and is being
 * rolled back.
 */
function refuseEdited(history: readonly HistoryRow[], files: readonly MigrationFile[]): void {
  const checksums = new Map(files.map(({ name, checksum }) => [name, checksum]));
  for (const { name, checksum } of history) {
    const now = checksums.get(name);
    if (now === undefined || now === checksum) continue;
    throw new DatabaseOpenError(
      `Migration ${name} was changed after it was applied. Put the file back as it was, and write a new migration for the change.`,
    );
  }
}

async function applyMigration(client: pg.ClientBase, migration: MigrationFile): Promise<void> {
  try {
    if (migration.sql.startsWith(noTransactionMark)) await applyWithoutTransaction(client, migration);
    else await applyInTransaction(client, migration);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DatabaseOpenError(`Migration ${migration.name} failed: ${reason}`, { cause: error });
  }
}

async function applyInTransaction(client: pg.ClientBase, { name, sql, checksum }: MigrationFile): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(sql);
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, now(), clock_timestamp(), 1)`,
      [randomUUID(), checksum, name],
    );
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(ignoreLostConnection);
    throw error;
  }
}

/**
 * A crash may occur between the statement and the history update. The entry that is written first reports it at the
 * next start.
 */
async function applyWithoutTransaction(client: pg.ClientBase, { name, sql, checksum }: MigrationFile): Promise<void> {
  const id = randomUUID();
  await client.query('INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)', [
    id,
    checksum,
    name,
  ]);
  await client.query(sql);
  await client.query('UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = 1 WHERE id = $1', [id]);
}
