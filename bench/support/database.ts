import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { openDatabase } from '../../src/database/database.ts';
import { createDatabase, dropDatabase, randomName } from '../../test/support/server-databases.ts';
import type { Turn } from './bench.ts';

export type BenchDatabase = { readonly name: string; readonly url: string; readonly pool: pg.Pool };

/** A new database of this turn, which is dropped at its end. It is empty: the product migrates it. */
export async function makeDatabase({ adminUrl, scope }: Turn): Promise<BenchDatabase> {
  const name = randomName('paystream_bench_');
  await createDatabase(adminUrl, name);
  scope.keep({ close: () => dropDatabase(adminUrl, name) });
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  const pool = new pg.Pool({ connectionString: url.href, max: 4 });
  pool.on('error', () => undefined); // the server ends idle connections when the database is dropped
  scope.keep({ close: () => pool.end() });
  return { name, url: url.href, pool };
}

/** As `makeDatabase`, with the tables of this checkout. */
export async function makeMigratedDatabase(turn: Turn): Promise<BenchDatabase> {
  const made = await makeDatabase(turn);
  const database = await openDatabase({ databaseUrl: made.url, dataDir: turn.tempDir });
  await database.close();
  return made;
}

/**
 * Runs a script with pgbench. @returns the transactions per second.
 * @throws {Error} when PostgreSQL's programs are not installed.
 */
export async function runPgbench(
  url: string,
  { file, clients, seconds }: { readonly file: string; readonly clients: number; readonly seconds: number },
): Promise<number> {
  const threads = Math.min(2, clients);
  const args = ['-n', '-M', 'prepared', '-c', clients, '-j', threads, '-T', seconds, '-f', file, url].map(String);
  const { stdout } = await promisify(execFile)(pgbenchPath(), args);
  const [, rate] = /tps = ([\d.]+) \(without/.exec(stdout) ?? [];
  if (rate === undefined) throw new Error(`pgbench printed no rate:\n${stdout}`);
  return Number(rate);
}

const debianDir = '/usr/lib/postgresql';

/** Debian keeps the programs of each version out of the path. */
function pgbenchPath(): string {
  try {
    const [version] = readdirSync(debianDir).sort((a, b) => Number(b) - Number(a));
    if (version !== undefined) return join(debianDir, version, 'bin', 'pgbench');
  } catch {
    // Not Debian.
  }
  return 'pgbench';
}
