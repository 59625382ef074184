import type pg from 'pg';
import type { Database, Tx } from '../../src/database/database.ts';
import { forever, type Life } from './life.ts';

/** What goes wrong with a node's statements, when its turn has come. */
export type Spoiling = {
  /** Called at every statement and before every commit's answer; true: this one goes wrong. */
  readonly spoilsStatement: () => boolean;
  readonly spoilsCommit: () => boolean;
};

// As a serialization failure or a deadlock would end it: the server says so, and the transaction is over.
const failingSql = `do $$ begin raise exception 'injected by the schedule' using errcode = '40001'; end $$`;

/** Somebody lost the connection right after COMMIT was sent: it is done, and looks as if it were not. */
export class UnheardCommitError extends Error {
  constructor() {
    super('Injected by the schedule: the connection broke before the commit was confirmed.');
  }
}

/**
 * The database as one node has it. When the node dies, its open transactions are rolled back, what it has not sent is never sent, and no
 * answer reaches it.
 */
export function mortalDatabase(database: Database, life: Life, spoiling: Spoiling): Database {
  return {
    ...database,
    pool: mortalPool(database.pool, life, spoiling),
    transaction: (work, turn) => life.within(transact(database, life, spoiling, work, turn)),
  };
}

async function transact<T>(
  database: Database,
  life: Life,
  spoiling: Spoiling,
  work: (tx: Tx) => Promise<T>,
  turn: string | undefined,
): Promise<T> {
  if (life.isOver) return forever();
  const result = await database.transaction(async (tx) => {
    if (life.isOver) throw new Error('The node died before its transaction began.');
    return Promise.race([work(mortalTx(tx, life, spoiling)), life.ended]);
  }, turn);
  if (spoiling.spoilsCommit()) throw new UnheardCommitError();
  return result;
}

/** The client is given back when the node dies; what the node's code still sends must not reach whoever has it next. */
function mortalTx(tx: Tx, life: Life, spoiling: Spoiling): Tx {
  const query = async (...statement: unknown[]): Promise<unknown> => {
    if (life.isOver) return forever();
    return life.within(send(tx, spoiling.spoilsStatement() ? [failingSql] : statement));
  };
  return { query } as unknown as Tx; // all that work inside a transaction may use
}

function mortalPool(pool: Database['pool'], life: Life, spoiling: Spoiling): Database['pool'] {
  const query = async (...statement: unknown[]): Promise<unknown> => {
    if (life.isOver) return forever();
    const sent = async (): Promise<unknown> => {
      const client = await pool.connect();
      try {
        if (life.isOver) return null; // it was still waiting for a connection: nobody hears this answer
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
