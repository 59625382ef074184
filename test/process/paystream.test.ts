import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { beforeAll, expect, test } from 'vitest';
import { type Home, makeHome, projectRoot } from '../support/server-process.ts';

/** Runs the command as an operator does, in production. */
async function run(home: Home, ...args: readonly string[]) {
  const { DATABASE_URL: _ours, ...env } = process.env;
  const { dataDir, databaseUrl } = home;
  const child = spawn(process.execPath, ['scripts/paystream.mjs', ...args], {
    cwd: projectRoot,
    env: {
      ...env,
      ...(databaseUrl !== null && { DATABASE_URL: databaseUrl }),
      ...{ DATA_DIR: dataDir, NODE_ENV: 'production' },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, complaint, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { output, complaint, code };
}

let home: Home;
beforeAll(async () => {
  home = await makeHome();
});

test('a merchant and a key are created, listed and revoked, and each step says what to do next', async () => {
  expect((await run(home, 'merchant', 'list')).output).toContain('There is no merchant. Create one: npm run paystream');
  expect(await run(home, 'key', 'add', '--name', 'too early')).toMatchObject({
    ...{ code: 1, output: '', complaint: expect.stringContaining('There is no merchant yet') },
  });
  const added = await run(home, 'merchant', 'add', '--name', 'My shop', '--return-origin', 'https://shop.example');
  expect(added).toMatchObject({ code: 0, complaint: expect.stringMatching(/^Database: .+\n$/) });
  const [, merchantId = ''] = /Created merchant (mch_\w+), "My shop"/.exec(added.output) ?? [];
  expect(added.output).toContain(`npm run paystream -- key add --merchant ${merchantId}`);
  const origins = ['--return-origin', 'https://a.example', '--return-origin', 'https://b.example'];
  expect((await run(home, 'merchant', 'update', merchantId, ...origins)).output).toContain(
    '"My shop". Buyers may return to https://a.example, https://b.example.',
  );
  const made = await run(home, 'key', 'add', '--name', 'shop server');
  const [, keyId = ''] = /Created API key (key_\w+), "shop server"/.exec(made.output) ?? [];
  const [token = ''] = /^sk_live_[\w-]{43}$/m.exec(made.output) ?? [];
  expect(token).not.toBe('');
  const listed = await run(home, 'key', 'list');
  expect(listed.output).toMatch(new RegExp(`${keyId} +shop server +sk_live_…${token.slice(-4)} .+ never`));
  expect(listed.output).not.toContain(token);
  expect((await run(home, 'key', 'revoke', keyId)).output).toContain('was revoked at');
  expect((await run(home, 'key', 'list')).output).toMatch(/ never +\d{4}-\d\d-\d\d \d\d:\d\d UTC/);
});

test.each<[args: string[], complaint: string]>([
  [['key', 'list', 'all'], 'key list does not take "all".\n\nAdministers merchants and their API keys.'],
  [['merchant', 'add', '--name', 'Shop', '--return-origin', '*'], 'returnOrigins.0: * allows any site and is refused'],
  [['merchant', 'update', 'mch_nobody', '--name', 'a\u001b[31mred'], 'name: must not contain control characters.'],
])('%j ends with 1 and a sentence', async (args, complaint) => {
  const result = await run(home, ...args);
  expect(result).toMatchObject({ code: 1, output: '', complaint: expect.stringContaining(complaint) });
  expect(result.complaint).not.toMatch(/\n +at /);
});
