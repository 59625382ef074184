import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { beforeAll, expect, test } from 'vitest';
import { sandboxEnvironment } from '../../src/development-keys.ts';
import { testKeys } from '../support/chinese-providers.ts';
import { type Home, makeHome, projectRoot } from '../support/server-process.ts';

/** Runs the command as an operator does, in production. */
async function run(home: Home, ...args: readonly string[]) {
  return runWith(home, {}, args);
}

async function runWith(
  home: Home,
  { input = '', ...extra }: Readonly<Record<string, string>>,
  args: readonly string[],
) {
  const { DATABASE_URL: _ours, ...env } = process.env;
  const { dataDir, databaseUrl } = home;
  const child = spawn(process.execPath, ['scripts/paystream.mjs', ...args], {
    cwd: projectRoot,
    env: {
      ...env,
      ...(databaseUrl !== null && { DATABASE_URL: databaseUrl }),
      ...{ DATA_DIR: dataDir, NODE_ENV: 'production' },
      ...extra,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(input);
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
  [['key', 'list', 'all'], 'key list does not take "all".\n\nAdministers merchants'],
  [['merchant', 'add', '--name', 'Shop', '--return-origin', '*'], 'returnOrigins.0: * allows any site and is refused'],
  [['merchant', 'update', 'mch_nobody', '--name', 'a\u001b[31mred'], 'name: must not contain control characters.'],
])('%j ends with 1 and a sentence', async (args, complaint) => {
  const result = await run(home, ...args);
  expect(result).toMatchObject({ code: 1, output: '', complaint: expect.stringContaining(complaint) });
  expect(result.complaint).not.toMatch(/\n +at /);
});

test('a provider account is stored from standard input, listed, and encrypted with a new key', async () => {
  const [key, next] = [randomBytes(32).toString('base64'), randomBytes(32).toString('hex')];
  const { ALIPAY_GATEWAY: _, ...given } = sandboxEnvironment(testKeys(), 'http://127.0.0.1:9');
  const lines = Object.entries(given).flatMap(([name, value]) =>
    name.startsWith('ALIPAY_') ? `${name}="${value}"` : [],
  );
  const input = [...lines, 'ALIPAY_GATEWAY=http://127.0.0.1:9/gateway.do'].join('\n');
  const keys = { MASTER_KEY: key, PUBLIC_URL: 'https://pay.example' };
  const args = ['provider', 'add', 'alipay', '--file', '-', '--allow-test'];
  const added = await runWith(home, { ...keys, input }, args);
  const [, id = ''] = /Stored the ALIPAY account \d+ as (pac_\w+)/.exec(added.output) ?? [];
  expect(added).toMatchObject({
    code: 0,
    output: expect.stringContaining(`https://pay.example/webhooks/alipay/${id}`),
  });
  expect(added.output).toContain(`Next, test it: npm run paystream -- provider test ${id}`);
  const rotated = await runWith(home, { MASTER_KEY: next, MASTER_KEY_OLD: key }, ['master-key', 'rotate']);
  expect(rotated.output).toMatch(
    /^Encrypted the secrets of 1 row with the master key \w{16}\..*\n\nNext, remove MASTER_KEY_OLD/,
  );
  const [, keyId] = /master key (\w{16})/.exec(rotated.output) ?? [];
  const tested = await runWith(home, { MASTER_KEY: next }, ['provider', 'test', id]);
  expect(tested).toMatchObject({ code: 1, complaint: expect.stringMatching(/does not work: .*could not be reached/) });
  expect((await run(home, 'provider', 'list')).output).toMatch(new RegExp(`${id} .+ in use, tests allowed +${keyId}`));
});
