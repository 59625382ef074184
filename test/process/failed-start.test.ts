import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import pg from 'pg';
import { expect, inject, onTestFinished, test } from 'vitest';
import { startSandboxProcess } from '../../src/development.ts';
import { developmentKeys, developmentKeysFile } from '../../src/development-keys.ts';
import { makeTestDataDir } from '../support/database.ts';
import { freePort, holdPort, letGo } from '../support/free-port.ts';
import { type Home, makeHome, spawnServer, startServerProcess } from '../support/server-process.ts';

const { server } = inject('testRun');

/** Where whatever a start leaves behind is in the way of the next one. The keys are still to be made. */
async function makeKeylessHome(): Promise<Home> {
  const home = await makeHome();
  rmSync(developmentKeysFile(home.dataDir));
  return home;
}

/** A start that comes to nothing: the exit code, or the signal, and what it said. */
async function failedStart(
  home: Home,
  environment: Record<string, string> = {},
  meanwhile: (child: ChildProcess) => unknown = () => {},
): Promise<{ end: number | NodeJS.Signals | null; said: string }> {
  const child = spawnServer(home, environment);
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += String(chunk);
  });
  child.stdout?.resume();
  const exit = once(child, 'exit');
  await meanwhile(child);
  const [code, signal] = await exit;
  return { end: signal ?? code, said };
}

/** The same ports and the same data directory are free for it. */
async function nextStartWorks(home: Home): Promise<void> {
  const next = await startServerProcess(home);
  expect(await next.stop()).toBe(0);
}

/** By then the keys are made, and the sandbox is about to be started or starts. */
const untilSandboxStarts = ({ dataDir }: Home) =>
  expect.poll(() => existsSync(developmentKeysFile(dataDir)), { timeout: 60_000 }).toBe(true);

test('a start without its database leaves nothing that is in the way of the next one', async () => {
  const home = await makeKeylessHome();
  const { end, said } = await failedStart(home, { DATABASE_URL: 'postgresql://nobody:s3cret@127.0.0.1:1/nothing' });
  expect(end).toBe(1);
  expect(said).toMatch(/^Cannot use the PostgreSQL database at nobody@127\.0\.0\.1:1\/nothing: .*ECONNREFUSED/);
  expect(said).not.toContain('s3cret');
  await nextStartWorks(home);
});

test('nor does one whose port is taken', async () => {
  const home = await makeKeylessHome();
  const holder = await holdPort(home.port);
  const { end, said } = await failedStart(home);
  await letGo(holder);
  expect(end).toBe(1);
  expect(said).toContain(`port ${home.port}`);
  await nextStartWorks(home);
});

test.each<[signal: NodeJS.Signals, end: number | NodeJS.Signals]>([
  ['SIGKILL', 'SIGKILL'],
  ['SIGTERM', 1],
  ['SIGINT', 1],
])('nor does one that gets %s', async (signal, expected) => {
  const home = await makeKeylessHome();
  // While its port is taken the sandbox tries again, for longer than it takes us to see that it does.
  const holder = await holdPort(home.sandboxPort);
  const { end, said } = await failedStart(home, {}, async (child) => {
    await untilSandboxStarts(home);
    child.kill(signal);
  });
  await letGo(holder);
  expect(end).toBe(expected);
  expect(said).toBe(signal === 'SIGKILL' ? '' : 'Stopped while it was starting.\n');
  await nextStartWorks(home);
});

test.runIf(server !== null)('nor does one whose migration fails', async () => {
  const home = await makeKeylessHome();
  const admin = new pg.Client({ connectionString: home.databaseUrl ?? '' });
  await admin.connect();
  await admin.query('update _prisma_migrations set finished_at = null');
  const { end, said } = await failedStart(home);
  expect(end).toBe(1);
  expect(said).toContain('never finished');
  await admin.query('update _prisma_migrations set finished_at = started_at');
  await admin.end();
  await nextStartWorks(home);
});

test('a sandbox whose start nobody waits for any more has ended when that is told', async () => {
  const starting = new AbortController();
  const dataDir = makeTestDataDir();
  const options = { port: await freePort(), dataDir, keys: developmentKeys(dataDir), onEnd: () => {} };
  const start = () => startSandboxProcess({ ...options, stripeWebhookUrl: 'http://127.0.0.1:1/webhooks/stripe' });
  const given = startSandboxProcess({
    ...{ ...options, stripeWebhookUrl: 'http://127.0.0.1:1/webhooks/stripe' },
    signal: starting.signal,
  });
  starting.abort(new Error('enough'));
  await expect(given).rejects.toThrow('enough');
  const sandbox = await start();
  await sandbox.close();
});
