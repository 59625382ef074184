import { Duplex } from 'node:stream';
import type pg from 'pg';
import { overloadIn } from './errors.ts';
import { RefusedBatchError } from './gatherer.ts';

/** A connection in an open transaction. Use no other connection inside: it would wait for this one. */
export type Tx = pg.PoolClient;

/** Begins a transaction. READ COMMITTED whatever the default of the server is. */
const beginSql = 'BEGIN ISOLATION LEVEL READ COMMITTED';

/**
 * Runs `work` in a READ COMMITTED transaction and resolves after the commit.
 *
 * @throws the errors of `work`, after a rollback; {OverloadedError} when too many callers wait for a connection, or it
 * breaks. After a break during the commit, the commit may have succeeded.
 */
export async function runTransaction<T>(pool: pg.Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  return withConnection(pool, async (tx) => {
    await tx.query(beginSql);
    const result = await work(tx);
    requireCommitted(await tx.query('COMMIT'));
    return result;
  });
}

/** A change that is decided from locked rows. */
export type LockedChange = {
  /** Statements without parameters that lock what is to be changed. */
  readonly lock: string;
  readonly load: pg.QueryConfig;
  /** Decides what is written, from the rows of the last statement of `lock` and those of `load`. Null writes nothing. */
  decide(locked: readonly unknown[], loaded: readonly unknown[]): pg.QueryConfig | null;
  /** Called when the write is sent. The commit waits for the promise that it returns, and for nothing if it returns none. */
  beforeCommit(): Promise<unknown> | undefined;
};

/**
 * Runs a READ COMMITTED transaction in two round trips: locking and loading are sent together, and so are the write and the commit. On a pool without
 * pipelining each statement waits for the one before.
 *
 * @returns the rows of the write, after the commit.
 * @throws {RefusedBatchError} when certainly nothing was written; its cause is the error of the server or of `decide`.
 * @throws {OverloadedError} when too many callers wait for a connection, or it breaks. After a break during the commit, the commit may have succeeded.
 */
export async function runLockedChange(pool: pg.Pool, change: LockedChange): Promise<readonly unknown[]> {
  return withConnection(pool, async (tx) => {
    const write = await decideLocked(tx, change);
    const { writing, pause, committing } = inOneWrite(tx, () => {
      const writing = write === null ? null : tx.query(write);
      // Its error is handled below, and until then the promise must not count as unhandled.
      writing?.catch(() => {});
      const pause = change.beforeCommit();
      return { writing, pause, committing: pause === undefined ? tx.query('COMMIT') : null };
    });
    if (pause !== undefined) {
      await Promise.allSettled([writing, pause]);
      await pause;
    }
    const [written, committed] = await Promise.allSettled([writing, committing ?? tx.query('COMMIT')]);
    // The answer to COMMIT alone says what has become of the write. An error of the write may come from a connection that broke after both.
    if (committed.status === 'rejected') throw committed.reason;
    if (written.status === 'rejected') {
      if (committed.value.command !== 'ROLLBACK') throw written.reason;
      throw new RefusedBatchError('A batch was refused.', { cause: written.reason });
    }
    requireCommitted(committed.value);
    return written.value?.rows ?? [];
  });
}

/** Nothing has been written yet. An error refuses the change, unless the connection is lost, with which no other change would fare better. */
async function decideLocked(tx: Tx, { lock, load, decide }: LockedChange): Promise<pg.QueryConfig | null> {
  try {
    const asked = inOneWrite(tx, () => [tx.query(`${beginSql}; ${lock}`), tx.query(load)] as const);
    const [locked, loaded] = await Promise.all(asked);
    return decide(lastRows(locked), loaded.rows);
  } catch (error) {
    if (overloadIn(error)?.keepsConnection === false) throw error;
    throw new RefusedBatchError('A batch was refused.', { cause: error });
  }
}

/** Hands the statements that `send` sends to the system in one write: each write costs more than what it writes. */
function inOneWrite<T>(tx: Tx, send: () => T): T {
  // The driver's types leave it out.
  const stream = (tx as { readonly connection?: { readonly stream: Duplex } }).connection?.stream;
  // That of the embedded database is no stream of Node.
  if (!(stream instanceof Duplex)) return send();
  stream.cork();
  try {
    return send();
  } finally {
    stream.uncork();
  }
}

async function withConnection<T>(pool: pg.Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  const tx = await pool.connect();
  let unusable: Error | undefined;
  try {
    return await work(tx);
  } catch (error) {
    unusable = await rollBack(tx);
    throw error;
  } finally {
    tx.release(unusable);
  }
}

/** For several statements the driver returns a result of each, which its types do not say. */
function lastRows(results: unknown): readonly unknown[] {
  const last: unknown = Array.isArray(results) ? results.at(-1) : results;
  return (last as pg.QueryResult).rows;
}

function requireCommitted({ command }: pg.QueryResult): void {
  // When the error of a failed statement was swallowed, COMMIT rolls back without an error.
  if (command !== 'COMMIT') throw new Error('The transaction was rolled back: one of its statements had failed.');
}

/** Returns the error of a failed rollback: the connection must not be reused. */
async function rollBack(tx: Tx): Promise<Error | undefined> {
  try {
    await tx.query('ROLLBACK');
    return undefined;
  } catch (error) {
    return new Error('The connection could not roll back.', { cause: error });
  }
}
