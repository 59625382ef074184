import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ConfigError, readConfig } from '../../src/config.ts';

const cards = {
  STRIPE_SECRET_KEY: 'sk_test_a',
  STRIPE_PUBLISHABLE_KEY: 'pk_test_a',
  STRIPE_WEBHOOK_SECRETS: 'whsec_12345678,whsec_87654321',
};

function complaintsAbout(environment: Record<string, string>): string {
  try {
    readConfig(environment);
    return '';
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

test('an empty environment is a laptop: embedded database, sandbox, loopback', () => {
  expect(readConfig({})).toEqual({
    ...{ isProduction: false, host: '127.0.0.1', port: 4000, publicUrl: null, databaseUrl: null, redisUrl: null },
    ...{
      dataDir: '.data',
      migrateOnStart: true,
      logLevel: 'warn',
      devApiKey: null,
      stripe: null,
      failpoints: [],
      sandbox: { port: 4100 },
    },
  });
});

test('with cards configured there is no sandbox, and two webhook secrets are kept apart', () => {
  expect(readConfig(cards)).toMatchObject({
    stripe: { webhookSecrets: ['whsec_12345678', 'whsec_87654321'], apiBase: 'https://api.stripe.com' },
    sandbox: null,
  });
});

test('in production there is no sandbox, configured or not', () => {
  expect(readConfig({ NODE_ENV: 'production' })).toMatchObject({
    isProduction: true,
    sandbox: null,
    stripe: null,
    logLevel: 'info',
  });
});

test.each<[string, Record<string, string>, RegExp]>([
  ['a port that is none', { PORT: 'http' }, /PORT/],
  ['a port past the last', { PORT: '65536' }, /PORT/],
  ['a sandbox port that is none', { SANDBOX_PORT: '-1' }, /SANDBOX_PORT/],
  ['a public URL without a scheme', { PUBLIC_URL: 'pay.example' }, /PUBLIC_URL/],
  ['another database', { DATABASE_URL: 'mysql://a/b' }, /DATABASE_URL/],
  ['another cache', { REDIS_URL: 'memcached://a' }, /REDIS_URL/],
  ['a log level that is none', { LOG_LEVEL: 'loud' }, /LOG_LEVEL/],
  ['neither true nor false', { MIGRATE_ON_START: 'yes' }, /MIGRATE_ON_START/],
  ['a short development key', { DEV_API_KEY: 'short' }, /DEV_API_KEY/],
  ['a development key in production', { NODE_ENV: 'production', DEV_API_KEY: 'a'.repeat(20) }, /DEV_API_KEY/],
  ['cards in part', { STRIPE_SECRET_KEY: 'sk_test_a' }, /STRIPE_PUBLISHABLE_KEY and STRIPE_WEBHOOK_SECRETS/],
  ['only the address of cards', { STRIPE_API_BASE: 'http://127.0.0.1:4100' }, /STRIPE_SECRET_KEY/],
  ['the publishable key as secret', { ...cards, STRIPE_SECRET_KEY: 'pk_test_a' }, /STRIPE_SECRET_KEY must start/],
  ['a live key beside a test key', { ...cards, STRIPE_SECRET_KEY: 'sk_live_a' }, /both be test keys or both live/],
  [
    'three webhook secrets',
    { ...cards, STRIPE_WEBHOOK_SECRETS: 'whsec_11111111,whsec_22222222,whsec_33333333' },
    /WEBHOOK_SECRETS/,
  ],
  ['a webhook secret that is none', { ...cards, STRIPE_WEBHOOK_SECRETS: 'secret' }, /WEBHOOK_SECRETS/],
  ['a provider that is not built', { ALIPAY_APP_ID: '2021' }, /ALIPAY_APP_ID/],
  ['a file that is not there', { DATABASE_URL_FILE: '/nowhere/at/all' }, /DATABASE_URL_FILE/],
])('%s is refused by name', (_what, environment, named) => {
  expect(complaintsAbout(environment)).toMatch(named);
});

test('everything that is wrong is said at once, and no secret is', () => {
  const complaints = complaintsAbout({ PORT: 'x', LOG_LEVEL: 'loud', ...cards, STRIPE_SECRET_KEY: 'hunter2' });
  for (const name of ['PORT', 'LOG_LEVEL', 'STRIPE_SECRET_KEY']) expect(complaints).toContain(name);
  expect(complaints).not.toContain('hunter2');
});

test('a value may come from a file, and not from both', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'paystream-config-')), 'key');
  writeFileSync(file, 'sk_test_from_file\n');
  const { STRIPE_SECRET_KEY: _, ...others } = cards;
  expect(readConfig({ ...others, STRIPE_SECRET_KEY_FILE: file }).stripe?.secretKey).toBe('sk_test_from_file');
  expect(complaintsAbout({ ...cards, STRIPE_SECRET_KEY_FILE: file })).toMatch(/both set/);
});
