import { expect, test } from 'vitest';
import {
  apiV3Key,
  type Bent,
  certificate,
  certificateSerial,
  decrypt,
  fetchSigned,
  merchantSerial,
  openMerchantServer,
  openWechatpay,
  order,
  orderNumber,
  paths,
  publicKeySerial,
  signedRequest,
  startSeconds,
  wechatpay,
} from './wechatpay-rig.ts';

test.each<[what: string, bent: Bent]>([
  ['another scheme', { scheme: 'WECHATPAY2-SHA256-RSA1024' }],
  ['a foreign mchid', { mchid: '1900000110' }],
  ['a foreign serial number', { serial: certificateSerial }],
  ['a timestamp too old', { timestamp: startSeconds - 301 }],
  ['a timestamp too far ahead', { timestamp: startSeconds + 301 }],
  ['a timestamp that is none', { timestamp: 'now' }],
  ['a nonce too short', { nonce: 'a'.repeat(15) }],
  ['a nonce too long', { nonce: 'a'.repeat(33) }],
  ['a signature over another method', { signed: { method: 'POST' } }],
  ['a signature that leaves out the query', { signed: { target: paths.query.split('?')[0] ?? '' } }],
  ['a signature over another body', { signed: { body: '{}' } }],
  ['no Authorization', { headers: { Authorization: undefined } }],
  ['an Authorization without values', { headers: { Authorization: 'WECHATPAY2-SHA256-RSA2048 mchid="1"' } }],
  ['an Authorization of another kind', { headers: { Authorization: 'Bearer token' } }],
])('a request with %s gets 401 SIGN_ERROR', async (_what, bent) => {
  const { get } = await openWechatpay();
  const answer = await get(paths.query, bent);
  expect(answer).toMatchObject({ status: 401, json: { code: 'SIGN_ERROR' } });
  expect(answer.json.message).not.toBe('');
});

test.each<[seconds: number]>([[-300], [300]])('a timestamp %i s away is accepted', async (seconds) => {
  const { get } = await openWechatpay();
  expect((await get(paths.query, { timestamp: startSeconds + seconds })).status).toBe(404);
});

test('a nonce is valid for one request', async () => {
  const { get } = await openWechatpay();
  const nonce = 'a-nonce-of-this-test';
  expect((await get(paths.query, { nonce })).status).toBe(404);
  expect(await get(paths.query, { nonce })).toMatchObject({ status: 401, json: { code: 'SIGN_ERROR' } });
});

test('an expired nonce can be used again', async () => {
  const { get, sandbox } = await openWechatpay();
  const nonce = 'a-nonce-of-this-test';
  await get(paths.query, { nonce });
  await sandbox.advance(601_000);
  expect((await get(paths.query, { nonce })).status).toBe(404);
});

test.each<[header: string, value: string | undefined]>([
  ['Accept', undefined],
  ['Accept', 'text/html'],
  ['User-Agent', undefined],
  ['Content-Type', undefined],
  ['Content-Type', 'application/x-www-form-urlencoded'],
])('a POST with the header %s: %s gets 400 PARAM_ERROR', async (header, value) => {
  const { post } = await openWechatpay();
  const answer = await post(paths.native, order, { headers: { [header]: value } });
  expect(answer).toMatchObject({ status: 400, json: { code: 'PARAM_ERROR' } });
});

test('every response is signed, including 204 and refusals, and has a Request-ID', async () => {
  const { get, post } = await openWechatpay();
  const answers = [
    await post(paths.native, order),
    await get(paths.query),
    await post(paths.close, { mchid: order.mchid }),
    await get(paths.query.replace(orderNumber, 'pay_none')),
    await get(paths.query, { mchid: 'foreign' }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 204, 404, 401]);
  expect(answers[2]?.body).toBe('');
  for (const { verified, headers } of answers) {
    expect(verified).toBe(true);
    expect(headers['wechatpay-timestamp']).toBe(String(startSeconds));
    expect(headers['request-id']).toMatch(/^\w{32}$/);
  }
  expect(new Set(answers.map(({ headers }) => headers['wechatpay-nonce'])).size).toBe(answers.length);
});

test.each<[asked: string | undefined, used: string]>([
  [undefined, publicKeySerial],
  [publicKeySerial, publicKeySerial],
  [certificateSerial, certificateSerial],
  ['0000000000000000000000000000000000000000', publicKeySerial],
])('a request for the key %s gets a response signed by %s', async (asked, used) => {
  const { get } = await openWechatpay();
  const answer = await get(paths.query, { headers: { 'Wechatpay-Serial': asked } });
  expect(answer.headers['wechatpay-serial']).toBe(used);
  expect(answer.verified).toBe(true);
});

test('platform certificates are encrypted; a public key is not listed', async () => {
  const { get } = await openWechatpay();
  const answer = await get('/v3/certificates');
  expect(answer).toMatchObject({ status: 200, verified: true });
  expect(answer.json.data).toEqual([
    {
      serial_no: certificateSerial,
      effective_time: '2026-01-01T08:00:00+08:00',
      expire_time: '2031-01-01T08:00:00+08:00',
      encrypt_certificate: expect.objectContaining({ algorithm: 'AEAD_AES_256_GCM', associated_data: 'certificate' }),
    },
  ]);
  expect(decrypt(answer.json.data[0].encrypt_certificate)).toBe(certificate);
});

test.each<[method: 'GET' | 'POST', target: string, status: number]>([
  ['GET', '/v3/nonsense', 404],
  ['GET', '/v3', 404],
  ['GET', paths.native, 405],
  ['POST', '/v3/certificates', 405],
  ['GET', '/v3/pay/transactions/out-trade-no/%E0%A4%A?mchid=1900000109', 404],
])('%s %s gets %i', async (method, target, status) => {
  const { outcome, nowSeconds } = await openWechatpay();
  const body = method === 'POST' ? '{}' : '';
  expect(await outcome(signedRequest(method, target, body, nowSeconds()))).toMatchObject({ status, verified: true });
});

test.each<[fault: string, status: number, code: string | undefined, executed: boolean]>([
  ['rate_limit', 429, 'FREQUENCY_LIMITED', false],
  ['lock_timeout', 500, 'SYSTEM_ERROR', false],
  ['refuse', 400, 'INVALID_REQUEST', false],
  ['error_500_before', 500, 'SYSTEM_ERROR', false],
  ['error_500_after', 500, 'SYSTEM_ERROR', true],
  ['system_error', 500, 'SYSTEM_ERROR', true],
  ['user_paying', 202, 'USERPAYING', false],
])('the fault %s returns %i %s', async (fault, status, code, executed) => {
  const { post, control, sandbox } = await openWechatpay();
  await control('/control/faults', { fault, match: { operation: 'native.create', contains: orderNumber } });
  const answer = await post(paths.native, order);
  expect(answer).toMatchObject({ status, verified: true });
  expect(answer.json.code).toBe(code);
  expect(sandbox.ledger().wechatpay?.transactions.length).toBe(executed ? 1 : 0);
  expect((await post(paths.native, order)).status).toBe(200);
});

test.each<[fault: string]>([['bad_signature'], ['unsigned'], ['wrong_serial'], ['probe'], ['malformed']])(
  'after the fault %s the answer cannot be trusted, and the order is there',
  async (fault) => {
    const { post, control, sandbox } = await openWechatpay();
    await control('/control/faults', { fault, match: { operation: 'native.create' } });
    expect(await post(paths.native, order)).toMatchObject({ status: 200, verified: false });
    expect(sandbox.ledger().wechatpay?.transactions.length).toBe(1);
    expect(await post(paths.native, order)).toMatchObject({ status: 200, verified: true });
  },
);

test('the signature of each signature fault', async () => {
  const { get, post, control } = await openWechatpay();
  await post(paths.native, order);
  const spoiled = async (fault: string) => {
    await control('/control/faults', { fault, match: { operation: 'transactions.query', contains: orderNumber } });
    return (await get(paths.query)).headers;
  };
  expect((await spoiled('probe'))['wechatpay-signature']).toMatch(/^WECHATPAY\/SIGNTEST\/./);
  expect((await spoiled('wrong_serial'))['wechatpay-serial']).toBe(merchantSerial);
  expect((await spoiled('bad_signature'))['wechatpay-serial']).toBe(publicKeySerial);
  expect(Object.keys(await spoiled('unsigned')).filter((name) => name.startsWith('wechatpay-'))).toEqual([]);
});

test.each<[fault: string, outcome: string, executed: boolean]>([
  ['timeout_before', 'unanswered', false],
  ['timeout_after', 'unanswered', true],
  ['reset_before', 'reset', false],
  ['reset_after', 'reset', true],
])('the fault %s ends in %s', async (fault, ended, executed) => {
  const { outcome, control, sandbox, nowSeconds } = await openWechatpay();
  await control('/control/faults', { fault });
  expect(await outcome(signedRequest('POST', paths.native, JSON.stringify(order), nowSeconds()))).toBe(ended);
  expect(sandbox.ledger().wechatpay?.transactions.length).toBe(executed ? 1 : 0);
});

test('a delayed request is executed later by the clock', async () => {
  const { post, control, sandbox } = await openWechatpay();
  await control('/control/faults', { fault: 'delay', ms: 5000, target: 'request' });
  const answer = post(paths.native, order);
  await sandbox.advance(4999);
  expect(sandbox.ledger().wechatpay?.transactions).toEqual([]);
  await sandbox.advance(1);
  expect(await answer).toMatchObject({ status: 200, verified: true });
});

test('by HTTP the signature covers the target and the body as sent, including non-ASCII text', async () => {
  const merchant = await openMerchantServer();
  const { sandbox } = await openWechatpay({ port: 0, virtualTime: undefined, post: undefined });
  const tea = { ...order, description: '龙井茶', notify_url: merchant.url };
  const made = await fetchSigned(sandbox.url, 'POST', paths.native, JSON.stringify(tea));
  expect(made).toMatchObject({ status: 200, verified: true });
  await sandbox.control(paths.buyer, { action: 'pay' });
  const asked = await fetchSigned(sandbox.url, 'GET', paths.query);
  expect(asked).toMatchObject({ status: 200, verified: true, json: { trade_state: 'SUCCESS' } });
  expect(await merchant.first).toMatchObject({ verified: true, plaintext: { out_trade_no: orderNumber } });
  const closed = await fetchSigned(sandbox.url, 'POST', paths.close, JSON.stringify({ mchid: order.mchid }));
  expect(closed).toMatchObject({ status: 400, verified: true, json: { code: 'ORDERPAID' } });
});

test.each<[what: string, change: object]>([
  ['a short APIv3 key', { apiV3Key: apiV3Key.slice(1) }],
  ['a merchant serial of another form', { merchantSerial: '12' }],
  ['a public key that is none', { merchantPublicKey: 'PEM' }],
  ['no platform key', { platformKeys: [] }],
  ['a platform serial of another form', { platformKeys: [{ ...wechatpay.platformKeys[0], serial: 'key' }] }],
  ['a platform key that is none', { platformKeys: [{ serial: publicKeySerial, privateKey: 'PEM' }] }],
])('a sandbox with %s does not start', async (_what, change) => {
  await expect(openWechatpay({ wechatpay: { ...wechatpay, ...change } })).rejects.toThrow(/must/);
});
