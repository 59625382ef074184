import pg from 'pg';
import { keepsConnection, OverloadedError, overloadedOr } from './errors.ts';

/** So many callers may wait for a connection; the next one is refused at once. */
export const waitingCountMax = 1000;

/** How long a caller waits for a connection, and how long the server may take to accept one. */
export const connectTimeoutMs = 10_000;

type Connected = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  release: (discard?: Error | boolean) => void,
) => void;

/** A pool whose queue has an end, in length and in time. Every way to a connection leads through `connect`, Prisma's included. */
export class BoundedPool extends pg.Pool {
  constructor(config: pg.PoolConfig) {
    super({ ...config, connectionTimeoutMillis: connectTimeoutMs });
    // An error between two statements (the server restarts, ends an idle transaction) has nobody to go to and would end the process.
    // The connection is dropped all the same, and whoever uses it next is told.
    this.on('error', ignore);
    this.on('connect', (client) => {
      client.on('error', ignore);
      mapOverloadErrors(client);
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
    super.connect((error, client) => {
      if (client === undefined)
        return connected(error === undefined ? undefined : overloadedOr(error), undefined, ignore);
      keepAfterSqlErrors(client);
      connected(undefined, client, client.release);
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

/** Has every statement on the connection, Prisma's too, fail with an OverloadedError where what went wrong will pass. */
function mapOverloadErrors(client: pg.ClientBase): void {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  // The driver has a dozen forms of `query`; they differ in where the answer goes, and that is all that matters here.
  client.query = ((...args: unknown[]) => {
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
  }) as typeof client.query;
}

/**
 * The driver's `pool.query` throws the connection away after any error, even a duplicate key. An error that the server reported leaves
 * the connection as good as it was; those that end it also mark it unusable, and the pool sees that by itself.
 */
function keepAfterSqlErrors(client: pg.PoolClient): void {
  const release = client.release;
  client.release = (discard) => release(discard instanceof Error && keepsConnection(discard) ? undefined : discard);
}
