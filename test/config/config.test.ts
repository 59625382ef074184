import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError, readConfig } from '../../src/config.ts';
import { sandboxEnvironment } from '../../src/development-keys.ts';
import { defaultLimits } from '../../src/limits/limits.ts';
import { testKeys } from '../support/chinese-providers.ts';

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

test('an empty environment is development: embedded database, sandbox, loopback', () => {
  expect(readConfig({})).toEqual({
    ...{ isProduction: false, hasGraphiql: true, hasIntrospection: true },
    ...{ limits: defaultLimits, trustedProxies: 0, trustedDocuments: null },
    ...{ host: '127.0.0.1', port: 4000, publicUrl: null, databaseUrl: null, redisUrl: null },
    ...{
      dataDir: '.data',
      migrateOnStart: true,
      callbackRetentionDays: 90,
      idempotencyRetentionDays: 30,
      webhookLogRetentionDays: 30,
      allowsWebhookLoopback: false,
      logLevel: 'warn',
      telemetry: { tracing: null, metrics: null },
      devApiKey: null,
      providers: [],
      masterKeys: null,
      failpoints: [],
      sandbox: { port: 4100 },
    },
  });
});

test('with cards configured there is no sandbox, and both of two webhook secrets are accepted', async () => {
  const { sandbox, providers } = readConfig(cards);
  expect(sandbox).toBeNull();
  const now = new Date();
  const stripe = await providers[0]?.open(
    { now: () => now, webhookUrl: 'https://pay.example/webhooks/stripe' },
    'acct_1.test',
  );
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

test('telemetry is switched on by the standard variables of OpenTelemetry, and by a port for metrics', () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example:4318/' };
  const given = {
    ...endpoint,
    ...{ OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%20b,tenant=shop', OTEL_RESOURCE_ATTRIBUTES: 'service.version=1' },
    ...{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25', METRICS_PORT: '9464' },
  };
  expect(readConfig(given).telemetry).toEqual({
    metrics: { host: '127.0.0.1', port: 9464 },
    tracing: {
      ...{ url: 'https://collector.example:4318/v1/traces', headers: { 'api-key': 'a b', tenant: 'shop' } },
      ...{ timeoutMs: 10_000, serviceName: 'paystream', resource: { 'service.version': '1' } },
      ...{ sampler: 'parentbased_traceidratio', ratio: 0.25 },
    },
  });
  const own = { ...endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://other:4318/spans' };
  expect(readConfig(own).telemetry.tracing?.url).toBe('http://other:4318/spans');
  expect(readConfig({ OTEL_TRACES_EXPORTER: 'otlp' }).telemetry.tracing?.url).toBe('http://localhost:4318/v1/traces');
  expect(readConfig({ ...endpoint, OTEL_SDK_DISABLED: 'true' }).telemetry.tracing).toBeNull();
  expect(readConfig({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }).telemetry.tracing).toBeNull();
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
  ...['CALLBACK_RETENTION_DAYS', 'IDEMPOTENCY_RETENTION_DAYS'].flatMap((name) =>
    ['0', '6', '3651', '-30', '30.5', '1e3', 'forever'].map((days): [string, Record<string, string>, RegExp] => [
      `${days} days in ${name}`,
      { [name]: days },
      new RegExp(`${name} must be a number of days from 7 to 3650, in digits\\.`),
    ]),
  ),
  ['a log level that is none', { LOG_LEVEL: 'loud' }, /LOG_LEVEL/],
  ['a collector without a scheme', { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, /OTEL_EXPORTER_OTLP_ENDPOINT/],
  ['another protocol', { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, /OTEL_EXPORTER_OTLP_PROTOCOL must be one of/],
  ['headers that are no list', { OTEL_EXPORTER_OTLP_HEADERS: 'secret' }, /OTEL_EXPORTER_OTLP_HEADERS must be a list/],
  ...[
    ['a header that has two lines', 'OTEL_EXPORTER_OTLP_HEADERS', 'api-key=a%0Ab'],
    ['a header of other characters', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'api-key=%E6%94%AF'],
  ].map(([what = '', name = '', value = '']): [string, Record<string, string>, RegExp] => [
    ...([what, { [name]: value }, new RegExp(`${name} has a header that HTTP does not allow`)] as const),
  ]),
  ['more than everything', { OTEL_TRACES_SAMPLER_ARG: '1.5' }, /OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1/],
  ['an unknown sampler', { OTEL_TRACES_SAMPLER: 'some' }, /OTEL_TRACES_SAMPLER must be one of/],
  ['a metrics port that is none', { METRICS_PORT: '9464x' }, /METRICS_PORT/],
  ['a host of metrics without a port', { METRICS_HOST: '0.0.0.0' }, /METRICS_HOST is set without METRICS_PORT/],
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
  [
    'a file that is not there',
    { DATABASE_URL_FILE: '/nowhere/at/all' },
    /DATABASE_URL_FILE names a file that cannot be read: no such file or directory \(ENOENT\)\.$/,
  ],
  ['a value in quotes', { DATABASE_URL: '"postgresql://db/a"' }, /DATABASE_URL is in quotes: remove the quotes\.$/],
  ['a public URL with a query', { PUBLIC_URL: 'https://pay.example/?a=1' }, /PUBLIC_URL must be a base URL/],
  ['a public URL with an empty query', { PUBLIC_URL: 'https://pay.example/?' }, /PUBLIC_URL must be a base URL/],
  ['a public URL with a fragment', { PUBLIC_URL: 'https://pay.example/#/a' }, /PUBLIC_URL must be a base URL/],
  ['a public URL with a user', { PUBLIC_URL: 'https://u:p@pay.example' }, /PUBLIC_URL must be a base URL/],
  ['a port in scientific notation', { PORT: '4e3' }, /PORT must be a port/],
  ['a port in hexadecimal', { PORT: '0x10' }, /PORT must be a port/],
  ['a port with a fraction', { SANDBOX_PORT: '4100.0' }, /SANDBOX_PORT must be a port/],
  ['one port for two', { PORT: '4100' }, /PORT and SANDBOX_PORT must differ/],
  ['a sandbox port where there is no sandbox', { ...cards, SANDBOX_PORT: 'x' }, /SANDBOX_PORT/],
  ['another word for production', { NODE_ENV: 'prod' }, /NODE_ENV must be one of production, development, test/],
  ['production in capitals', { NODE_ENV: 'Production ' }, /NODE_ENV/],
  ['a host with its port', { HOST: '0.0.0.0:4000' }, /HOST must be an IP address or a host name/],
  ['a host with a scheme', { HOST: 'http://localhost' }, /HOST/],
  ['a host in brackets', { HOST: '[::1]' }, /HOST/],
  ['a data directory that is a file', { DATA_DIR: 'package.json' }, /DATA_DIR must be a directory/],
  ['a data directory below a file', { DATA_DIR: 'package.json/a/b' }, /DATA_DIR .* a part of its path is a file/],
  ['a data directory of the kernel', { DATA_DIR: '/proc/x' }, /DATA_DIR is in a file system of the kernel/],
  ['a way to the kernel', { DATA_DIR: '/var/../sys' }, /DATA_DIR is in a file system of the kernel/],
  ['a data directory for a shell', { DATA_DIR: '~/paystream' }, /DATA_DIR starts with ~/],
  ['a development key with a blank', { DEV_API_KEY: 'dev_0123456789 abcdef' }, /DEV_API_KEY/],
  ['a cache’s URL that is none', { REDIS_URL: 'redis://a:b:c' }, /REDIS_URL/],
  ['a public URL that is none', { PUBLIC_URL: 'https://' }, /PUBLIC_URL must be an http or https URL/],
  ['a key in two lines', { ...cards, STRIPE_SECRET_KEY: 'sk_test_a\nb' }, /STRIPE_SECRET_KEY has a line break in it/],
  ['a key with a zero', { ...cards, STRIPE_SECRET_KEY: 'sk_test_a\0' }, /STRIPE_SECRET_KEY has .+U\+0000/],
  ['a key with a width of zero', { ...cards, STRIPE_SECRET_KEY: 'sk_\u200btest_a' }, /STRIPE_SECRET_KEY .+U\+200B/],
  ['a key with a blank', { ...cards, STRIPE_SECRET_KEY: 'sk_test_a b' }, /STRIPE_SECRET_KEY .+no blanks/],
  ['a database with a tab', { DATABASE_URL: 'postgresql://db/a\tb' }, /DATABASE_URL has .+U\+0009/],
  [
    'a variable of Alipay’s that is none',
    { ALIPAY_APPID: '1' },
    /ALIPAY_APPID is not a known variable.+ALIPAY_APP_ID, /,
  ],
  ['a file of one that is none', { WECHATPAY_KEY_FILE: '/a' }, /WECHATPAY_KEY_FILE is not a known variable/],
  [
    'a variable of cards that is none',
    { STRIPE_WEBHOOK_SECRET: 'whsec_1' },
    /STRIPE_WEBHOOK_SECRET is not a known variable/,
  ],
])('%s is refused by name', (_what, environment, named) => {
  expect(complaintsAbout(environment)).toMatch(named);
});

test('all problems are reported at once without secrets', () => {
  const complaints = complaintsAbout({ PORT: 'x', LOG_LEVEL: 'loud', ...cards, STRIPE_SECRET_KEY: 'hunter2' });
  for (const name of ['PORT', 'LOG_LEVEL', 'STRIPE_SECRET_KEY']) expect(complaints).toContain(name);
  expect(complaints).not.toContain('hunter2');
});

test('an unreadable file is reported once, and its value is not reported as missing', () => {
  const { STRIPE_SECRET_KEY: _, ...others } = cards;
  const complaints = complaintsAbout({ ...others, STRIPE_SECRET_KEY_FILE: '/nowhere/at/all' });
  expect(complaints.match(/STRIPE_SECRET_KEY/g)).toHaveLength(1);
  expect(complaints).not.toMatch(/configured in part/);
  // A key that was set in place of its path is not shown.
  expect(complaintsAbout({ ...others, STRIPE_SECRET_KEY_FILE: 'sk_live_hunter2' })).not.toContain('hunter2');
});

/** The live APIs of Alipay and WeChat Pay, in production. */
function liveWallets(): Record<string, string> {
  const { ALIPAY_GATEWAY: _, WECHATPAY_BASE_URL: __, ...values } = sandboxEnvironment(testKeys(), 'http://127.0.0.1:1');
  const entries = Object.entries(values).filter(([name]) => !name.startsWith('STRIPE_'));
  return { ...Object.fromEntries(entries), NODE_ENV: 'production' };
}

const unreachable: readonly (string | null)[] = [
  ...[null, 'http://pay.example', 'https://localhost:4000', 'https://shop.localhost', 'https://paystream:4000'],
  ...['https://127.0.0.1', 'https://127.1', 'https://0.0.0.0', 'https://10.0.0.5', 'https://172.16.0.1'],
  ...['https://192.168.1.10', 'https://169.254.169.254', 'https://100.64.0.1', 'https://[::1]', 'https://[::]'],
  ...['https://[fd00::1]', 'https://[fe80::1]', 'https://[::ffff:10.0.0.5]', 'https://pay.internal'],
];
test.each(unreachable.map((publicUrl) => ({ publicUrl })))(
  'callbacks of Alipay and WeChat Pay do not come to $publicUrl, which is told once',
  ({ publicUrl }) => {
    const complaints = complaintsAbout({ ...liveWallets(), ...(publicUrl !== null && { PUBLIC_URL: publicUrl }) });
    expect(complaints.split('\n').slice(1)).toEqual([
      '  PUBLIC_URL must be an https URL that the internet reaches: Alipay and WeChat Pay post their callbacks there.',
    ]);
  },
);

test.each([
  ['https://pay.example'],
  ['https://pay.example/shop/'],
  ['https://8.8.8.8'],
  ['https://[2001:db8::1]:8443'],
])('callbacks of Alipay and WeChat Pay come to %s', (publicUrl) => {
  const { providers } = readConfig({ ...liveWallets(), PUBLIC_URL: publicUrl });
  expect(providers.map(({ name }) => name)).toEqual(['ALIPAY', 'WECHATPAY']);
});

test('a public URL with two problems is reported once', () => {
  const complaints = complaintsAbout({ ...liveWallets(), PUBLIC_URL: 'https://u:p@10.0.0.5/?a#b' });
  expect(complaints.match(/PUBLIC_URL/g)).toHaveLength(1);
});

test('live keys and live APIs are accepted in production only', () => {
  const { NODE_ENV: _, ...wallets } = liveWallets();
  const live = { ...cards, STRIPE_SECRET_KEY: 'sk_live_a', STRIPE_PUBLISHABLE_KEY: 'pk_live_a' };
  const complaints = complaintsAbout({ ...wallets, ...live, PUBLIC_URL: 'https://pay.example' });
  expect(complaints.match(/real money moves only with NODE_ENV=production/g)).toHaveLength(3);
});

test('a value may come from a file, but not from a file and the variable', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'paystream-config-')), 'value');
  writeFileSync(file, 'sk_test_from_file\n');
  const { STRIPE_SECRET_KEY: _, ...others } = cards;
  const { providers } = readConfig({ ...others, STRIPE_SECRET_KEY_FILE: file });
  expect(providers.map(({ name }) => name)).toEqual(['STRIPE']);
  expect(complaintsAbout({ ...cards, STRIPE_SECRET_KEY_FILE: file })).toMatch(/both set/);
  writeFileSync(file, 'postgresql://from.file/db\n');
  expect(readConfig({ DATABASE_URL_FILE: file }).databaseUrl).toBe('postgresql://from.file/db');
});

/** Characters that shells, editors and secret stores add around a value. */
const around: readonly (readonly [string, string])[] = [
  ...(['\n', '\r\n', ' ', '\t', '\u00a0', '\ufeff'] as const).map((tail) => ['', tail] as const),
  [' ', ''],
  ['\ufeff', '\n'],
];

test.each(around)('what stands around a value does not count, in a variable and in a file: %j and %j', (head, tail) => {
  const values: Record<string, string> = {
    ...{ PORT: '4321', HOST: '::1', PUBLIC_URL: 'https://pay.example', DATABASE_URL: 'postgresql://db/a' },
    ...{ REDIS_URL: 'redis://cache', DATA_DIR: 'somewhere', MIGRATE_ON_START: 'false', LOG_LEVEL: 'debug' },
    ...{ NODE_ENV: 'test', DEV_API_KEY: 'dev_0123456789abcdef', SANDBOX_PORT: '4322', FAILPOINTS: 'pay.called' },
  };
  const entries = Object.entries(values);
  const plain = readConfig(values);
  expect(readConfig(Object.fromEntries(entries.map(([name, value]) => [name, head + value + tail])))).toEqual(plain);
  const dir = mkdtempSync(join(tmpdir(), 'paystream-config-'));
  const files = entries.map(([name, value]) => {
    writeFileSync(join(dir, name), head + value + tail);
    return [`${name}_FILE`, `${join(dir, name)}${tail}`];
  });
  expect(readConfig(Object.fromEntries(files))).toEqual(plain);
});

test('blanks around a secret are removed', async () => {
  const heard: (string | undefined)[] = [];
  const api = createServer(({ headers }, response) => {
    heard.push(headers.authorization);
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"code":"resource_missing"}}');
  }).listen(0, '127.0.0.1');
  await once(api, 'listening');
  const { port } = api.address() as AddressInfo;
  const STRIPE_API_BASE = `http://127.0.0.1:${port} `;
  const { providers } = readConfig({ ...cards, STRIPE_API_BASE, STRIPE_SECRET_KEY: `${cards.STRIPE_SECRET_KEY}\n` });
  const asked = async () => {
    const parts = { now: () => new Date(), webhookUrl: 'https://pay.example/webhooks/stripe' };
    const stripe = await providers[0]?.open(parts, 'acct_1Test.test');
    await stripe?.queryRefund(
      { paymentId: 'pay_1', providerPaymentId: 'pi_1', refundId: null, providerRefundId: 're_1' },
      AbortSignal.timeout(10_000),
    );
  };
  await asked().catch(() => {}); // the result of the call is not tested
  expect(new Set(heard)).toEqual(new Set([`Bearer ${cards.STRIPE_SECRET_KEY}`]));
  api.close();
});

test('a key in PEM keeps its lines, and ends where they end', () => {
  const wallets = liveWallets();
  const spoiled = Object.entries(wallets).map(([name, value]) => [name, `\n${value}\r\n `]);
  const { providers } = readConfig({ ...Object.fromEntries(spoiled), PUBLIC_URL: 'https://pay.example' });
  expect(providers.map(({ name }) => name)).toEqual(['ALIPAY', 'WECHATPAY']);
});

const every = [
  ...[
    'PORT',
    'HOST',
    'PUBLIC_URL',
    'DATABASE_URL',
    'REDIS_URL',
    'DATA_DIR',
    'MIGRATE_ON_START',
    'LOG_LEVEL',
    'NODE_ENV',
  ],
  ...[
    'DEV_API_KEY',
    'SANDBOX_PORT',
    'FAILPOINTS',
    'STRIPE_SECRET_KEY',
    'ALIPAY_APP_ID',
    'WECHATPAY_SERIAL',
    'PORT_FILE',
  ],
];

test('an empty variable counts as unset', () => {
  const empty = Object.fromEntries([...every, 'STRIPE_KEY'].map((name) => [name, '']));
  expect(readConfig(empty)).toEqual(readConfig({}));
});

test.each(every.flatMap((name) => [' ', '\n', '\t \r\n'].map((blank) => [name, blank] as const)))(
  'a value of blanks is refused once by name: %s %j',
  (name, blank) => {
    const complaints = complaintsAbout({ [name]: blank });
    expect(complaints.split('\n').filter((line) => line.includes(`${name} contains only blanks`))).toHaveLength(1);
  },
);

test('an invalid public URL is reported once, together with other errors', () => {
  for (const PUBLIC_URL of ['pay.example', 'https://', '"https://pay.example"', 'https://pay .example']) {
    const complaints = complaintsAbout({ ...liveWallets(), ALIPAY_APP_ID: 'x', PORT: 'x', PUBLIC_URL });
    expect(complaints.match(/PUBLIC_URL/g)).toHaveLength(1);
    for (const name of ['ALIPAY_APP_ID', 'PORT']) expect(complaints).toContain(name);
  }
});

describe('master keys', () => {
  const [one, two] = ['a', 'b'].map((digit) => `${digit.repeat(63)}0`);

  test('are read from variables or files, and during a rotation there are two', () => {
    const { masterKeys } = readConfig({ MASTER_KEY: one, MASTER_KEY_OLD: two });
    expect(masterKeys).toMatchObject({ current: { id: expect.any(String) }, old: { id: expect.any(String) } });
    expect(readConfig({ MASTER_KEY: two }).masterKeys).toMatchObject({
      current: { id: masterKeys?.old?.id },
      old: null,
    });
  });

  test.each<[environment: Record<string, string | undefined>, violation: string]>([
    [{ MASTER_KEY: 'correct horse' }, 'MASTER_KEY must be 32 random bytes in base64 or hexadecimal digits.'],
    [{ MASTER_KEY: '/etc/paystream/master.key' }, 'It looks like a path: use MASTER_KEY_FILE.'],
    [{ MASTER_KEY_OLD: one }, 'MASTER_KEY_OLD is set without MASTER_KEY: set both.'],
    [{ MASTER_KEY: one, MASTER_KEY_OLD: one }, 'MASTER_KEY_OLD and MASTER_KEY are the same key.'],
  ])('%j is refused', (environment, violation) => {
    expect(() => readConfig(environment)).toThrow(violation);
  });
});

test('trusted documents are read by their SHA-256, and a text under another hash is refused', () => {
  const document = '{ merchant { name } }';
  const hash = createHash('sha256').update(document).digest('hex');
  const read = (value: string) => readConfig({ TRUSTED_DOCUMENTS: value }).trustedDocuments;
  expect(read(JSON.stringify({ [hash]: document }))).toEqual(new Map([[hash, document]]));
  expect(() => read(JSON.stringify({ [hash]: '{ orders { nodes { id } } }' }))).toThrow(
    'is not the SHA-256 of its text',
  );
  for (const malformed of ['[]x', '["{ a }"]', '{"a":1}'])
    expect(() => read(malformed)).toThrow('must be a JSON object');
});
