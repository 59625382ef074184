import type pg from 'pg';

/** A connection in an open transaction. Use no other connection inside: it would wait for this one. */
export type Tx = pg.PoolClient;

/** Begins a transaction. READ COMMITTED whatever the default of the server is. */
const beginSql = 'BEGIN ISOLATION LEVEL READ COMMITTED';

/**
 * Runs `work` in a READ COMMITTED transaction and resolves after the commit.
 *
 * @param opening statements without parameters that are sent with BEGIN, in one round trip. `work` gets the rows of the last one.
 *
 * @throws the errors of `work`, after a rollback; {OverloadedError} when too many callers wait for a connection, or it
 * breaks. After a break during the commit, the commit may have succeeded.
 */
export async function runTransaction<T>(
  pool: pg.Pool,
  work: (tx: Tx, opened: readonly unknown[]) => Promise<T>,
  opening: string | null = null,
): Promise<T> {
  const tx = await pool.connect();
  let unusable: Error | undefined;
  try {
    const opened = await begin(tx, opening);
    const result = await work(tx, opened);
    await commit(tx);
    return result;
  } catch (error) {
    unusable = await rollBack(tx);
    throw error;
  } finally {
    tx.release(unusable);
  }
}

async function begin(tx: Tx, opening: string | null): Promise<readonly unknown[]> {
  if (opening === null) {
    await tx.query(beginSql);
    return [];
  }
  // For several statements the driver returns a result of each, which its types do not say.
  const results: unknown = await tx.query(`${beginSql}; ${opening}`);
  const last: unknown = Array.isArray(results) ? results.at(-1) : results;
  return (last as pg.QueryResult).rows;
}

async function commit(tx: Tx): Promise<void> {
  const { command } = await tx.query('COMMIT');
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
