import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDatabase } from '../src/database/database.ts';
import { createDatabase, dropDatabase, randomName } from '../test/support/server-databases.ts';
import { serveBill, writeBill } from './bill-server.ts';
import { billTextOf, busyDayOf, fillDatabase } from './busy-day.ts';

/**
 * Measures the reconciliation of a day with a million lines on PostgreSQL: the memory of the command's process, which
 * must stay below the limit for a bill of any length, and the lines per second. Linux only, because it reads /proc.
 */
const rssLimitMb = 300;
const sampleIntervalMs = 100;
const account = '2021000000000001';
const date = '2026-11-21';

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { lines: { type: 'string', default: '1000000' } } });
  const lines = Number(values.lines);
  const adminUrl = process.env.DATABASE_URL;
  if (!adminUrl) throw new Error('DATABASE_URL must name a PostgreSQL server on which databases may be made.');
  const name = randomName('paystream_bench_');
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  const dir = mkdtempSync(join(tmpdir(), 'paystream-bench-'));
  await createDatabase(adminUrl, name);
  try {
    const day = busyDayOf(date, lines, account);
    const filledMs = await timed(async () => {
      const database = await openDatabase({ databaseUrl: url.href, dataDir: dir });
      await fillDatabase(database.pool, day);
      await database.close();
    });
    const bill = await writeBill(dir, billTextOf(day));
    console.log(
      `${day.payments} payments and ${day.refunds} refunds in PostgreSQL, in ${seconds(filledMs)}; the bill has ${mb(statSync(bill).size)} MB as it is sent`,
    );
    const server = await serveBill(bill);
    try {
      for (const run of ['first', 'again']) await measure(run, lines, environmentOf(url.href, dir, server));
    } finally {
      server.close();
    }
  } finally {
    await dropDatabase(adminUrl, name);
    rmSync(dir, { recursive: true, force: true });
  }
}

type Gateway = { readonly gateway: string; readonly publicKey: string };

function environmentOf(databaseUrl: string, dataDir: string, { gateway, publicKey }: Gateway): NodeJS.ProcessEnv {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    PATH: process.env.PATH,
    ...{ DATABASE_URL: databaseUrl, DATA_DIR: dataDir, ALIPAY_APP_ID: account, ALIPAY_SELLER_ID: '2088000000000001' },
    ...{ ALIPAY_GATEWAY: gateway, ALIPAY_PUBLIC_KEY: publicKey },
    ALIPAY_PRIVATE_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** Runs the command and measures its process. */
async function measure(run: string, lines: number, env: NodeJS.ProcessEnv): Promise<void> {
  const args = ['scripts/reconcile.mjs', '--provider', 'alipay', '--date', date];
  const beganMs = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  let rssKb = 0;
  const sampling = setInterval(() => {
    rssKb = Math.max(rssKb, peakRssKb(child.pid));
  }, sampleIntervalMs);
  const [code] = await once(child, 'close');
  clearInterval(sampling);
  const ms = performance.now() - beganMs;
  const rssMb = Math.round(rssKb / 1024);
  console.log(`\n${run}: exit code ${code}\n${output.split('\n').slice(0, 12).join('\n')}`);
  console.log(
    `${run}: ${seconds(ms)}, ${Math.round((lines / ms) * 1000)} lines/s, peak RSS ${rssMb} MB of ${rssLimitMb} MB: ${rssMb < rssLimitMb ? 'within' : 'BEYOND'} the limit`,
  );
}

/** The kernel's peak memory value; 0 after the process has ended. */
function peakRssKb(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const beganMs = performance.now();
  await work();
  return performance.now() - beganMs;
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
const mb = (bytes: number) => Math.round(bytes / 1024 ** 2);

await main();
