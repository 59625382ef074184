import type pg from 'pg';
import type { Database, TransactionOptions, Tx } from '../../src/database/database.ts';
import type { LockedChange } from '../../src/database/transaction.ts';
import { forever, type Life } from './life.ts';

/** Injected failures of a node's statements. */
export type Spoiling = {
  /** Called for every statement and before every answer to a commit; true makes it fail. */
  readonly spoilsStatement: () => boolean;
  readonly spoilsCommit: () => boolean;
};

// Like a serialization failure or a deadlock: the server reports it, and the transaction has ended.
const failingSql = `do $$ begin raise exception 'injected by the schedule' using errcode = '40001'; end $$`;

/** The connection was lost right after COMMIT was sent: the transaction is committed, but the client sees an error. */
export class UnheardCommitError extends Error {
  constructor() {
    super('Injected by the schedule: the connection broke before the commit was confirmed.');
  }
}

/**
 * A node's view of the database. When the node dies, its open transactions are rolled back, its later statements are never sent, and it
 * gets no more results.
 */
export function mortalDatabase(database: Database, life: Life, spoiling: Spoiling): Database {
  return {
    ...database,
    pool: mortalPool(database.pool, life, spoiling),
    writes: mortalPool(database.writes, life, spoiling),
    transaction: (work, options) => life.within(transact(database, life, spoiling, work, options)),
    changeLocked: (change) => life.within(changeLocked(database, life, spoiling, change)),
  };
}

async function transact<T>(
  database: Database,
  life: Life,
  spoiling: Spoiling,
  work: (tx: Tx) => Promise<T>,
  options: TransactionOptions | undefined,
): Promise<T> {
  if (life.isOver) return forever();
  const result = await database.transaction(async (tx) => {
    if (life.isOver) throw new Error('The node died before its transaction began.');
    return Promise.race([work(mortalTx(tx, life, spoiling)), life.ended]);
  }, options);
  if (spoiling.spoilsCommit()) throw new UnheardCommitError();
  return result;
}

/** The node can die before it decides, and after its write was sent and before the commit is. */
async function changeLocked(
  database: Database,
  life: Life,
  spoiling: Spoiling,
  change: LockedChange,
): Promise<readonly unknown[]> {
  if (life.isOver) return forever();
  const failing = { text: failingSql };
  const rows = await database.changeLocked({
    lock: spoiling.spoilsStatement() ? failingSql : change.lock,
    load: spoiling.spoilsStatement() ? failing : change.load,
    decide(locked, loaded) {
      if (life.isOver) throw new Error('The node died before it decided.');
      const write = change.decide(locked, loaded);
      return write !== null && spoiling.spoilsStatement() ? failing : write;
    },
    beforeCommit() {
      const passing = change.beforeCommit();
      return passing === undefined ? undefined : Promise.race([passing, life.ended]);
    },
  });
  if (spoiling.spoilsCommit()) throw new UnheardCommitError();
  return rows;
}

/** The client returns to the pool when the node dies; later statements of the node must not reach its next user. */
function mortalTx(tx: Tx, life: Life, spoiling: Spoiling): Tx {
  const query = async (...statement: unknown[]): Promise<unknown> => {
    if (life.isOver) return forever();
    return life.within(send(tx, spoiling.spoilsStatement() ? [failingSql] : statement));
  };
  return { query } as unknown as Tx; // the only method that code inside a transaction may use
}

function mortalPool(pool: Database['pool'], life: Life, spoiling: Spoiling): Database['pool'] {
  const query = async (...statement: unknown[]): Promise<unknown> => {
    if (life.isOver) return forever();
    const sent = async (): Promise<unknown> => {
      const client = await pool.connect();
      try {
        if (life.isOver) return null; // it was still waiting for a connection; the answer is discarded
        return await send(client, spoiling.spoilsStatement() ? [failingSql] : statement);
      } finally {
        client.release();
      }
    };
    return life.within(sent());
  };
  return { query } as unknown as Database['pool'];
}

function send(client: pg.PoolClient, statement: readonly unknown[]): Promise<unknown> {
  const query = client.query.bind(client) as unknown as (...statement: readonly unknown[]) => Promise<unknown>;
  return query(...statement);
}
