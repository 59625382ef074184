import { createPrivateKey, createSecretKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { authorizationOf, signatureFaultOf, signLines } from '../../src/providers/wechatpay/signature.ts';
import {
  certificateSerial,
  certified,
  isSignedRightly,
  mchId,
  merchant,
  merchantSerial,
  now,
  nowSeconds,
  openProvider,
  platform,
  publicKeyId,
  signedHeaders,
} from './wechatpay-rig.ts';

const linesSchema = z.object({ lines: z.array(z.string()), signature: z.string() });
const headSchema = z.object({ timestamp: z.string(), nonce: z.string(), signature: z.string() });
/** Made by other programs than Node. */
const made = z
  .object({
    apiV3Key: z.string(),
    merchantPrivateKey: z.string(),
    platformCertificate: z.string(),
    platformSerial: z.string(),
    request: linesSchema,
    bridge: linesSchema,
    notification: headSchema.extend({ body: z.string(), plain: z.string() }),
    noContent: headSchema,
  })
  .parse(JSON.parse(readFileSync(new URL('fixtures/wechatpay-openssl.json', import.meta.url), 'utf8')));

const keys = new Map([
  [publicKeyId, platform.publicKey],
  [certificateSerial, certified.publicKey],
]);
const body = Buffer.from('{"prepay_id":"wx26112209580621e9b071c00d9e093b0000","世界":"🙂"}', 'utf8');
const fault = (headers: Record<string, string>, signed: Buffer = body) => signatureFaultOf(headers, signed, keys, now);

test.each(['request', 'bridge'] as const)('openssl signs a %s as we do, byte for byte', async (what) => {
  const { lines, signature } = made[what];
  expect(await signLines(createPrivateKey(made.merchantPrivateKey), lines)).toBe(signature);
});

test('what openssl has signed and another program has sealed is read', () => {
  const { body: sent, plain, ...head } = made.notification;
  const publicKey = new X509Certificate(made.platformCertificate).publicKey;
  const provider = openProvider({
    apiV3Key: createSecretKey(Buffer.from(made.apiV3Key)),
    platformKeys: new Map([[made.platformSerial, publicKey]]),
  });
  const receivedAt = new Date(Number(head.timestamp) * 1000);
  const delivery = { headers: headersOf(head), body: Buffer.from(sent), receivedAt };
  expect(provider.verifyWebhook(delivery)).toEqual({
    eventId: 'EV-2018022511223320873',
    eventType: 'TRANSACTION.SUCCESS',
  });
  expect(provider.readWebhook(delivery.body, receivedAt)).toMatchObject({
    kind: 'payment',
    report: { paymentId: JSON.parse(plain).out_trade_no, amountMinor: 1000n, capturedMinor: 1000n },
  });
});

test('an answer without a body has a signature as well', () => {
  const publicKey = new X509Certificate(made.platformCertificate).publicKey;
  const heldThere = new Map([[made.platformSerial, publicKey]]);
  const at = new Date(Number(made.noContent.timestamp) * 1000);
  const headers = headersOf(made.noContent);
  expect(signatureFaultOf(headers, Buffer.alloc(0), heldThere, at)).toBeNull();
  expect(signatureFaultOf(headers, Buffer.from('\n'), heldThere, at)).toBe('BAD_SIGNATURE');
});

function headersOf({ timestamp, nonce, signature }: z.infer<typeof headSchema>): Record<string, string> {
  return {
    'wechatpay-timestamp': timestamp,
    'wechatpay-nonce': nonce,
    'wechatpay-signature': signature,
    'wechatpay-serial': made.platformSerial,
  };
}

test.each<[method: string, target: string, sent: string]>([
  ['GET', `/v3/pay/transactions/out-trade-no/pay_1?mchid=${mchId}`, ''],
  ['POST', '/v3/pay/transactions/native', '{"description":"两张票 🙂"}'],
])('a %s is signed with its path, its query, its time and its body', async (method, target, sent) => {
  const signer = { mchId, serial: merchantSerial, privateKey: merchant.privateKey };
  const authorization = await authorizationOf(signer, { method, target, body: sent }, now);
  const request = { method, target, headers: { authorization }, body: sent };
  expect(isSignedRightly(request)).toBe(true);
  expect(isSignedRightly({ ...request, target: `${target}x` })).toBe(false);
  expect(isSignedRightly({ ...request, body: `${sent} ` })).toBe(false);
  expect(await authorizationOf(signer, { method, target, body: sent }, now)).not.toBe(authorization); // another nonce
});

test.each<[what: string, headers: Record<string, string>]>([
  ['by the public key', signedHeaders(body)],
  [
    'by the certificate that it replaces',
    signedHeaders(body, { key: certified.privateKey, serial: certificateSerial }),
  ],
  ['300 seconds ago', signedHeaders(body, { timestamp: nowSeconds - 300 })],
  ['300 seconds ahead', signedHeaders(body, { timestamp: nowSeconds + 300 })],
  ['with its scheme named', { ...signedHeaders(body), 'wechatpay-signature-type': 'WECHATPAY2-SHA256-RSA2048' }],
])('a text signed %s is believed', (_what, headers) => {
  expect(fault(headers)).toBeNull();
});

const right = signedHeaders(body);
const signature = right['wechatpay-signature'] ?? '';
const without = (name: string) => Object.fromEntries(Object.entries(right).filter(([held]) => held !== name));
const inherited: Record<string, string> = Object.create(right);

test.each<[what: string, headers: Record<string, string>, why: string]>([
  ['no headers', {}, 'MISSING_SIGNATURE'],
  ['headers that are only inherited', inherited, 'MISSING_SIGNATURE'],
  ['no timestamp', without('wechatpay-timestamp'), 'MISSING_SIGNATURE'],
  ['no nonce', without('wechatpay-nonce'), 'MISSING_SIGNATURE'],
  ['no signature', without('wechatpay-signature'), 'MISSING_SIGNATURE'],
  ['no serial', without('wechatpay-serial'), 'MISSING_SIGNATURE'],
  ['an empty signature', { ...right, 'wechatpay-signature': '' }, 'MISSING_SIGNATURE'],
  ['301 seconds of age', signedHeaders(body, { timestamp: nowSeconds - 301 }), 'STALE'],
  ['301 seconds to come', signedHeaders(body, { timestamp: nowSeconds + 301 }), 'STALE'],
  ['a time of 1970', signedHeaders(body, { timestamp: 0 }), 'STALE'],
  ['a time in milliseconds', signedHeaders(body, { timestamp: now.getTime() }), 'BAD_SIGNATURE'],
  ['a time that is no number', signedHeaders(body, { timestamp: 'now' }), 'BAD_SIGNATURE'],
  ['a time with a fraction', signedHeaders(body, { timestamp: `${nowSeconds}.0` }), 'BAD_SIGNATURE'],
  ['a time in exponential form', signedHeaders(body, { timestamp: '1.79e9' }), 'BAD_SIGNATURE'],
  ['a time with a sign', signedHeaders(body, { timestamp: `+${nowSeconds}` }), 'BAD_SIGNATURE'],
  ['a time with a blank', signedHeaders(body, { timestamp: ` ${nowSeconds}` }), 'BAD_SIGNATURE'],
  ['another time than was signed', { ...right, 'wechatpay-timestamp': `${nowSeconds - 1}` }, 'BAD_SIGNATURE'],
  ['another nonce than was signed', { ...right, 'wechatpay-nonce': 'another' }, 'BAD_SIGNATURE'],
  ['a nonce of two lines', signedHeaders(body, { nonce: 'one\ntwo' }), 'BAD_SIGNATURE'],
  ['a serial that we do not hold', signedHeaders(body, { serial: 'PUB_KEY_ID_2' }), 'UNKNOWN_KEY'],
  [
    'the merchant’s own serial',
    signedHeaders(body, { serial: merchantSerial, key: merchant.privateKey }),
    'UNKNOWN_KEY',
  ],
  ['__proto__ for a serial', signedHeaders(body, { serial: '__proto__' }), 'UNKNOWN_KEY'],
  ['constructor for a serial', signedHeaders(body, { serial: 'constructor' }), 'UNKNOWN_KEY'],
  ['a serial in lower case', signedHeaders(body, { serial: publicKeyId.toLowerCase() }), 'UNKNOWN_KEY'],
  ['the other key’s serial', signedHeaders(body, { serial: certificateSerial }), 'BAD_SIGNATURE'],
  ['the merchant’s signature', signedHeaders(body, { key: merchant.privateKey }), 'BAD_SIGNATURE'],
  ['another scheme', { ...right, 'wechatpay-signature-type': 'WECHATPAY2-SM2-WITH-SM3' }, 'BAD_SIGNATURE'],
  ['an empty scheme', { ...right, 'wechatpay-signature-type': '' }, 'BAD_SIGNATURE'],
  ['a probe', { ...right, 'wechatpay-signature': `WECHATPAY/SIGNTEST/${signature.slice(19)}` }, 'BAD_SIGNATURE'],
  ['a short probe', { ...right, 'wechatpay-signature': 'WECHATPAY/SIGNTEST/1' }, 'BAD_SIGNATURE'],
  ['half a signature', { ...right, 'wechatpay-signature': signature.slice(0, 172) }, 'BAD_SIGNATURE'],
  ['a blank behind the signature', { ...right, 'wechatpay-signature': `${signature} ` }, 'BAD_SIGNATURE'],
  ['base64 for URLs', { ...right, 'wechatpay-signature': signature.replace(/[+/]/g, '-') }, 'BAD_SIGNATURE'],
  ['no padding', { ...right, 'wechatpay-signature': signature.replaceAll('=', '') }, 'BAD_SIGNATURE'],
  ['two signatures', { ...right, 'wechatpay-signature': `${signature}, ${signature}` }, 'BAD_SIGNATURE'],
  ['two timestamps', { ...right, 'wechatpay-timestamp': `${nowSeconds}, ${nowSeconds}` }, 'BAD_SIGNATURE'],
  ['two nonces', { ...right, 'wechatpay-nonce': `${right['wechatpay-nonce']}, 1` }, 'BAD_SIGNATURE'],
  ['two serials', { ...right, 'wechatpay-serial': `${publicKeyId}, ${publicKeyId}` }, 'UNKNOWN_KEY'],
])('a text is not believed with %s', (_what, headers, why) => {
  expect(fault(headers)).toBe(why);
});

test.each<[what: string, changed: Buffer]>([
  ['nothing left of it', Buffer.alloc(0)],
  ['its last byte gone', body.subarray(0, -1)],
  ['a line feed more', Buffer.concat([body, Buffer.from('\n')])],
  ['a byte order mark', Buffer.concat([Buffer.from('\ufeff'), body])],
  ['other white space', Buffer.from(JSON.stringify(JSON.parse(body.toString()), null, 1))],
  ['its characters escaped', Buffer.from(body.toString().replace('世', '\\u4e16'))],
])('a text is not believed with %s', (_what, changed) => {
  expect(fault(right, changed)).toBe('BAD_SIGNATURE');
});
