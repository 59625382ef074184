import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { startSandboxProcess } from '../../src/development.ts';
import { developmentKeys, developmentKeysFile } from '../../src/development-keys.ts';
import { makeTestDataDir } from '../support/database.ts';
import { freePort, holdPort, letGo } from '../support/free-port.ts';
import { type Home, makeHome, spawnServer, startServerProcess } from '../support/server-process.ts';

/** A start that comes to nothing while somebody else has a port: the exit code, or the signal, and what it said. */
async function failedStart(
  home: Home,
  heldPort: number | null,
  environment: Record<string, string> = {},
  meanwhile: (child: ChildProcess) => unknown = () => {},
): Promise<{ end: number | NodeJS.Signals | null; said: string }> {
  rmSync(developmentKeysFile(home.dataDir), { force: true }); // the start has them to make
  const holder = heldPort === null ? null : await holdPort(heldPort);
  const child = spawnServer(home, environment);
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  child.stdout.resume();
  const exit = once(child, 'exit');
  const closed = once(child, 'close'); // when its sandbox has ended as well, which writes to the same stderr
  await meanwhile(child);
  const [code, signal] = await exit;
  if (holder !== null) await letGo(holder);
  await closed;
  return { end: signal ?? code, said };
}

/** By then the keys are made, and the sandbox is about to be started or starts. */
const untilSandboxStarts = ({ dataDir }: Home) =>
  expect.poll(() => existsSync(developmentKeysFile(dataDir)), { timeout: 60_000 }).toBe(true);

const signals: [signal: NodeJS.Signals, end: number | NodeJS.Signals, said: string][] = [
  ['SIGKILL', 'SIGKILL', ''],
  ['SIGTERM', 1, 'Stopped while it was starting.\n'],
];

// One home for all: each start fails for a reason of its own, so the one before it has left the ports, the data directory and the database
// as they were.
test('a failed start leaves nothing that is in the way of the next one', async () => {
  const home = await makeHome();

  const nowhere = { DATABASE_URL: 'postgresql://nobody:s3cret@127.0.0.1:1/nothing' };
  const { end, said } = await failedStart(home, null, nowhere);
  expect(end).toBe(1);
  expect(said).toMatch(/^Cannot use the PostgreSQL database at nobody@127\.0\.0\.1:1\/nothing: .*ECONNREFUSED/);
  expect(said).not.toContain('s3cret');

  const taken = { end: 1, said: expect.stringContaining(`port ${home.port}`) };
  expect(await failedStart(home, home.port)).toEqual(taken);

  for (const [signal, end, said] of signals) {
    // While its port is taken the sandbox tries again, for longer than it takes us to see that it does.
    const ended = await failedStart(home, home.sandboxPort, {}, async (child) => {
      await untilSandboxStarts(home);
      child.kill(signal);
    });
    expect(ended, signal).toEqual({ end, said });
  }

  if (home.databaseUrl !== null) await failMigration(home, home.databaseUrl);

  const server = await startServerProcess(home);
  expect(await server.stop()).toBe(0);
});

test('a start in production refuses WEBHOOK_LOOPBACK, by which a merchant could reach the servers beside it', async () => {
  const production = { NODE_ENV: 'production', WEBHOOK_LOOPBACK: 'on' };
  const { end, said } = await failedStart(await makeHome(), null, production);
  expect(end).toBe(1);
  expect(said).toContain('WEBHOOK_LOOPBACK is for development only: unset it in production.');
});

async function failMigration(home: Home, databaseUrl: string): Promise<void> {
  const admin = new pg.Client({ connectionString: databaseUrl });
  await admin.connect();
  await admin.query('update _prisma_migrations set finished_at = null');
  expect(await failedStart(home, null)).toEqual({ end: 1, said: expect.stringContaining('never finished') });
  await admin.query('update _prisma_migrations set finished_at = started_at');
  await admin.end();
}

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
