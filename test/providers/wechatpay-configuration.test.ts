import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Settings } from '../../src/providers/provider.ts';
import { wechatpayDefinition } from '../../src/providers/wechatpay/setup.ts';
import {
  apiV3Key,
  appId,
  aTransaction,
  mchId,
  merchant,
  merchantSerial,
  notificationOf,
  now,
  platform,
  publicKeyId,
  signedHeaders,
} from './wechatpay-rig.ts';

const { platformCertificate, platformSerial } = z
  .object({ platformCertificate: z.string(), platformSerial: z.string() })
  .parse(JSON.parse(readFileSync(new URL('fixtures/wechatpay-openssl.json', import.meta.url), 'utf8')));

const privatePem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const publicPem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();
const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const platformPem = publicPem(platform.publicKey);
const complete: Readonly<Record<string, string>> = {
  WECHATPAY_APP_ID: appId,
  WECHATPAY_MCH_ID: mchId,
  WECHATPAY_SERIAL: merchantSerial,
  WECHATPAY_PRIVATE_KEY: privatePem(merchant.privateKey),
  WECHATPAY_API_V3_KEY: apiV3Key,
  WECHATPAY_PLATFORM_KEYS: JSON.stringify({ [publicKeyId]: platformPem }),
};

type Given = Partial<Pick<Settings, 'isProduction' | 'isSet'>>;

function read(environment: Readonly<Record<string, string | undefined>>, given: Given = {}) {
  const violations: string[] = [];
  const callers: string[] = [];
  const at = (name: string) => environment[name] || null;
  const isSet = (name: string) => at(name) !== null;
  const setup = wechatpayDefinition.readSetup({
    ...{ at, isSet, violations, callers, isProduction: true, allowsTest: false },
    ...given,
  });
  return { setup, violations, callers };
}

test('WeChat Pay is off when nothing of it is set', () => {
  expect(read({ STRIPE_SECRET_KEY: 'sk_test_1' })).toEqual({ setup: null, violations: [], callers: [] });
});

test.each<[what: string, changed: Record<string, string>]>([
  ['as the console hands it out', {}],
  ['with a key of one line', { WECHATPAY_PRIVATE_KEY: privatePem(merchant.privateKey).replaceAll('\n', '\\n') }],
  ['with a certificate', { WECHATPAY_PLATFORM_KEYS: JSON.stringify({ [platformSerial]: platformCertificate }) }],
  [
    'with both, while one replaces the other',
    { WECHATPAY_PLATFORM_KEYS: JSON.stringify({ [platformSerial]: platformCertificate, [publicKeyId]: platformPem }) },
  ],
  [
    'with a certificate named in lower case',
    { WECHATPAY_PLATFORM_KEYS: JSON.stringify({ [platformSerial.toLowerCase()]: platformCertificate }) },
  ],
  ['with the second host', { WECHATPAY_BASE_URL: 'https://api2.mch.weixin.qq.com/' }],
  ['with a sandbox', { WECHATPAY_BASE_URL: 'http://127.0.0.1:4100' }],
])('WeChat Pay is on when it is complete, %s', async (_what, changed) => {
  const { setup, violations } = read({ ...complete, ...changed });
  expect(violations).toEqual([]);
  const provider = await setup?.open({ now: () => now, webhookUrl: 'https://pay.example/webhooks/wechatpay' }, '');
  expect(provider).toMatchObject({
    name: 'WECHATPAY',
    method: 'WECHAT_PAY',
    account: mchId,
    flows: ['QR_CODE', 'MOBILE_WEB', 'IN_APP'],
    needs: { MOBILE_WEB: ['buyerIp'], IN_APP: ['openId'] },
    webhookContentType: 'application/json',
  });
});

test('WeChat Pay is on without any key of its own, for its certificates are fetched then', () => {
  const { setup, violations } = read({ ...complete, WECHATPAY_PLATFORM_KEYS: undefined });
  expect(violations).toEqual([]);
  expect(setup).not.toBeNull();
});

test('WeChat Pay is not on in part', () => {
  for (const name of Object.keys(complete).filter((name) => name !== 'WECHATPAY_PLATFORM_KEYS')) {
    const { setup, violations } = read({ ...complete, [name]: undefined });
    expect(setup).toBeNull();
    expect(violations).toEqual([`WeChat Pay is configured in part: set ${name} too, or unset all of WECHATPAY_*.`]);
  }
  expect(read({ WECHATPAY_BASE_URL: 'http://127.0.0.1:4100' }).violations).toEqual([
    expect.stringMatching(/^WeChat Pay is configured in part: set WECHATPAY_APP_ID and WECHATPAY_MCH_ID and .+ too/),
  ]);
});

const keys = (held: Record<string, unknown>) => ({ WECHATPAY_PLATFORM_KEYS: JSON.stringify(held) });

test.each<[what: string, changed: Record<string, string>, violation: string | RegExp, given?: Given]>([
  ['an app id of another form', { WECHATPAY_APP_ID: 'wx123' }, 'WECHATPAY_APP_ID must be wx followed by 16'],
  ['a merchant number with letters', { WECHATPAY_MCH_ID: 'mch-1' }, 'WECHATPAY_MCH_ID must be'],
  ['a merchant number of 11 digits', { WECHATPAY_MCH_ID: '19000001091' }, 'WECHATPAY_MCH_ID must be'],
  ['a serial of 39 digits', { WECHATPAY_SERIAL: merchantSerial.slice(1) }, 'WECHATPAY_SERIAL must be'],
  ['no private key', { WECHATPAY_PRIVATE_KEY: 'secret' }, 'WECHATPAY_PRIVATE_KEY is not a readable private key'],
  [
    'a public key for a private one',
    { WECHATPAY_PRIVATE_KEY: platformPem },
    'WECHATPAY_PRIVATE_KEY contains a public key',
  ],
  [
    'a small key',
    { WECHATPAY_PRIVATE_KEY: privatePem(small.privateKey) },
    'WECHATPAY_PRIVATE_KEY must have at least 2048',
  ],
  [
    'a key of another kind',
    { WECHATPAY_PRIVATE_KEY: privatePem(curve.privateKey) },
    'WECHATPAY_PRIVATE_KEY must be an RSA',
  ],
  ['an APIv3 key of 31', { WECHATPAY_API_V3_KEY: apiV3Key.slice(1) }, /^WECHATPAY_API_V3_KEY must .+ it has 31\.$/],
  ['an APIv3 key of 64', { WECHATPAY_API_V3_KEY: apiV3Key + apiV3Key }, /it has 64\.$/],
  [
    'an APIv3 key beyond ASCII',
    { WECHATPAY_API_V3_KEY: `é${apiV3Key.slice(2)}` },
    /it has 32, not all of them ASCII\.$/,
  ],
  ['keys that are no JSON', { WECHATPAY_PLATFORM_KEYS: platformPem }, 'WECHATPAY_PLATFORM_KEYS must be a JSON object'],
  ['a list of keys', { WECHATPAY_PLATFORM_KEYS: '[]' }, 'WECHATPAY_PLATFORM_KEYS must be a JSON object'],
  ['no keys', keys({}), 'WECHATPAY_PLATFORM_KEYS must contain at least one key.'],
  ['a key that is no text', keys({ [publicKeyId]: 1 }), `WECHATPAY_PLATFORM_KEYS, ${publicKeyId}, must be text`],
  [
    'a key that is none',
    keys({ [publicKeyId]: 'AAAA' }),
    `WECHATPAY_PLATFORM_KEYS, ${publicKeyId}, is not a readable public key`,
  ],
  ['a private key', keys({ [publicKeyId]: privatePem(platform.privateKey) }), /contains a private key/],
  ['a small public key', keys({ [publicKeyId]: publicPem(small.publicKey) }), /must have at least 2048 bits, not 1024/],
  [
    '__proto__ for a name',
    { WECHATPAY_PLATFORM_KEYS: `{"__proto__":${JSON.stringify(platformPem)}}` },
    /__proto__, must be the serial/,
  ],
  ['the merchant’s own serial', keys({ [merchantSerial.toLowerCase()]: platformPem }), /is WECHATPAY_SERIAL/],
  [
    'the merchant’s own key',
    keys({ [publicKeyId]: publicPem(merchant.publicKey) }),
    /is the public half of WECHATPAY_PRIVATE_KEY/,
  ],
  [
    'a certificate under another name',
    keys({ [merchantSerial.replace('3', '4')]: platformCertificate }),
    new RegExp(`serial number ${platformSerial}`),
  ],
  ['a base URL that is none', { WECHATPAY_BASE_URL: 'weixin' }, 'WECHATPAY_BASE_URL must be an http or https URL.'],
  [
    'a base URL with a path',
    { WECHATPAY_BASE_URL: 'https://wx.example/v3/' },
    'WECHATPAY_BASE_URL must have a host only',
  ],
  [
    'the real host by http',
    { WECHATPAY_BASE_URL: 'http://api.mch.weixin.qq.com' },
    'WECHATPAY_BASE_URL must be https.',
  ],
  ['http in production', { WECHATPAY_BASE_URL: 'http://wx.example' }, 'WECHATPAY_BASE_URL must be https.'],
  [
    'a port at the real host',
    { WECHATPAY_BASE_URL: 'https://api.mch.weixin.qq.com:8443' },
    'WECHATPAY_BASE_URL must have a host only',
  ],
  [
    'the real host outside production',
    {},
    /^WECHATPAY_BASE_URL .+ only with NODE_ENV=production/,
    { isProduction: false },
  ],
  [
    'the second host outside production',
    { WECHATPAY_BASE_URL: 'https://api2.mch.weixin.qq.com/' },
    /only with NODE_ENV=production/,
    { isProduction: false },
  ],
  [
    'a key twice, in upper and in lower case',
    keys({ [platformSerial]: platformCertificate, [platformSerial.toLowerCase()]: platformCertificate }),
    /occurs twice/,
  ],
  [
    'a path for a key',
    { WECHATPAY_PRIVATE_KEY: '/run/secrets/apiclient_key.pem' },
    /looks like a path: use WECHATPAY_PRIVATE_KEY_FILE\.$/,
  ],
  ['a path for the keys', { WECHATPAY_PLATFORM_KEYS: './keys.json' }, /path: use WECHATPAY_PLATFORM_KEYS_FILE\.$/],
  ['a path among the keys', keys({ [publicKeyId]: '/pub_key.pem' }), /path: write the text itself\.$/],
  [
    'blanks for line breaks',
    keys({ [publicKeyId]: platformPem.replaceAll('\n', ' ') }),
    /line breaks were replaced by blanks/,
  ],
])(
  'WeChat Pay is refused with %s, in one sentence that names the variable',
  (_what, changed, violation, given = {}) => {
    const { setup, violations } = read({ ...complete, ...changed }, given);
    expect(setup).toBeNull();
    expect(violations).toEqual([
      typeof violation === 'string' ? expect.stringContaining(violation) : expect.stringMatching(violation),
    ]);
    expect(violations.join()).not.toMatch(/PRIVATE KEY-----|[A-Za-z0-9+/]{64}/);
    expect(violations.join()).not.toContain(apiV3Key.slice(2));
  },
);

test('everything that is wrong is told at once, what is missing among it', () => {
  const wrong = { ...complete, WECHATPAY_APP_ID: 'x', WECHATPAY_API_V3_KEY: 'x', ...keys({}) };
  const { violations } = read({ ...wrong, WECHATPAY_MCH_ID: undefined, WECHATPAY_BASE_URL: 'x' });
  expect(violations.map((violation) => violation.split(' ', 1)[0])).toEqual([
    ...['WeChat', 'WECHATPAY_APP_ID', 'WECHATPAY_API_V3_KEY', 'WECHATPAY_PLATFORM_KEYS', 'WECHATPAY_BASE_URL'],
  ]);
});

test('what is there and cannot be read is not called missing', () => {
  const { setup, violations } = read({ ...complete, WECHATPAY_PRIVATE_KEY: undefined }, { isSet: () => true });
  expect({ setup, violations }).toEqual({ setup: null, violations: [] });
});

test('WeChat Pay posts its callbacks by the internet, and a stand-in need not', () => {
  expect(read(complete).callers).toEqual(['WeChat Pay']);
  expect(read({ ...complete, WECHATPAY_BASE_URL: 'https://wx.example' })).toMatchObject({
    callers: [],
    violations: [],
  });
});

test('a serial number is the same in lower case: in the configuration, and in what comes in', async () => {
  const serial = platformSerial.toLowerCase();
  const { setup } = read({ ...complete, ...keys({ [serial]: platformPem }) });
  const provider = await setup?.open({ now: () => now, webhookUrl: 'https://pay.example/webhooks/wechatpay' }, '');
  const body = notificationOf('TRANSACTION.SUCCESS', aTransaction());
  for (const spelled of [platformSerial, serial]) {
    const headers = signedHeaders(body, { serial: spelled });
    expect(provider?.verifyWebhook({ headers, body, receivedAt: now }).eventType).toBe('TRANSACTION.SUCCESS');
  }
});

test('a start can say whose account it is, and where', () => {
  expect(read(complete).setup?.description).toBe(`merchant ${mchId}, app ${appId}, at api.mch.weixin.qq.com`);
});

test.each<[what: string, baseUrl: string, given: Given]>([
  ['http to this machine in production', 'http://localhost:4100', { isProduction: true }],
  ['http elsewhere in development', 'http://sandbox:4100', { isProduction: false }],
])('a stand-in for WeChat Pay may be reached by %s', (_what, baseUrl, given) => {
  const { setup, violations } = read({ ...complete, WECHATPAY_BASE_URL: baseUrl }, given);
  expect(violations).toEqual([]);
  expect(setup?.name).toBe('WECHATPAY');
});
