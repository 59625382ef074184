import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, expect, test } from 'vitest';
import { type Home, makeHome, projectRoot, startServerProcess } from '../support/server-process.ts';

/** The command as an operator runs it. */
async function run(home: Home, args: readonly string[]) {
  const { DATABASE_URL: _ours, NODE_ENV: _test, ...env } = process.env;
  const { dataDir, databaseUrl } = home;
  const child = spawn(process.execPath, ['scripts/reconcile.mjs', ...args], {
    cwd: projectRoot,
    env: {
      ...env,
      ...(databaseUrl !== null && { DATABASE_URL: databaseUrl }),
      ...{ DATA_DIR: dataDir, PORT: '0', SANDBOX_PORT: '0' },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, complaint, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { output, complaint, code };
}

const day = ['--date', '2026-11-20'];

let home: Home;
beforeAll(async () => {
  home = await makeHome();
});

test('a day on which nothing differs ends with 0 and prints the same JSON that it saves', async () => {
  const file = join(home.dataDir, 'report.json');
  const { output, code, complaint } = await run(home, ['--provider', 'stripe', ...day, '--json', '--output', file]);
  expect({ code, complaint }).toEqual({ code: 0, complaint: '' });
  expect(output).toBe(readFileSync(file, 'utf8'));
  expect(JSON.parse(output)).toMatchObject({ provider: 'STRIPE', result: 'NO_DIFFERENCES', lines: 0, differences: [] });
});

test('a provider that is not configured ends with 1 and the names of those that are', async () => {
  expect(await run(home, ['--provider', 'paypal', ...day])).toMatchObject({
    ...{ code: 1, output: '', complaint: expect.stringContaining('paypal is not configured. Configured: stripe') },
  });
});

test('a day that has not ended ends with 1 and a sentence', async () => {
  expect(await run(home, ['--provider', 'stripe', '--date', '2999-01-01'])).toMatchObject({
    ...{ code: 1, complaint: expect.stringContaining('The day 2999-01-01 has not ended') },
  });
});

test('a server on the embedded database must be stopped first; one on PostgreSQL goes on', async () => {
  const server = await startServerProcess(home);
  try {
    const { code, complaint } = await run(home, ['--provider', 'stripe', ...day]);
    if (home.databaseUrl === null) expect(complaint).toContain('The data directory is in use by process');
    expect(code).toBe(home.databaseUrl === null ? 1 : 0);
  } finally {
    await server.stop();
  }
});
