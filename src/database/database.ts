import { join } from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';
import { PrismaClient } from '../../prisma/generated/client/client.ts';
import { lockDataDir } from './data-dir-lock.ts';
import { openEmbedded } from './embedded.ts';
import { createKeyedQueue } from './keyed-queue.ts';
import { claimLog } from './log-state.ts';
import { applyMigrations, requireMigrated } from './migrations.ts';
import { planTransactionByKeySql } from './planning.ts';
import { RowTypes } from './row-types.ts';
import { connectionsMax, openServerPool, requireUsableServer, withMigrationClient } from './server.ts';
import { type LockedChange, runLockedChange, runTransaction, type Tx } from './transaction.ts';

export { DatabaseOpenError, OverloadedError, overloadIn } from './errors.ts';
export { type LogState, readLogState } from './log-state.ts';
export type { Tx } from './transaction.ts';

export type UpkeepStep = 'CHECKPOINT' | 'VACUUM ANALYZE';

export type Database = {
  readonly kind: 'pglite' | 'postgresql';
  /** For our own SQL. int8 is read as bigint, timestamptz as Date, and jsonb as its parsed value. */
  readonly pool: pg.Pool;
  /** For the reads of subscriptions, which find events by their position. On PostgreSQL it has connections of its own. */
  readonly follows: pg.Pool;
  /**
   * For `transaction`, and for single statements of commands, which must not wait behind many queries. All of them find their rows by keys:
   * see planning.ts. On PostgreSQL it has connections of its own; on PGlite it is the same pool.
   */
  readonly writes: pg.Pool;
  /**
   * For reads, on `pool`. Must not be used inside `transaction`: on PGlite it would wait for the transaction's own
   * connection.
   */
  readonly prisma: PrismaClient;
  /**
   * Runs `work` in a READ COMMITTED transaction and resolves after the commit. Transactions with the same `turn` take a
   * connection one after the other, in order of arrival. Use it for transactions that would only wait for each other in
   * the database.
   *
   * @throws the errors of `work`, after a rollback; {OverloadedError} when too many callers wait or the connection
   * breaks. After a break during the commit, the commit may have succeeded.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Runs a transaction that locks, loads, decides and writes, in two round trips. See `runLockedChange`. */
  changeLocked(change: LockedChange): Promise<readonly unknown[]>;
  /**
   * Runs one round of the maintenance that PGlite does not do by itself. PostgreSQL needs none. Returns the executed
   * steps.
   */
  maintain(): Promise<readonly UpkeepStep[]>;
  /** Waits for running work and closes everything, so that the process can end. May be called twice. */
  close(): Promise<void>;
};

export type TransactionOptions = { readonly turn?: string };

export type OpenDatabase = {
  /** The URL of a PostgreSQL server; null for the embedded database in `dataDir`. */
  readonly databaseUrl: string | null;
  readonly dataDir: string;
  /** False: refuse a database with pending migrations instead of applying them. */
  readonly migrate?: boolean;
};

/**
 * Opens the database, migrates it, and claims its log for this cluster.
 *
 * @throws {DatabaseOpenError} with a sentence for the operator. Everything is closed again.
 */
export async function openDatabase({ databaseUrl, dataDir, migrate = true }: OpenDatabase): Promise<Database> {
  return databaseUrl === null ? openPglite(dataDir, migrate) : openPostgresql(databaseUrl, migrate);
}

async function openPglite(dataDir: string, migrate: boolean): Promise<Database> {
  const lock = lockDataDir(dataDir);
  const closing: Closing = [async () => lock.release()];
  return orClose(closing, async () => {
    const types = new RowTypes();
    const { lite, pool, systemIdentifier } = await openEmbedded(join(dataDir, 'pglite'), types);
    closing.push(() => lite.close());
    closing.push(() => pool.end());
    await withPoolClient(pool, (client) => bringUpToDate(client, migrate));
    await claimLog(pool, systemIdentifier);
    await types.loadEnumArrays(pool);
    return assemble('pglite', { pool, follows: pool, writes: pool }, closing);
  });
}

async function openPostgresql(databaseUrl: string, migrate: boolean): Promise<Database> {
  const types = new RowTypes();
  const pool = openServerPool(databaseUrl, types, { max: connectionsMax.queries, isByKey: false });
  const follows = openServerPool(databaseUrl, types, { max: connectionsMax.follows, isByKey: true });
  const writes = openServerPool(databaseUrl, types, { max: connectionsMax.writes, isByKey: true });
  const closing: Closing = [() => pool.end(), () => follows.end(), () => writes.end()];
  return orClose(closing, async () => {
    const systemIdentifier = await requireUsableServer(pool, databaseUrl);
    await withMigrationClient(databaseUrl, (client) => bringUpToDate(client, migrate));
    await claimLog(pool, systemIdentifier);
    await types.loadEnumArrays(pool);
    return assemble('postgresql', { pool, follows, writes }, closing);
  });
}

async function bringUpToDate(client: pg.ClientBase, migrate: boolean): Promise<void> {
  if (migrate) await applyMigrations(client);
  else await requireMigrated(client);
}

/** The steps that close the database, in reverse order. */
type Closing = (() => Promise<void>)[];

async function orClose<T>(closing: Closing, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    await closeAll(closing);
    throw error;
  }
}

/** Runs every step, also after an error. Throws the first error at the end. */
async function closeAll(closing: Closing): Promise<void> {
  const errors: unknown[] = [];
  for (const close of closing.splice(0).reverse()) await close().catch((error: unknown) => errors.push(error));
  if (errors.length > 0) throw errors[0];
}

async function withPoolClient<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    return await work(client);
  } finally {
    client.release();
  }
}

function assemble(
  kind: Database['kind'],
  { pool, follows, writes }: Pick<Database, 'pool' | 'follows' | 'writes'>,
  closing: Closing,
): Database {
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  closing.push(() => prisma.$disconnect());
  const queue = createKeyedQueue();
  // The connections for writes are planned by key already. PGlite's one session also has queries of any shape.
  const planning = kind === 'pglite' ? `${planTransactionByKeySql}; ` : '';
  let closed: Promise<void> | undefined;
  return {
    kind,
    pool,
    follows,
    writes,
    prisma,
    transaction(work, { turn } = {}) {
      const run = () => runTransaction(writes, work);
      return turn === undefined ? run() : queue.run(turn, run);
    },
    changeLocked: (change) => runLockedChange(writes, { ...change, lock: `${planning}${change.lock}` }),
    maintain: () => (kind === 'pglite' ? upkeep(pool) : Promise.resolve([])),
    close: () => {
      closed ??= closeAll(closing);
      return closed;
    },
  };
}

async function upkeep(pool: pg.Pool): Promise<readonly UpkeepStep[]> {
  const steps: readonly UpkeepStep[] = ['CHECKPOINT', 'VACUUM ANALYZE'];
  for (const step of steps) await pool.query(step); // separately: neither may run inside a transaction
  return steps;
}
