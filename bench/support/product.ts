import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { newId } from '../../src/domain/ids.ts';
import { freePort } from '../../test/support/free-port.ts';
import type { Turn } from './bench.ts';
import { until } from './clock.ts';
import { type BenchDatabase, makeDatabase } from './database.ts';
import { environmentOf, startStandInStripe } from './stand-in-stripe.ts';

/** The product as a user starts it: a process of its own, by the start script of its package. */
export type Product = {
  readonly url: string;
  /** The token of the first merchant. */
  readonly token: string;
  readonly pid: number;
  readonly database: BenchDatabase;
  /** Its output. */
  readonly logFile: string;
  logBytes(): number;
  /** Stops it before the end of the turn. */
  close(): Promise<void>;
};

const startTimeoutMs = 60_000;
const stopTimeoutMs = 15_000;
const many = '1000000';

/** The limits of one caller, which a bench with one caller would reach. The limits of the whole process stay as they are. */
const withoutCallerLimits = {
  RATE_LIMIT_MUTATIONS: many,
  RATE_LIMIT_QUERIES: many,
  SOCKETS_PER_ADDRESS: many,
  SOCKETS_PER_PRINCIPAL: many,
};

/**
 * Starts the product with an account of Stripe, at a stand-in. Without a provider it would start the sandbox, whose CPU time and memory would count
 * as the product's.
 *
 * @param environment more variables, such as those of another stand-in.
 */
export async function startProduct(
  turn: Turn,
  environment: Readonly<Record<string, string>> = {},
  database?: BenchDatabase,
): Promise<Product> {
  const used = database ?? (await makeDatabase(turn));
  const stripe = turn.scope.keep(await startStandInStripe());
  const [port, token] = [await freePort(), `bench_${randomBytes(16).toString('hex')}`];
  const started = await startCheckout(turn, {
    DATABASE_URL: used.url,
    PORT: String(port),
    ...environmentOf(stripe.url),
    DEV_API_KEY: token,
    ...withoutCallerLimits,
    ...environment,
  });
  const url = `http://127.0.0.1:${port}`;
  await started.ready(url);
  return { ...started, url, token, database: used };
}

/** Starts a checkout as `npm start` does, without npm. `ready` resolves when the server is ready to serve requests. */
async function startCheckout({ dir, tempDir, scope }: Turn, environment: Readonly<Record<string, string>>) {
  const dataDir = mkdtempSync(join(tempDir, 'data-'));
  const logFile = join(dataDir, 'bench.log');
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, startArgumentsOf(dir), {
    cwd: dir,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, DATA_DIR: dataDir, ...environment },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const ended = once(child, 'exit');
  async function close(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await ended;
    clearTimeout(timer);
  }
  scope.keep({ close });
  return {
    pid: child.pid ?? 0,
    logFile,
    logBytes: () => statSync(logFile).size,
    close,
    async ready(url: string): Promise<void> {
      const isReady = await until(async () => {
        if (child.exitCode !== null) throw new Error(`The server ended:\n${readFileSync(logFile, 'utf8')}`);
        return isServing(url);
      }, startTimeoutMs);
      if (!isReady) throw new Error(`The server was not ready in time:\n${readFileSync(logFile, 'utf8')}`);
    },
  };
}

export async function isServing(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** The arguments of `node` in the start script, so that an older checkout starts in its own way. */
function startArgumentsOf(dir: string): string[] {
  const { scripts } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as { scripts: { start: string } };
  const [node, ...args] = scripts.start.split(' ');
  if (node !== 'node') throw new Error(`The start script of the checkout is not a call of node: ${scripts.start}`);
  return args;
}

export type BenchMerchant = { readonly id: string; readonly token: string };

/** The merchant that the start of the product has made. */
export async function firstMerchantOf({ database, token }: Product): Promise<BenchMerchant> {
  const { rows } = await database.pool.query<{ id: string }>('select id from merchants order by id limit 1');
  const [row] = rows;
  if (row === undefined) throw new Error('The product has made no merchant.');
  return { id: row.id, token };
}

/** Adds merchants with an API key each. */
export async function addMerchants(pool: pg.Pool, count: number): Promise<readonly BenchMerchant[]> {
  const merchants = Array.from({ length: count }, () => ({
    id: newId('merchant'),
    token: `sk_test_${randomBytes(32).toString('base64url')}`,
  }));
  await pool.query(
    `insert into merchants (id, name, return_origins, created_at) select unnest($1::text[]), 'Bench', '{*}', now()`,
    [merchants.map(({ id }) => id)],
  );
  await pool.query(
    `insert into api_keys (id, merchant_id, name, hash, hint, created_at)
     select k.id, k.merchant_id, 'bench', k.hash, 'sk_test_…', now() from unnest($1::text[], $2::text[], $3::bytea[]) k(id, merchant_id, hash)`,
    [
      merchants.map(() => newId('apiKey')),
      merchants.map(({ id }) => id),
      merchants.map(({ token }) => createHash('sha256').update(token).digest()),
    ],
  );
  return merchants;
}
