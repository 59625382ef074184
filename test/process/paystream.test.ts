import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { makeHome, runScript } from '../support/server-process.ts';

test('the command prints its result, keeps it for the next one, and ends with 1 and a sentence when it fails', async () => {
  const home = await makeHome();
  const run = (...args: readonly string[]) => runScript(home, 'paystream', args, { NODE_ENV: 'production' });
  const place = /^Database: .+\n/;

  const tooEarly = await run('key', 'add', '--name', 'shop server');
  expect(tooEarly).toMatchObject({ code: 1, output: '', complaint: expect.stringMatching(place) });
  expect(tooEarly.complaint.replace(place, '')).toMatch(/^There is no merchant yet[^\n]*\n$/);

  const added = await run('merchant', 'add', '--name', 'My shop', '--return-origin', 'https://shop.example');
  expect(added).toMatchObject({ code: 0, output: expect.stringContaining('Created merchant mch_') });
  expect(added.complaint.replace(place, '')).toBe('');

  const made = await run('key', 'add', '--name', 'shop server');
  expect(made).toMatchObject({ code: 0, output: expect.stringMatching(/^sk_live_[\w-]{43}$/m) });

  const misspelled = await run('key', 'list', 'all');
  expect(misspelled).toMatchObject({ code: 1, output: '' });
  expect(misspelled.complaint).toMatch(/^Administers merchants.+\n\nkey list does not take "all"\.\n$/s);
  expect(misspelled.complaint).not.toMatch(/\n +at /);

  const variables = 'STRIPE_SECRET_KEY=sk_test_x\nSTRIPE_NAME=y\n';
  const environment = { NODE_ENV: 'production', MASTER_KEY: randomBytes(32).toString('base64') };
  const refused = await runScript(
    home,
    'paystream',
    ['provider', 'add', 'stripe', '--file', '-'],
    environment,
    variables,
  );
  expect(refused).toMatchObject({ code: 1, complaint: expect.stringContaining('STRIPE_NAME is not a variable') });
  expect(refused.complaint).not.toContain('sk_test_x');
});
