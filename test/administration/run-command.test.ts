import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readMasterKey } from '../../src/accounts/master-key.ts';
import { readOptions } from '../../src/administration/options.ts';
import { runCommand, sentenceOf } from '../../src/administration/run-command.ts';
import type { Database } from '../../src/database/database.ts';
import { sandboxEnvironment } from '../../src/development-keys.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { testKeys } from '../support/chinese-providers.ts';
import { makeTestDataDir, openTestDatabase } from '../support/database.ts';
import { testMasterKeys } from '../support/merchants.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const parts = {
  ...{ clock: systemClock, log: { info() {}, warn() {}, error() {} }, isProduction: true, masterKeys: testMasterKeys },
  ...{ publicUrl: 'https://pay.example', localUrl: 'http://127.0.0.1:4000', ofEnvironment: [] },
  webhookRules: { isProduction: true, allowsLoopback: false },
};

/** What the command prints in production, or the sentence of its failure. */
async function run(...args: readonly string[]): Promise<string> {
  const options = readOptions(args);
  if (options === null) throw new Error('A command is missing.');
  return runCommand({ ...parts, db: database }, options).catch(sentenceOf);
}

test('a merchant and a key are created, listed and revoked, and each step says what to do next', async () => {
  expect(await run('merchant', 'list')).toContain('There is no merchant. Create one: npm run paystream');
  expect(await run('key', 'add', '--name', 'too early')).toContain('There is no merchant yet');
  const added = await run('merchant', 'add', '--name', 'My shop', '--return-origin', 'https://shop.example');
  const [, merchantId = ''] = /Created merchant (mch_\w+), "My shop"/.exec(added) ?? [];
  expect(added).toContain(`npm run paystream -- key add --merchant ${merchantId}`);
  expect(added).toContain(`No provider account is configured. Store one: npm run paystream -- provider add`);
  const origins = ['--return-origin', 'https://a.example', '--return-origin', 'https://b.example'];
  expect(await run('merchant', 'update', merchantId, ...origins)).toContain(
    '"My shop". Buyers may return to https://a.example, https://b.example.',
  );
  const made = await run('key', 'add', '--name', 'shop server');
  const [, keyId = ''] = /Created API key (key_\w+), "shop server"/.exec(made) ?? [];
  const [token = ''] = /^sk_live_[\w-]{43}$/m.exec(made) ?? [];
  expect(token).not.toBe('');
  const listed = await run('key', 'list');
  expect(listed).toMatch(new RegExp(`${keyId} +shop server +sk_live_…${token.slice(-4)} .+ never`));
  expect(listed).not.toContain(token);
  expect(await run('key', 'revoke', keyId)).toContain('was revoked at');
  expect(await run('key', 'list')).toMatch(/ never +\d{4}-\d\d-\d\d \d\d:\d\d UTC/);
});

test.each<[args: string[], sentence: string]>([
  [['merchant', 'add', '--name', 'Shop', '--return-origin', '*'], '--return-origin: * allows any site and is refused'],
  [['merchant', 'update', 'mch_nobody', '--name', 'a\u001b[31mred'], '--name: must not contain control characters.'],
  [['token', 'mint', '--role', 'VIEWER', '--subject', 'a', '--expires-in', '0'], '--expires-in: '],
])('%j is refused with a sentence', async (args, sentence) => {
  const said = await run(...args);
  expect(said).toContain(sentence);
  expect(said).not.toMatch(/\n +at /);
});

test('a provider account is stored, listed, tested, and encrypted with a new key, together with a signing key', async () => {
  await run('signing-key', 'add');
  const { ALIPAY_GATEWAY: _, ...given } = sandboxEnvironment(testKeys(), 'http://127.0.0.1:9');
  const lines = Object.entries(given).flatMap(([name, value]) =>
    name.startsWith('ALIPAY_') ? `${name}="${value}"` : [],
  );
  const file = join(makeTestDataDir(), 'alipay.env');
  writeFileSync(file, [...lines, 'ALIPAY_GATEWAY=http://127.0.0.1:9/gateway.do'].join('\n'));
  const added = await run('provider', 'add', 'alipay', '--file', file, '--allow-test');
  const [, id = ''] = /Stored the ALIPAY account \d+ as (pac_\w+)/.exec(added) ?? [];
  expect(added).toContain(`https://pay.example/webhooks/alipay/${id}`);
  expect(added).toContain(`Next, test it: npm run paystream -- provider test ${id}`);
  expect(await run('provider', 'test', id)).toMatch(/does not work: .*could not be reached/);

  const next = readMasterKey(randomBytes(32).toString('hex'));
  const withNext = { ...parts, db: database, masterKeys: { current: next, old: testMasterKeys.current } };
  const rotate = readOptions(['master-key', 'rotate']);
  if (rotate === null) throw new Error('A command is missing.');
  expect(await runCommand(withNext, rotate)).toMatch(
    new RegExp(`^Encrypted the secrets of 2 rows with the master key ${next.id}\\.`),
  );
  const mint = readOptions(['token', 'mint', '--role', 'operator', '--subject', 'ada']);
  if (mint === null) throw new Error('A command is missing.');
  const alone = { ...withNext, masterKeys: { current: next, old: null } };
  expect(await runCommand(alone, mint)).toMatch(/^ey[\w-]+\.ey[\w-]+\.[\w-]+$/m);
  expect(await run('provider', 'list')).toMatch(new RegExp(`${id} .+ in use, tests allowed +${next.id}`));
});

test('a signing key is created, listed and revoked, and each step says what to do next', async () => {
  const added = await run('signing-key', 'add', '--jwks-url', 'https://login.example/jwks.json');
  const [, id = ''] = /signing key (jwk_\w+)/.exec(added) ?? [];
  expect(added).toMatch(/"aud": "mch_\w+"/);
  expect(await run('signing-key', 'list')).toMatch(new RegExp(`${id} +https://login.example/jwks.json`));
  expect(await run('signing-key', 'revoke', id)).toContain('was revoked at');
  expect(await run('signing-key', 'add', '--jwks-url', 'http://login.example/')).toContain('must be https');
  expect(await run('token', 'mint', '--role', 'KING', '--subject', 'ada')).toContain('role: must be one of OPERATOR');
});

test('webhook endpoints are added, changed, paused, resumed, rotated and removed, and their secret is shown once', async () => {
  const list = await run('webhook', 'list');
  expect(list).toContain('There is no webhook endpoint. Add one: npm run paystream -- webhook add');
  const added = await run('webhook', 'add', '--url', 'https://shop.example/hooks', '--event', 'payment_succeeded');
  const [id = ''] = /whe_\w{26}/.exec(added) ?? [];
  expect(added).toMatch(
    /Events of the types PAYMENT_SUCCEEDED are posted to https:\/\/shop\.example\/hooks, those of one order/,
  );
  expect(added).toMatch(/^whsec_[\w+/]+=*$/m);
  expect(await run('webhook', 'add', '--url', 'http://shop.example/')).toBe('--url: must be https in production.');
  expect(await run('webhook', 'add', '--url', 'https://169.254.169.254/')).toBe(
    '--url: must be reachable on the public internet.',
  );
  expect(await run('webhook', 'add', '--url', 'https://shop.example/', '--event', 'nothing')).toBe(
    '--event: is not an event type.',
  );
  expect(await run('webhook', 'update', id, '--event', 'all', '--unordered')).toContain('All events are posted to');
  expect(await run('webhook', 'pause', id)).toContain('paused since');
  expect(await run('webhook', 'list')).toMatch(
    new RegExp(`${id} +https://shop\\.example/hooks +all +no +.+ paused since`),
  );
  expect(await run('webhook', 'resume', id)).toContain('It is active.');
  const rotated = await run('webhook', 'rotate-secret', id, '--keep-previous', '0');
  expect(rotated).toContain('The previous one is not used any more.');
  expect(/^whsec_.+$/m.exec(rotated)?.[0]).not.toBe(/^whsec_.+$/m.exec(added)?.[0]);
  expect(await run('webhook', 'log', id)).toBe('There is no message.');
  expect(await run('webhook', 'replay', id, '--since', '2026-11-26T08:00:00Z')).toContain(`webhook log ${id}`);
  expect(await run('webhook', 'replay', id, '--after', 'nonsense')).toContain('--after: is not a cursor of this API.');
  expect(await run('webhook', 'resend', id, 'evt_unknown')).toBe('There is no such event.');
  expect(await run('webhook', 'remove', id)).toContain('Nothing is sent to it any more.');
  expect(await run('webhook', 'pause', id)).toBe('There is no such webhook endpoint.');
});
