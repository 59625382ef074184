import pg, { type CustomTypesConfig } from 'pg';
import { BoundedPool, connectTimeoutMs } from './bounded-pool.ts';
import { DatabaseOpenError } from './errors.ts';

export const connectionsMax = 16;
export const serverVersionMin = 15;

/** A statement that takes longer is canceled by the server: SQLSTATE 57014. */
export const statementTimeoutMs = 15_000;
/** A statement that waits longer for a row or a table fails: SQLSTATE 55P03. */
export const lockTimeoutMs = 10_000;
/** A transaction in which nothing happens for so long is ended, and its connection with it. */
export const idleInTransactionTimeoutMs = 30_000;
/** How long a process waits for another one that migrates, and a migration for the tables that it changes. */
export const migrationLockTimeoutMs = 60_000;

type Timeouts = { readonly statementMs: number; readonly lockMs: number; readonly idleInTransactionMs: number };

/** Opens a pool on a PostgreSQL server. Nothing is asked of the server yet: see requireUsableServer. */
export function openServerPool(databaseUrl: string, types: CustomTypesConfig): BoundedPool {
  const timeouts = {
    statementMs: statementTimeoutMs,
    lockMs: lockTimeoutMs,
    idleInTransactionMs: idleInTransactionTimeoutMs,
  };
  return new BoundedPool({ ...configOf(databaseUrl, timeouts), types, max: connectionsMax });
}

/** Runs `work` on a connection of its own, on which statements may take as long as they need: for migrations. */
export async function withMigrationClient<T>(
  databaseUrl: string,
  work: (client: pg.ClientBase) => Promise<T>,
): Promise<T> {
  const timeouts = { statementMs: 0, lockMs: migrationLockTimeoutMs, idleInTransactionMs: 0 };
  const client = new pg.Client({ ...configOf(databaseUrl, timeouts), connectionTimeoutMillis: connectTimeoutMs });
  client.on('error', () => {}); // the running query fails with it; without a listener the process would end
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/**
 * The time zone goes with every connection: Prisma's adapter sends and reads instants without an offset, and on a session in another
 * zone it would store wrong ones. Options of the URL stay, but cannot undo ours.
 */
function configOf(databaseUrl: string, timeouts: Timeouts): pg.ClientConfig {
  const url = parseUrl(databaseUrl);
  const options = [
    url.searchParams.get('options') ?? '',
    '-c timezone=UTC',
    `-c statement_timeout=${timeouts.statementMs}`,
    `-c lock_timeout=${timeouts.lockMs}`,
    `-c idle_in_transaction_session_timeout=${timeouts.idleInTransactionMs}`,
  ];
  url.searchParams.delete('options'); // the driver lets the URL win over the rest
  return {
    connectionString: url.href,
    options: options.join(' ').trim(),
    fallback_application_name: 'paystream',
    keepAlive: true,
  };
}

function parseUrl(databaseUrl: string): URL {
  // Not the URL's own error as the cause: it quotes its input, password and all.
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : null;
  if (url !== null && ['postgres:', 'postgresql:'].includes(url.protocol)) return url;
  throw new DatabaseOpenError(
    'DATABASE_URL is not a PostgreSQL URL, such as postgresql://user:password@host:5432/database.',
  );
}

/**
 * Asks the server who it is.
 *
 * @returns the identifier of its cluster, the same on every replica and after every restart.
 * @throws {DatabaseOpenError} when it cannot be reached, is too old, or does not keep our time zone.
 */
export async function requireUsableServer(pool: pg.Pool, databaseUrl: string): Promise<string> {
  const { version, timeZone, systemIdentifier } = await askServer(pool, databaseUrl);
  if (version < serverVersionMin * 10_000) {
    throw new DatabaseOpenError(
      `PostgreSQL ${Math.floor(version / 10_000)} is too old: version ${serverVersionMin} or later is needed.`,
    );
  }
  if (timeZone !== 'UTC') {
    throw new DatabaseOpenError(
      `The database's sessions are in the time zone ${timeZone}, though UTC was asked for. A connection pooler in between must pass ` +
        'startup options on.',
    );
  }
  return systemIdentifier;
}

type ServerFacts = { readonly version: number; readonly timeZone: string; readonly systemIdentifier: string };

async function askServer(pool: pg.Pool, databaseUrl: string): Promise<ServerFacts> {
  try {
    const { rows } = await pool.query<ServerFacts>(
      `SELECT current_setting('server_version_num')::int AS version, current_setting('TimeZone') AS "timeZone",
         system_identifier::text AS "systemIdentifier"
       FROM pg_control_system()`,
    );
    const [facts] = rows;
    if (facts === undefined) throw new Error('The server did not answer.');
    return facts;
  } catch (error) {
    throw new DatabaseOpenError(`Cannot use the PostgreSQL database at ${nameOf(databaseUrl)}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/** The URL as far as it may be shown. */
function nameOf(databaseUrl: string): string {
  const { username, hostname, port, pathname, searchParams } = parseUrl(databaseUrl);
  const host = searchParams.get('host') ?? (hostname || 'localhost');
  return `${username === '' ? '' : `${username}@`}${host}:${port || '5432'}${pathname}`;
}

function reasonOf(error: unknown): string {
  // A host with several addresses fails once for each, under an error without a message.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
