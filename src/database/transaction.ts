import type pg from 'pg';

/** A connection inside an open transaction. Use nothing else within: a second connection would wait for this one. */
export type Tx = pg.PoolClient;

/**
 * Runs `work` in one READ COMMITTED transaction and resolves once it is committed.
 *
 * @throws what `work` throws, after rolling back; {OverloadedError} when too many wait for a connection, or it breaks. Where it broke at
 * the commit, that may have happened.
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
  // After a failed statement whose error was swallowed, COMMIT rolls back and reports no error.
  if (command !== 'COMMIT') throw new Error('The transaction was rolled back: one of its statements had failed.');
}

/** Answers with the error when not even that went through: the connection must not be used again. */
async function rollBack(tx: Tx): Promise<Error | undefined> {
  try {
    await tx.query('ROLLBACK');
    return undefined;
  } catch (error) {
    return new Error('The connection could not roll back.', { cause: error });
  }
}
