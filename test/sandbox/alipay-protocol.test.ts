import { createVerify } from 'node:crypto';
import { AlipayRequestError } from 'alipay-sdk';
import { expect, test } from 'vitest';
import {
  type AlipayRig,
  alipayKeys,
  appKeys,
  beijing,
  dayMs,
  type Fields,
  hourMs,
  onPage,
  openAlipayRig,
  pagePay,
  paid,
  precreate,
  query,
  rawParams,
  signByHand,
  startsAt,
  subCode,
  tea,
} from './alipay-rig.ts';

const unknown = { out_trade_no: 'pay_unknown' };

/** The response text of a request without the SDK. */
async function textOf(rig: AlipayRig, method: string, biz: object): Promise<string> {
  const params = rawParams(rig, method, biz);
  const sign = signByHand(params, appKeys.privateKey);
  const response = await fetch(`${rig.sandbox.url}/gateway.do`, {
    method: 'POST',
    body: new URLSearchParams({ ...params, sign }),
  });
  return response.text();
}

function verifies(node: string, sign: string): boolean {
  return createVerify('RSA-SHA256').update(node).verify(alipayKeys.publicKey, sign, 'base64');
}

test('requests of the SDK, with parameters in query and body, get responses that the SDK accepts', async () => {
  const rig = await openAlipayRig();
  const made = await rig.exec(precreate, tea('pay_1'));
  expect(made).toMatchObject({ code: '10000', msg: 'Success', out_trade_no: 'pay_1' });
  expect(made.traceId).toMatch(/^[0-9a-z]{32}$/);
});

test.each(['query', 'body'] as const)('a request with all parameters in the %s is accepted', async (place) => {
  const rig = await openAlipayRig();
  const answer = await rig.raw(rawParams(rig, query, unknown), { in: place });
  expect(answer.alipay_trade_query_response).toMatchObject({ code: '40004', sub_code: 'ACQ.TRADE_NOT_EXIST' });
});

test('the signature covers the node as sent, with escaped slashes', async () => {
  const rig = await openAlipayRig();
  const text = await textOf(rig, precreate, tea('pay_1'));
  const [, node = '', sign = ''] = /^\{"alipay_trade_precreate_response":(\{.*\}),"sign":"([^"]+)"\}$/.exec(text) ?? [];
  expect(node).toContain('"qr_code":"http:\\/\\/127.0.0.1');
  expect(verifies(node, sign)).toBe(true);
  expect(verifies(JSON.stringify(JSON.parse(node)), sign)).toBe(false);
});

test.each<[what: string, change: Fields, code: string, subCode: string]>([
  ['a foreign app_id', { app_id: '2021000000000002' }, '40002', 'isv.invalid-app-id'],
  ['an empty app_id', { app_id: '' }, '40002', 'isv.invalid-app-id'],
  ['SHA-1', { sign_type: 'RSA' }, '40002', 'isv.invalid-signature-type'],
  ['no sign_type', { sign_type: '' }, '40001', 'isv.missing-signature-type'],
  ['another charset', { charset: 'gbk' }, '40002', 'isv.invalid-charset'],
  ['another version', { version: '2.0' }, '40002', 'isv.invalid-version'],
  ['another format', { format: 'XML' }, '40002', 'isv.invalid-format'],
  ['no method', { method: '' }, '40001', 'isv.missing-method'],
  ['a method that there is not', { method: 'alipay.trade.steal' }, '40002', 'isv.invalid-method'],
  ['no timestamp', { timestamp: '' }, '40001', 'isv.missing-timestamp'],
  ['an ISO timestamp', { timestamp: '2030-01-10T12:00:00+08:00' }, '40002', 'isv.invalid-timestamp'],
  ['a day that there is not', { timestamp: '2030-02-30 12:00:00' }, '40002', 'isv.invalid-timestamp'],
  ['an old timestamp', { timestamp: beijing(startsAt.getTime() - dayMs - 1000) }, '40002', 'isv.invalid-timestamp'],
  ['a future timestamp', { timestamp: beijing(startsAt.getTime() + dayMs + 1000) }, '40002', 'isv.invalid-timestamp'],
  ['biz_content that is no JSON', { biz_content: '{' }, '40002', 'isv.invalid-parameter'],
  ['a notify_url that is none', { notify_url: 'merchant' }, '40002', 'isv.invalid-parameter'],
])('%s is refused by the gateway, in a signed error_response', async (_what, change, code, sub) => {
  const rig = await openAlipayRig();
  const params = Object.entries({ ...rawParams(rig, query, unknown), ...change }).filter(([, value]) => value !== '');
  const answer = await rig.raw(Object.fromEntries(params));
  expect(answer.error_response).toMatchObject({ code, sub_code: sub });
  expect(answer.sign).toEqual(expect.any(String));
});

test('a timestamp in the wrong zone is accepted, as by Alipay', async () => {
  const rig = await openAlipayRig();
  const utc = beijing(startsAt.getTime() - 8 * hourMs);
  const answer = await rig.raw(rawParams(rig, query, unknown, { timestamp: utc }));
  expect(answer.alipay_trade_query_response).toMatchObject({ sub_code: 'ACQ.TRADE_NOT_EXIST' });
});

test.each<[what: string, send: { key?: string; sign?: string }]>([
  ['of another key', { key: alipayKeys.privateKey }],
  ['that is no base64', { sign: '%%%' }],
])('a signature %s is refused with the text that it must cover', async (_what, send) => {
  const rig = await openAlipayRig();
  const answer = await rig.raw(rawParams(rig, query, unknown), send);
  expect(answer.error_response).toMatchObject({ code: '40002', sub_code: 'isv.invalid-signature' });
  expect(answer.error_response.sub_msg).toContain('app_id=2021000000000001&amp;biz_content=');
});

test('a missing signature is refused, and so is one of other parameters', async () => {
  const rig = await openAlipayRig();
  const missing = await rig.raw(rawParams(rig, query, unknown), { sign: '' });
  expect(missing.error_response).toMatchObject({ code: '40001', sub_code: 'isv.missing-signature' });
  const url = rig.pageUrl(pagePay, tea('pay_1', onPage));
  const shown = await rig.browse(url.replace('12.34', '00.01'));
  expect(shown.status).toBe(400);
  expect(shown.text).toContain('isv.invalid-signature');
});

test('a repeated parameter is refused, also across query and body', async () => {
  const rig = await openAlipayRig();
  const url = `${rig.sandbox.url}/gateway.do?method=${query}`;
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams({ method: query }) });
  const answer = JSON.parse(await response.text());
  expect(answer.error_response).toMatchObject({ code: '40002', sub_code: 'isv.invalid-parameter' });
});

test('a body that is not a form is refused', async () => {
  const rig = await openAlipayRig();
  const response = await fetch(`${rig.sandbox.url}/gateway.do`, {
    method: 'POST',
    body: '{}',
    headers: { 'Content-Type': 'application/json' },
  });
  expect(JSON.parse(await response.text())).toMatchObject({ error_response: { sub_code: 'isv.invalid-parameter' } });
});

test('a refusal of the gateway is signed, although the SDK expects the signature in another node and throws', async () => {
  const rig = await openAlipayRig({ sdk: { appId: '2021000000000002' } });
  const error = await rig.exec(query, unknown).catch((thrown: unknown) => thrown);
  if (!(error instanceof AlipayRequestError)) throw new Error('expected an AlipayRequestError', { cause: error });
  const text = String(error.responseDataRaw);
  const [, node = '', sign = ''] = /^\{"error_response":(\{.*\}),"sign":"([^"]+)"\}$/.exec(text) ?? [];
  expect(JSON.parse(node)).toMatchObject({ sub_code: 'isv.invalid-app-id' });
  expect(verifies(node, sign)).toBe(true);
});

test('in certificate mode requests and responses carry the serial numbers of certificates', async () => {
  const certificates = { appCertSn: 'app-sn', rootCertSn: 'root-sn_1', alipayCertSn: 'alipay-sn' };
  const sdk = { appCertSn: 'app-sn', alipayRootCertSn: 'root-sn_1', alipayCertSn: 'alipay-sn' };
  const rig = await openAlipayRig({ alipay: { certificates }, sdk });
  expect(await rig.exec(precreate, tea('pay_1'))).toMatchObject({ code: '10000' });
  const params = rawParams(rig, query, unknown);
  expect((await rig.raw(params)).error_response).toMatchObject({ sub_code: 'isv.missing-app-cert-sn' });
  const foreign = { ...params, app_cert_sn: 'other', alipay_root_cert_sn: 'root-sn_1' };
  expect((await rig.raw(foreign)).error_response).toMatchObject({ sub_code: 'isv.invalid-app-cert-sn' });
  const right = { ...params, app_cert_sn: 'app-sn', alipay_root_cert_sn: 'root-sn_1' };
  expect(await rig.raw(right)).toMatchObject({ alipay_cert_sn: 'alipay-sn' });
});

test.each<[parameter: string, biz: Fields]>([
  ['out_trade_no', { out_trade_no: 'pay-1' }],
  ['out_trade_no', { out_trade_no: 'p'.repeat(65) }],
  ['out_trade_no', { out_trade_no: '' }],
  ['total_amount', { total_amount: '0.00' }],
  ['total_amount', { total_amount: '100000000.01' }],
  ['total_amount', { total_amount: '1.234' }],
  ['total_amount', { total_amount: '1e2' }],
  ['total_amount', { total_amount: '-1.00' }],
  ['subject', { subject: 'a/b' }],
  ['subject', { subject: 'a&b' }],
  ['subject', { subject: '茶'.repeat(257) }],
  ['passback_params', { passback_params: 'a=b' }],
  ['time_expire', { time_expire: '2030-01-10T12:00:00' }],
  ['timeout_express', { timeout_express: '16d' }],
  ['product_code', { product_code: 'FAST_INSTANT_TRADE_PAY' }],
])('an invalid %s is named', async (parameter, change) => {
  const rig = await openAlipayRig();
  const answer = await rig.exec(precreate, tea('pay_1', change));
  expect(answer).toMatchObject({ code: '40004', sub_code: 'ACQ.INVALID_PARAMETER' });
  expect(answer.sub_msg).toContain(parameter);
});

test('the smallest and the largest amount are accepted', async () => {
  const rig = await openAlipayRig();
  expect(await subCode(rig.exec(precreate, tea('pay_1', { total_amount: '0.01' })))).toBeUndefined();
  await rig.exec(precreate, tea('pay_2', { total_amount: '100000000.00' }));
  expect(await rig.buyer('pay_2', 'scan')).toMatchObject({ amount: 10_000_000_000 });
  await paid(rig);
  expect(await rig.exec(query, { out_trade_no: 'pay_2' })).toMatchObject({ total_amount: '100000000.00' });
});
