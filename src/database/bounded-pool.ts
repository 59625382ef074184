import { AsyncResource } from 'node:async_hooks';
import pg from 'pg';
import { isObserved } from '../telemetry/observe.ts';
import { keepsConnection, OverloadedError, overloadedOr } from './errors.ts';
import { observeStatements } from './observed-statements.ts';

/** The maximum number of callers that wait for a connection. The next one is refused at once. */
export const waitingCountMax = 1000;

/** How long a caller waits for a connection, and how long the server may take to accept one, in milliseconds. */
export const connectTimeoutMs = 10_000;

type Connected = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  release: (discard?: Error | boolean) => void,
) => void;

/**
 * A pool with a bounded queue, in length and in time. Every connection is obtained through `connect`, also by Prisma.
 */
export class BoundedPool extends pg.Pool {
  constructor(config: pg.PoolConfig) {
    super({ ...config, connectionTimeoutMillis: connectTimeoutMs });
    // An error between two statements (the server restarts, or ends an idle transaction) has no caller. Without a
    // listener it would end the process. The connection is dropped, and its next user gets an error.
    this.on('error', ignore);
    // The pool's own `query` reports a connection that breaks under a statement itself, past what maps the errors of the connection.
    mapOverloadErrors(this);
    this.on('connect', (client) => {
      client.on('error', ignore);
      mapOverloadErrors(client);
      observeStatements(client);
    });
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(connected: Connected): void;
  override connect(connected?: Connected): Promise<pg.PoolClient> | undefined {
    if (connected === undefined) return this.#connectLater();
    if (this.waitingCount >= waitingCountMax) {
      connected(new OverloadedError('The database is busy: too many requests are waiting for it.'), undefined, ignore);
      return undefined;
    }
    // The driver calls back in the context of the caller whose connection this one gets.
    const given = isObserved() ? AsyncResource.bind(connected) : connected;
    super.connect((error, client) => {
      if (client === undefined) return given(error === undefined ? undefined : overloadedOr(error), undefined, ignore);
      keepAfterSqlErrors(client);
      given(undefined, client, client.release);
    });
    return undefined;
  }

  #connectLater(): Promise<pg.PoolClient> {
    return new Promise((resolve, reject) => {
      this.connect((error, client) => (client === undefined ? reject(error) : resolve(client)));
    });
  }
}

function ignore(): void {}

/** Maps temporary errors of every statement on the connection or the pool, also Prisma's, to OverloadedError. */
function mapOverloadErrors(on: pg.ClientBase | pg.Pool): void {
  const query = on.query.bind(on) as (...args: unknown[]) => unknown;
  // The driver has many overloads of `query`. They differ only in how the result is returned.
  on.query = ((...args: unknown[]) => {
    const callback = args.at(-1);
    if (typeof callback === 'function') {
      const mapped = (error: Error | null | undefined, ...rest: unknown[]) =>
        callback(error ? overloadedOr(error) : error, ...rest);
      return query(...args.slice(0, -1), mapped);
    }
    const answer = query(...args);
    if (!(answer instanceof Promise)) return answer;
    return answer.catch((error: unknown) => {
      throw error instanceof Error ? overloadedOr(error) : error;
    });
  }) as pg.ClientBase['query'] & pg.Pool['query'];
}

/**
 * Keeps connections after SQL errors. The driver's `pool.query` discards the connection after any error, even a
 * duplicate key. An error reported by the server leaves the connection usable. Errors that end the connection also mark
 * it as unusable, which the pool detects.
 */
function keepAfterSqlErrors(client: pg.PoolClient): void {
  const release = client.release;
  client.release = (discard) => release(discard instanceof Error && keepsConnection(discard) ? undefined : discard);
}
