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

/** By then the keys are made, and the sandbox is about to be started or starts. */
const untilSandboxStarts = ({ dataDir }: Home) =>
  expect.poll(() => existsSync(developmentKeysFile(dataDir)), { timeout: 60_000 }).toBe(true);

const signals: [signal: NodeJS.Signals, end: number | NodeJS.Signals, said: string][] = [
  ['SIGKILL', 'SIGKILL', ''],
  ['SIGTERM', 1, 'Stopped while it was starting.\n'],
  ['SIGINT', 1, 'Stopped while it was starting.\n'],
];

// One home for all: each start fails for a reason of its own, so the one before it has left the ports, the data directory and the database
// as they were.
test('a failed start leaves nothing that is in the way of the next one', async () => {
  const home = await makeHome();
  const start = (environment?: Record<string, string>, meanwhile?: (child: ChildProcess) => unknown) => {
    rmSync(developmentKeysFile(home.dataDir), { force: true }); // each start has them to make
    return failedStart(home, environment, meanwhile);
  };

  const nowhere = await start({ DATABASE_URL: 'postgresql://nobody:s3cret@127.0.0.1:1/nothing' });
  expect(nowhere.end).toBe(1);
  expect(nowhere.said).toMatch(/^Cannot use the PostgreSQL database at nobody@127\.0\.0\.1:1\/nothing: .*ECONNREFUSED/);
  expect(nowhere.said).not.toContain('s3cret');

  const portHolder = await holdPort(home.port);
  const taken = await start();
  await letGo(portHolder);
  expect(taken).toMatchObject({ end: 1, said: expect.stringContaining(`port ${home.port}`) });

  for (const [signal, end, said] of signals) {
    // While its port is taken the sandbox tries again, for longer than it takes us to see that it does.
    const sandboxPortHolder = await holdPort(home.sandboxPort);
    const ended = await start({}, async (child) => {
      await untilSandboxStarts(home);
      child.kill(signal);
    });
    await letGo(sandboxPortHolder);
    expect(ended, signal).toEqual({ end, said });
  }

  if (home.databaseUrl !== null) await failMigration(home.databaseUrl, start);

  const server = await startServerProcess(home);
  expect(await server.stop()).toBe(0);
});

async function failMigration(databaseUrl: string, start: () => ReturnType<typeof failedStart>): Promise<void> {
  const admin = new pg.Client({ connectionString: databaseUrl });
  await admin.connect();
  await admin.query('update _prisma_migrations set finished_at = null');
  expect(await start()).toMatchObject({ end: 1, said: expect.stringContaining('never finished') });
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
