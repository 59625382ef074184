import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { AlipaySdk } from 'alipay-sdk';
import { expect, test } from 'vitest';
import { alipayDefinition, certSnOf } from '../../src/providers/alipay/setup.ts';
import type { ProviderSetup } from '../../src/providers/provider.ts';
import { selfSigned } from '../sandbox/wechatpay-certificate.ts';
import { alipayPublicPem, appPrivatePem, type Form, fixture, now, signedForm } from './alipay-rig.ts';

const keys: Form = {
  ALIPAY_APP_ID: '2021000000000001',
  ALIPAY_SELLER_ID: '2088000000000001',
  ALIPAY_PRIVATE_KEY: appPrivatePem,
  ALIPAY_PUBLIC_KEY: alipayPublicPem,
};
const { ALIPAY_PUBLIC_KEY: _, ...withoutPublicKey } = keys;
const certificates: Form = {
  ...withoutPublicKey,
  ALIPAY_APP_CERT: fixture('alipay-app-cert.pem'),
  ALIPAY_CERT: fixture('alipay-cert.pem'),
  ALIPAY_ROOT_CERT: fixture('alipay-root-cert.pem'),
};
const sandboxGateway = { ALIPAY_GATEWAY: 'http://127.0.0.1:4100/gateway.do' };

function read(values: Form, { isProduction = true }: { readonly isProduction?: boolean } = {}) {
  const violations: string[] = [];
  const callers: string[] = [];
  const at = (name: string) => values[name] || null;
  const isSet = (name: string) => at(name) !== null;
  const setup: ProviderSetup | null = alipayDefinition.readSetup({
    at,
    isSet,
    isProduction,
    allowsTest: false,
    violations,
    callers,
  });
  return { setup, violations, callers };
}

const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const otherPublicPem = other.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const pemOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const otherCertificate = selfSigned(pemOf(other.privateKey), '5b'.repeat(20), { subject: 'Alipay' });
const bare = (pem: string) => pem.replaceAll(/-----.*-----|\s/g, '');
const appKey = createPrivateKey(appPrivatePem);
const pkcs1 = appKey.export({ type: 'pkcs1', format: 'pem' }).toString();
const appPublicPem = createPublicKey(appKey).export({ type: 'spki', format: 'pem' }).toString();

test.each<[what: string, values: Form]>([
  ['plain keys', keys],
  ['a private key of PKCS#1', { ...keys, ALIPAY_PRIVATE_KEY: pkcs1 }],
  ['a bare private key of PKCS#8', { ...keys, ALIPAY_PRIVATE_KEY: bare(appPrivatePem) }],
  ['a bare private key of PKCS#1', { ...keys, ALIPAY_PRIVATE_KEY: bare(pkcs1) }],
  ['a bare public key, as the console shows it', { ...keys, ALIPAY_PUBLIC_KEY: bare(alipayPublicPem) }],
  ['keys on one line', { ...keys, ALIPAY_PRIVATE_KEY: appPrivatePem.replaceAll('\n', '\\n') }],
  ['certificates', certificates],
  ['certificates on one line', { ...certificates, ALIPAY_CERT: fixture('alipay-cert.pem').replaceAll('\n', '\\n') }],
  [
    'a bundle of roots',
    { ...certificates, ALIPAY_ROOT_CERT: `${fixture('alipay-root-cert.pem')}\n${fixture('alipay-cert.pem')}\n` },
  ],
  ['another gateway', { ...keys, ...sandboxGateway }],
  [
    'two of Alipay’s keys with a comma between',
    { ...keys, ALIPAY_PUBLIC_KEY: `${bare(alipayPublicPem)}, ${bare(otherPublicPem)}` },
  ],
  [
    'two of Alipay’s keys in PEM, one after the other',
    { ...keys, ALIPAY_PUBLIC_KEY: `${alipayPublicPem}\n${otherPublicPem}` },
  ],
  [
    'Alipay’s old certificate and its new one',
    { ...certificates, ALIPAY_CERT: `${fixture('alipay-cert.pem')}\n${otherCertificate}` },
  ],
])('Alipay is on with %s, and signs by the key it was given', async (_what, values) => {
  const { setup, violations } = read(values);
  expect(violations).toEqual([]);
  const provider = await setup?.open({ now: () => now, webhookUrl: 'https://pay.example/webhooks/alipay' }, '');
  expect(provider).toMatchObject({ name: 'ALIPAY', method: 'ALIPAY', account: '2021000000000001' });
  const { anOrder } = await import('./alipay-rig.ts');
  const report = await provider?.startPayment(anOrder({ flow: 'REDIRECT' }), new AbortController().signal);
  expect(report?.nextAction).toMatchObject({ url: expect.stringContaining('sign=') });
});

test('a certificate goes by the name that Alipay’s own SDK gives it', () => {
  for (const pem of [fixture('alipay-cert.pem'), fixture('alipay-app-cert.pem'), otherCertificate]) {
    const sdk = new AlipaySdk({
      ...{ appId: '2021000000000001', privateKey: appPrivatePem, keyType: 'PKCS8' },
      ...{ appCertContent: pem, alipayPublicCertContent: pem, alipayRootCertContent: fixture('alipay-root-cert.pem') },
    });
    expect(certSnOf(new X509Certificate(pem))).toBe(sdk.config.alipayCertSn);
  }
});

test('callbacks by the key of each of two certificates are believed, and not by that of their issuer', async () => {
  const issuer = pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
  const leaf = selfSigned(pemOf(other.privateKey), '5b'.repeat(20), { subject: 'Alipay', issuer: 'Ant CA' });
  const authority = selfSigned(issuer, '6d'.repeat(20), { subject: 'Ant CA' });
  const { setup, violations } = read({
    ...certificates,
    ALIPAY_CERT: `${leaf}${authority}${fixture('alipay-cert.pem')}`,
  });
  expect(violations).toEqual([]);
  const provider = await setup?.open({ now: () => now, webhookUrl: 'https://pay.example/webhooks/alipay' }, '');
  const notice = { notify_id: '1', notify_type: 'trade_status_sync', trade_status: 'TRADE_SUCCESS' };
  const verify = (key?: KeyObject) => () =>
    provider?.verifyWebhook({ headers: {}, body: signedForm(notice, key), receivedAt: now });
  expect(verify()()).toMatchObject({ eventId: '1' });
  expect(verify(other.privateKey)()).toMatchObject({ eventId: '1' });
  expect(verify(createPrivateKey(issuer))).toThrow('BAD_SIGNATURE');
});

test('without anything of Alipay’s, Alipay is off and nobody complains', () => {
  expect(read({})).toEqual({ setup: null, violations: [], callers: [] });
});

test.each<[missing: readonly string[], values: Form]>([
  ...Object.keys(keys).map((name): [string[], Form] => [
    [name],
    Object.fromEntries(Object.entries(keys).filter(([key]) => key !== name)),
  ]),
  ...['ALIPAY_APP_CERT', 'ALIPAY_CERT', 'ALIPAY_ROOT_CERT'].map((name): [string[], Form] => [
    [name],
    Object.fromEntries(Object.entries(certificates).filter(([key]) => key !== name)),
  ]),
  [['ALIPAY_APP_ID', 'ALIPAY_SELLER_ID', 'ALIPAY_PRIVATE_KEY', 'ALIPAY_PUBLIC_KEY'], sandboxGateway],
])('without %s, what is there is of no use', (missing, values) => {
  expect(read(values)).toMatchObject({
    setup: null,
    violations: [`Alipay is configured in part: set ${missing.join(' and ')} too, or unset all of ALIPAY_*.`],
  });
});

const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });

test.each<[what: string, changed: Form, violation: RegExp]>([
  ['an app id that is a name', { ALIPAY_APP_ID: 'shop' }, /^ALIPAY_APP_ID must be digits/],
  [
    'an app id for a seller',
    { ALIPAY_SELLER_ID: '2021000000000001' },
    /^ALIPAY_SELLER_ID must be 16 digits that start with 2088/,
  ],
  ['a seller that is too short', { ALIPAY_SELLER_ID: '208800000000001' }, /^ALIPAY_SELLER_ID must be 16 digits/],
  [
    'our own public key for Alipay’s',
    { ALIPAY_PUBLIC_KEY: appPublicPem },
    /^ALIPAY_PUBLIC_KEY is the public half of ALIPAY_PRIVATE_KEY: it must be Alipay’s own/,
  ],
  [
    'our own bare public key for Alipay’s',
    { ALIPAY_PUBLIC_KEY: bare(appPublicPem) },
    /^ALIPAY_PUBLIC_KEY is the public half/,
  ],
  ['a private key for Alipay’s', { ALIPAY_PUBLIC_KEY: appPrivatePem }, /^ALIPAY_PUBLIC_KEY contains a private key/],
  [
    'a certificate for Alipay’s key',
    { ALIPAY_PUBLIC_KEY: fixture('alipay-cert.pem') },
    /^ALIPAY_PUBLIC_KEY contains a certificate: set ALIPAY_CERT/,
  ],
  ['a public key for the private', { ALIPAY_PRIVATE_KEY: appPublicPem }, /^ALIPAY_PRIVATE_KEY contains a public key/],
  [
    'a certificate for the private key',
    { ALIPAY_PRIVATE_KEY: fixture('alipay-app-cert.pem') },
    /^ALIPAY_PRIVATE_KEY contains a certificate/,
  ],
  ['a private key that is none', { ALIPAY_PRIVATE_KEY: 'secret' }, /^ALIPAY_PRIVATE_KEY is not a readable private key/],
  ['a public key that is none', { ALIPAY_PUBLIC_KEY: 'public' }, /^ALIPAY_PUBLIC_KEY is not a readable public key/],
  [
    'a private key that is too short',
    { ALIPAY_PRIVATE_KEY: small.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() },
    /^ALIPAY_PRIVATE_KEY must have at least 2048 bits/,
  ],
  [
    'a public key of another kind',
    { ALIPAY_PUBLIC_KEY: ec.publicKey.export({ type: 'spki', format: 'pem' }).toString() },
    /^ALIPAY_PUBLIC_KEY must be an RSA key/,
  ],
  [
    'three of Alipay’s keys',
    { ALIPAY_PUBLIC_KEY: `${alipayPublicPem},${otherPublicPem},${otherPublicPem}` },
    /^ALIPAY_PUBLIC_KEY contains more than two/,
  ],
  [
    'a second key that is ours',
    { ALIPAY_PUBLIC_KEY: `${alipayPublicPem},${appPublicPem}` },
    /^ALIPAY_PUBLIC_KEY is the public half/,
  ],
  [
    'a second key that is none',
    { ALIPAY_PUBLIC_KEY: `${alipayPublicPem},nothing` },
    /^ALIPAY_PUBLIC_KEY is not a readable public key/,
  ],
  ['a gateway that is no URL', { ALIPAY_GATEWAY: 'alipay' }, /^ALIPAY_GATEWAY must be an http or https URL/],
])('%s is told', (_what, changed, violation) => {
  const { setup, violations } = read({ ...keys, ...changed });
  expect(setup).toBeNull();
  expect(violations).toEqual([expect.stringMatching(violation)]);
  expect(violations.join()).not.toMatch(/BEGIN|MII|secret/);
});

test.each<[what: string, changed: Form, violation: RegExp]>([
  [
    'a plain key beside them',
    { ALIPAY_PUBLIC_KEY: alipayPublicPem },
    /^ALIPAY_PUBLIC_KEY is set together with certificates/,
  ],
  [
    'the app’s for Alipay’s',
    { ALIPAY_CERT: fixture('alipay-app-cert.pem') },
    /^ALIPAY_CERT is the certificate of our own app/,
  ],
  [
    'Alipay’s for the app’s',
    { ALIPAY_APP_CERT: fixture('alipay-cert.pem') },
    /^ALIPAY_APP_CERT is not the certificate of ALIPAY_PRIVATE_KEY/,
  ],
  ['a key for Alipay’s', { ALIPAY_CERT: alipayPublicPem }, /^ALIPAY_CERT contains no PEM certificate/],
  ['no roots', { ALIPAY_ROOT_CERT: 'root' }, /^ALIPAY_ROOT_CERT contains no RSA certificate/],
])('of certificates, %s is told', (_what, changed, violation) => {
  expect(read({ ...certificates, ...changed })).toMatchObject({
    setup: null,
    violations: [expect.stringMatching(violation)],
  });
});

test.each<[where: string, gateway: string, calls: readonly string[]]>([
  ['Alipay', 'https://openapi.alipay.com/gateway.do', ['Alipay']],
  ['a stand-in', 'https://gateway.example/gateway.do', []],
])('from %s callbacks come by the internet, or do not', (_where, gateway, calls) => {
  const { violations, callers } = read({ ...keys, ALIPAY_GATEWAY: gateway });
  expect(violations).toEqual([]);
  expect(callers).toEqual(calls);
});

const outside = { isProduction: false };
const alipaySandbox = { ...keys, ALIPAY_GATEWAY: 'https://openapi-sandbox.dl.alipaydev.com/gateway.do' };

test('real money moves only in production: the live gateway belongs there, and Alipay’s sandbox anywhere else', () => {
  const live = [expect.stringMatching(/^ALIPAY_GATEWAY .+ real money moves only with NODE_ENV=production\.$/)];
  for (const values of [keys, { ...keys, ALIPAY_GATEWAY: 'https://openapi.alipay.com/gateway.do' }]) {
    expect(read(values, outside)).toMatchObject({ setup: null, violations: live });
    expect(read(values).violations).toEqual([]);
  }
  expect(read(alipaySandbox, outside)).toMatchObject({ violations: [], callers: ['Alipay'] });
  expect(read(alipaySandbox)).toMatchObject({
    setup: null,
    violations: [expect.stringMatching(/^ALIPAY_GATEWAY is Alipay’s sandbox/)],
  });
});

test('a gateway of Alipay’s has its path', () => {
  const { violations } = read({ ...keys, ALIPAY_GATEWAY: 'https://openapi.alipay.com/' });
  expect(violations).toEqual(['ALIPAY_GATEWAY must end in /gateway.do at Alipay.']);
});

test('in production a gateway is http only on this machine', () => {
  const remote = { ...keys, ALIPAY_GATEWAY: 'http://gateway.example/gateway.do' };
  expect(read(remote, outside).violations).toEqual([]);
  expect(read(remote).violations).toEqual(['ALIPAY_GATEWAY must be https in production.']);
  expect(read({ ...keys, ...sandboxGateway }).violations).toEqual([]);
});

test('all that is wrong is told at once', () => {
  const { violations } = read({ ALIPAY_APP_ID: 'x', ALIPAY_PRIVATE_KEY: 'x', ALIPAY_GATEWAY: 'x' });
  expect(violations.map((violation) => violation.split(' ', 1)[0])).toEqual(
    expect.arrayContaining(['Alipay', 'ALIPAY_APP_ID', 'ALIPAY_PRIVATE_KEY', 'ALIPAY_GATEWAY']),
  );
});

test.each<[what: string, value: string, hint: string]>([
  ['a path', '/run/secrets/alipay.pem', ' It looks like a path: use ALIPAY_PRIVATE_KEY_FILE.'],
  ['a path from here', 'keys/alipay.pem', ' It looks like a path: use ALIPAY_PRIVATE_KEY_FILE.'],
  [
    'a PEM with blanks for line breaks',
    appPrivatePem.replaceAll('\n', ' '),
    ' Its line breaks were replaced by blanks: write each as \\n, or use ALIPAY_PRIVATE_KEY_FILE.',
  ],
  ['anything else', 'hunter2', ''],
])('with %s for a key it is said what most likely happened', (_what, value, hint) => {
  const { violations } = read({ ...keys, ALIPAY_PRIVATE_KEY: value });
  expect(violations).toEqual([`ALIPAY_PRIVATE_KEY is not a readable private key in PKCS#8 or PKCS#1.${hint}`]);
});

test('a start can say whose account it is, and where', () => {
  expect(read(keys).setup?.description).toBe('app 2021000000000001 at openapi.alipay.com');
});
