import type pg from 'pg';

/** A connection in an open transaction. Use no other connection inside: it would wait for this one. */
export type Tx = pg.PoolClient;

/**
 * Runs `work` in a READ COMMITTED transaction and resolves after the commit.
 *
 * @throws the errors of `work`, after a rollback; {OverloadedError} when too many callers wait for a connection, or it
 * breaks. After a break during the commit, the commit may have succeeded.
 */
export async function runTransaction<T>(pool: pg.Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  const tx = await pool.connect();
  let unusable: Error | undefined;
  try {
    await tx.query('BEGIN ISOLATION LEVEL READ COMMITTED');
    const result = await work(tx);
    await commit(tx);
    return result;
  } catch (error) {
    unusable = await rollBack(tx);
    throw error;
  } finally {
    tx.release(unusable);
  }
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
