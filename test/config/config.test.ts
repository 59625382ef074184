import { createHmac } from 'node:crypto';
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
      providers: [],
      failpoints: [],
      sandbox: { port: 4100 },
    },
  });
});

test('with cards configured there is no sandbox, and either of two webhook secrets is taken', async () => {
  const { sandbox, providers } = readConfig(cards);
  expect(sandbox).toBeNull();
  const now = new Date();
  const stripe = await providers[0]?.open({ now: () => now, webhookUrl: 'https://pay.example/webhooks/stripe' });
  const body = JSON.stringify({
    ...{ object: 'event', id: 'evt_1', type: 'a.b', livemode: false, created: 1, data: { object: { object: 'a' } } },
  });
  const seconds = Math.floor(now.getTime() / 1000);
  for (const secret of ['whsec_12345678', 'whsec_87654321']) {
    const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
    const headers = { 'stripe-signature': `t=${seconds},v1=${signature}` };
    expect(stripe?.verifyWebhook({ headers, body: Buffer.from(body), receivedAt: now }).eventId).toBe('evt_1');
  }
});

test('in production there is no sandbox, configured or not', () => {
  expect(readConfig({ NODE_ENV: 'production' })).toMatchObject({
    isProduction: true,
    sandbox: null,
    providers: [],
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
  const file = join(mkdtempSync(join(tmpdir(), 'paystream-config-')), 'value');
  writeFileSync(file, 'sk_test_from_file\n');
  const { STRIPE_SECRET_KEY: _, ...others } = cards;
  const { providers } = readConfig({ ...others, STRIPE_SECRET_KEY_FILE: file });
  expect(providers.map(({ name }) => name)).toEqual(['STRIPE']);
  expect(complaintsAbout({ ...cards, STRIPE_SECRET_KEY_FILE: file })).toMatch(/both set/);
  writeFileSync(file, 'postgresql://from.file/db\n');
  expect(readConfig({ DATABASE_URL_FILE: file }).databaseUrl).toBe('postgresql://from.file/db');
});
