import { afterAll, beforeAll, expect, test } from 'vitest';
import { readOptions } from '../../src/administration/options.ts';
import { runCommand, sentenceOf } from '../../src/administration/run-command.ts';
import type { Database } from '../../src/database/database.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { openTestDatabase } from '../support/database.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

/** What the command prints in production, or the sentence of its failure. */
async function run(...args: readonly string[]): Promise<string> {
  const options = readOptions(args);
  if (options === null) throw new Error('A command is missing.');
  return runCommand({ db: database, clock: systemClock }, options, true).catch(sentenceOf);
}

test('a merchant and a key are created, listed and revoked, and each step says what to do next', async () => {
  expect(await run('merchant', 'list')).toContain('There is no merchant. Create one: npm run paystream');
  expect(await run('key', 'add', '--name', 'too early')).toContain('There is no merchant yet');
  const added = await run('merchant', 'add', '--name', 'My shop', '--return-origin', 'https://shop.example');
  const [, merchantId = ''] = /Created merchant (mch_\w+), "My shop"/.exec(added) ?? [];
  expect(added).toContain(`npm run paystream -- key add --merchant ${merchantId}`);
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
  [['merchant', 'add', '--name', 'Shop', '--return-origin', '*'], 'returnOrigins.0: * allows any site and is refused'],
  [['merchant', 'update', 'mch_nobody', '--name', 'a\u001b[31mred'], 'name: must not contain control characters.'],
])('%j is refused with a sentence', async (args, sentence) => {
  const said = await run(...args);
  expect(said).toContain(sentence);
  expect(said).not.toMatch(/\n +at /);
});
