import { randomUUID } from 'node:crypto';
import pg, { type CustomTypesConfig } from 'pg';
import { localSocketDir, parseAddress } from './address.ts';
import { BoundedPool, connectTimeoutMs } from './bounded-pool.ts';
import { DatabaseOpenError, OverloadedError } from './errors.ts';
import { planByKeySql, renewPlans } from './planning.ts';

/**
 * The connections of the process: for queries of any shape; for the reads of subscriptions; and for commands and callbacks, which neither of
 * them must keep waiting.
 */
export const connectionsMax = { queries: 6, follows: 4, writes: 8 } as const;
export const connectionsSum = Object.values(connectionsMax).reduce((sum, max) => sum + max, 0);
export const serverVersionMin = 15;

/** The server cancels a longer statement: SQLSTATE 57014. */
export const statementTimeoutMs = 15_000;
/** A statement that waits longer for a lock fails: SQLSTATE 55P03. */
export const lockTimeoutMs = 10_000;
/** The server ends a transaction that is idle for longer, together with its connection. */
export const idleInTransactionTimeoutMs = 30_000;
/** How long a process waits for another one that migrates, and a migration for the tables that it changes. */
export const migrationLockTimeoutMs = 60_000;

/**
 * A statement without any answer after this time has lost its connection, because the server cancels statements earlier: this one, and one that was
 * sent before it on the same connection.
 */
const answerTimeoutMs = 2 * statementTimeoutMs + 5000;

type Timeouts = { readonly statementMs: number; readonly lockMs: number; readonly idleInTransactionMs: number };

/**
 * Opens a pool on a PostgreSQL server. Makes no connection yet: see requireUsableServer.
 *
 * @param isByKey true for a pool whose statements find their rows by keys. They are sent without waiting for the answer to the one before.
 */
export function openServerPool(
  databaseUrl: string,
  types: CustomTypesConfig,
  { max, isByKey }: { readonly max: number; readonly isByKey: boolean },
): BoundedPool {
  const timeouts = {
    statementMs: statementTimeoutMs,
    lockMs: lockTimeoutMs,
    idleInTransactionMs: idleInTransactionTimeoutMs,
  };
  const onConnect = async (client: pg.ClientBase) => {
    await setUpSession(client, timeouts);
    if (isByKey) await client.query(planByKeySql);
  };
  const config = { ...configOf(databaseUrl), query_timeout: answerTimeoutMs, pipeline: isByKey, onConnect };
  const pool = new BoundedPool({ ...config, types, max });
  if (isByKey) renewPlans(pool);
  return pool;
}

/** Runs `work` on a dedicated connection without a statement time-out, for migrations. */
export async function withMigrationClient<T>(
  databaseUrl: string,
  work: (client: pg.ClientBase) => Promise<T>,
): Promise<T> {
  const timeouts = { statementMs: 0, lockMs: migrationLockTimeoutMs, idleInTransactionMs: 0 };
  const client = new pg.Client({ ...configOf(databaseUrl), connectionTimeoutMillis: connectTimeoutMs });
  client.on('error', () => {}); // the running query also fails; without a listener the process would end
  await client.connect();
  try {
    await setUpSession(client, timeouts);
    return await work(client);
  } finally {
    await client.end();
  }
}

/**
 * Sets up a session. Prisma's adapter sends and reads times without an offset, so a session in another time zone would
 * store wrong times. The settings are a statement and not start-up options, because connection poolers reject or drop
 * those. To compile a statement (`jit`) takes a tenth of a second, and the planner, which expects the worst of a list, would do it for pages that take
 * a millisecond.
 */
async function setUpSession(
  client: pg.ClientBase,
  { statementMs, lockMs, idleInTransactionMs }: Timeouts,
): Promise<void> {
  const text = `
    SELECT set_config('TimeZone', 'UTC', false), set_config('jit', 'off', false), set_config('statement_timeout', $1, false),
      set_config('lock_timeout', $2, false), set_config('idle_in_transaction_session_timeout', $3, false)`;
  const values = [statementMs, lockMs, idleInTransactionMs].map(String);
  // A pooler may accept the connection before it has a server for it.
  await client.query({ text, values, query_timeout: connectTimeoutMs } as pg.QueryConfig);
}

function configOf(databaseUrl: string): pg.ClientConfig {
  const address = parseAddress(databaseUrl);
  const config = { ...address, fallback_application_name: 'paystream', keepAlive: true };
  const { host, port } = new pg.Client(config);
  if (address.host !== undefined || host !== pg.defaults.host) return config;
  const socketDir = localSocketDir(port);
  return socketDir === undefined ? config : { ...config, host: socketDir, ssl: false };
}

/**
 * Checks the server and the connection to it.
 *
 * @returns the identifier of the cluster, the same on every replica and after every restart.
 * @throws {DatabaseOpenError} when the server cannot be reached, is too old, or does not keep our time zone.
 */
export async function requireUsableServer(pool: pg.Pool, databaseUrl: string): Promise<string> {
  try {
    return await checkServer(pool);
  } catch (error) {
    if (error instanceof DatabaseOpenError) throw error;
    throw new DatabaseOpenError(`Cannot use the PostgreSQL database at ${nameOf(databaseUrl)}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

type ServerFacts = {
  readonly version: number;
  readonly timeZone: string;
  readonly systemIdentifier: string;
  readonly pid: number;
};

async function checkServer(pool: pg.Pool): Promise<string> {
  const client = await pool.connect();
  try {
    const { rows } = await client.query<ServerFacts>(
      `SELECT current_setting('server_version_num')::int AS version, current_setting('TimeZone') AS "timeZone",
         system_identifier::text AS "systemIdentifier", pg_backend_pid() AS pid
       FROM pg_control_system()`,
    );
    const [facts] = rows;
    if (facts === undefined) throw new Error('The server did not answer.');
    const { version, timeZone, systemIdentifier, pid } = facts;
    if (version < serverVersionMin * 10_000) {
      throw new DatabaseOpenError(
        `PostgreSQL ${Math.floor(version / 10_000)} is too old: version ${serverVersionMin} or later is needed.`,
      );
    }
    // A pooler reports another process id than the server does.
    const isPooled = 'processID' in client && client.processID !== pid;
    if (timeZone !== 'UTC' || (isPooled && !(await keepsSessions(pool, client)))) {
      throw new DatabaseOpenError(
        'The connection pooler before the database does not keep a session for each connection, on which the time zone, time limits and ' +
          'migrations depend. Let it pool sessions (PgBouncer: pool_mode = session), or connect to the server itself: each process ' +
          `pools its own ${connectionsSum} connections.`,
      );
    }
    return systemIdentifier;
  } finally {
    client.release();
  }
}

/** The number of probes. Transactions of other processes may hide that two connections share a session. */
const probesMax = 3;

/** True when a setting stays with its connection and is not visible on another one. */
async function keepsSessions(pool: pg.Pool, first: pg.PoolClient): Promise<boolean> {
  const second = await pool.connect();
  try {
    for (let probe = 1; probe <= probesMax; probe += 1) {
      const mark = randomUUID();
      await first.query(`SELECT set_config('paystream.session', $1, false)`, [mark]);
      await second.query('BEGIN');
      const seen = [await markOf(second), await markOf(first)];
      await second.query('ROLLBACK');
      if (seen[0] === mark || seen[1] !== mark) return false;
    }
    return true;
  } finally {
    second.release();
  }
}

async function markOf(client: pg.ClientBase): Promise<string | null> {
  const { rows } = await client.query<{ mark: string | null }>(
    `SELECT current_setting('paystream.session', true) AS mark`,
  );
  return rows[0]?.mark ?? null;
}

/** The address without secrets, completed from the environment. */
function nameOf(databaseUrl: string): string {
  const { user, host, port, database } = new pg.Client(configOf(databaseUrl));
  return `${user ? `${user}@` : ''}${host}:${port}/${database ?? ''}`;
}

function reasonOf(error: unknown): string {
  // A host with several addresses has one error for each, under an error without a message.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  if (error instanceof OverloadedError) return error.reason ?? error.message;
  return error instanceof Error ? error.message : String(error);
}
