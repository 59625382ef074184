import { createVerify } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { newId } from '../../src/domain/ids.ts';
import type { NextAction } from '../../src/domain/payment.ts';
import { NotSentError } from '../../src/providers/http-request.ts';
import {
  MisconfiguredError,
  NotExecutedError,
  OutcomeUnknownError,
  type PaymentOrder,
  type PaymentProvider,
  RejectedError,
} from '../../src/providers/provider.ts';
import type { WechatpayOptions } from '../../src/providers/wechatpay/adapter.ts';
import { createSend, type Send } from '../../src/providers/wechatpay/transport.ts';
import {
  anOrderToPay,
  appId,
  aRefund,
  aRefundToMake,
  aTransaction,
  certificateSerial,
  certified,
  isSignedRightly,
  mchId,
  merchant,
  merchantSerial,
  now,
  nowSeconds,
  openProvider,
  openWechat,
  patient,
  platform,
  publicKeyId,
  type Said,
  signedHeaders,
  type Told,
  webhookUrl,
} from './wechatpay-rig.ts';

const minute = 60_000;
const after = (ms: number) => new Date(now.getTime() + ms);
const order = anOrderToPay();
const { paymentId } = order;
const codeUrl = { code_url: 'weixin://wxpay/bizpayurl?pr=abcdefg' };
const pageUrl = { h5_url: 'https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx1&package=2' };
const prepayId = { prepay_id: 'wx201410272009395522657a690389285100' };

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => null,
    (error: unknown) => error,
  );
}

/** Starts the payment where `answer` is all that WeChat Pay ever says. */
async function started(paid: PaymentOrder, answer: object) {
  const { provider, told } = await openWechat(() => ({ body: answer }));
  const report = await provider.startPayment(paid, patient());
  const [first] = told;
  if (first === undefined) throw new Error('Nothing was told.');
  return { report, told: first, parameters: JSON.parse(first.body) };
}

test('a QR code is asked for with all that WeChat Pay must know, under a signature of the merchant’s', async () => {
  const { report, told, parameters } = await started(order, codeUrl);
  expect({ method: told.method, target: told.target }).toEqual({
    method: 'POST',
    target: '/v3/pay/transactions/native',
  });
  expect(isSignedRightly(told)).toBe(true);
  expect(told.headers).toMatchObject({
    accept: 'application/json',
    'content-type': 'application/json',
    'wechatpay-serial': publicKeyId,
    'user-agent': expect.stringMatching(/./),
  });
  expect(parameters).toEqual({
    appid: appId,
    mchid: mchId,
    description: '两张票',
    out_trade_no: paymentId,
    time_expire: '2026-11-21T08:30:00+08:00',
    notify_url: webhookUrl,
    amount: { total: 1000, currency: 'CNY' },
  });
  expect(report).toMatchObject({
    paymentId,
    status: 'ACTION_REQUIRED',
    providerPaymentId: null,
    nextAction: { kind: 'QR_CODE', content: codeUrl.code_url, expiresAt: after(30 * minute).toISOString() },
    evidence: { source: 'RESPONSE', receivedAt: now },
  });
});

test('a QR code lives two hours at most', async () => {
  const { report } = await started(anOrderToPay({ expiresAt: after(24 * 60 * minute) }), codeUrl);
  expect(report.nextAction).toMatchObject({ expiresAt: after(120 * minute).toISOString() });
});

test('a page for a phone’s browser is asked for with the buyer’s address, and leads back', async () => {
  const returnUrl = 'https://shop.example/thanks?a=1&b=/';
  const wanted = anOrderToPay({ flow: 'MOBILE_WEB', buyerIp: '203.0.113.7', returnUrl });
  const { report, told, parameters } = await started(wanted, pageUrl);
  expect(told.target).toBe('/v3/pay/transactions/h5');
  expect(parameters.scene_info).toEqual({ payer_client_ip: '203.0.113.7', h5_info: { type: 'Wap' } });
  expect(report.nextAction).toEqual({
    kind: 'REDIRECT',
    url: `${pageUrl.h5_url}&redirect_url=https%3A%2F%2Fshop.example%2Fthanks%3Fa%3D1%26b%3D%2F`,
    expiresAt: after(5 * minute).toISOString(),
  });
});

test('a page leads nowhere when nobody says where to, and lives no longer than its order', async () => {
  const wanted = anOrderToPay({ flow: 'MOBILE_WEB', buyerIp: '2001:db8::7', expiresAt: after(2 * minute) });
  const { report } = await started(wanted, pageUrl);
  expect(report.nextAction).toMatchObject({ url: pageUrl.h5_url, expiresAt: after(2 * minute).toISOString() });
});

test('what WeChat’s own browser is handed is signed by the merchant', async () => {
  const wanted = anOrderToPay({ flow: 'IN_APP', openId: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' });
  const { report, told, parameters } = await started(wanted, prepayId);
  expect(told.target).toBe('/v3/pay/transactions/jsapi');
  expect(parameters.payer).toEqual({ openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' });
  const action = bridgeOf(report.nextAction);
  expect(action).toMatchObject({
    appId,
    timeStamp: String(nowSeconds),
    nonceStr: expect.stringMatching(/^[0-9A-Za-z]{16,32}$/),
    package: `prepay_id=${prepayId.prepay_id}`,
    signType: 'RSA',
  });
  const signed = `${action.appId}\n${action.timeStamp}\n${action.nonceStr}\n${action.package}\n`;
  const isSigned = createVerify('sha256').update(signed).verify(merchant.publicKey, action.paySign, 'base64');
  expect(isSigned).toBe(true);
});

function bridgeOf(action: NextAction | null) {
  if (action?.kind !== 'WECHAT_PAY_BRIDGE') throw new Error('There is nothing to open WeChat with.');
  return action;
}

test.each<[flow: PaymentOrder['flow'], answer: object]>([
  ['QR_CODE', codeUrl],
  ['MOBILE_WEB', pageUrl],
  ['IN_APP', prepayId],
])('a repetition of %s says the same an hour later, and renews what the buyer acts by', async (flow, answer) => {
  let at = now;
  const wanted = anOrderToPay({ flow, buyerIp: '203.0.113.7', openId: 'o1', expiresAt: after(180 * minute) });
  const { provider, told } = await openWechat(() => ({ body: answer, headers: freshly(answer, at) }), {
    now: () => at,
  });
  const first = await provider.startPayment(wanted, patient());
  at = after(60 * minute);
  const second = await provider.startPayment(wanted, patient());
  expect(told[1]?.body).toBe(told[0]?.body);
  expect(second.nextAction).not.toEqual(first.nextAction);
});

function freshly(answer: object, at: Date): Record<string, string> {
  return signedHeaders(JSON.stringify(answer), { timestamp: Math.floor(at.getTime() / 1000) });
}

test.each<[what: string, description: string | null, told: string]>([
  ['none', null, 'Order A-1'],
  ['nothing but blanks', ' \n\t ', 'Order A-1'],
  ['line breaks', 'one\r\ntwo\0three', 'one two three'],
  ['127 characters', '票'.repeat(127), '票'.repeat(127)],
  ['more than 127', '票'.repeat(200), '票'.repeat(127)],
  ['a character of two halves at the end', `${'a'.repeat(126)}🎫`, 'a'.repeat(126)],
  ['a half of a character', 'a\ud83cb', 'a b'],
])('a description of %s is told as one line that WeChat Pay takes', async (_what, description, told) => {
  const { parameters } = await started(anOrderToPay({ description }), codeUrl);
  expect(parameters.description).toBe(told);
});

test('a payment whose time has run out is refused without a call', async () => {
  const { provider, told } = await openWechat(() => ({ body: codeUrl }));
  const failure = await failureOf(provider.startPayment(anOrderToPay({ expiresAt: now }), patient()));
  expect(failure).toBeInstanceOf(RejectedError);
  expect(failure).toMatchObject({ failure: { reason: 'expired' } });
  expect(told).toEqual([]);
});

test.each<[what: string, facts: Partial<PaymentOrder>]>([
  ['in euros', { currency: 'EUR' }],
  ['of nothing', { amountMinor: 0n }],
  ['beyond the largest amount', { amountMinor: 2_147_483_648n }],
  ['that is only authorized', { captureMode: 'MANUAL' }],
])('a payment %s is refused in a sentence, and not told', async (_what, facts) => {
  const { provider, told } = await openWechat(() => ({ body: codeUrl }));
  const wanted = anOrderToPay(facts);
  expect(provider.refusalOf(wanted)).toMatch(/^WeChat Pay .+\.$/);
  expect(await failureOf(provider.startPayment(wanted, patient()))).toBeInstanceOf(RejectedError);
  expect(told).toEqual([]);
});

test.each([1n, 2_147_483_647n])('%s fen are taken', (amountMinor) => {
  expect(openProvider().refusalOf(anOrderToPay({ amountMinor }))).toBeNull();
});

test('nothing is ever captured', async () => {
  const failure = await failureOf(openProvider().capturePayment(order, { amountMinor: 1000n, attempt: 1 }, patient()));
  expect(failure).toBeInstanceOf(RejectedError);
});

// What an answer means

type Outcome = 'unknown' | 'not executed' | 'refused';
function outcomeOf(error: unknown): Outcome | unknown {
  if (error instanceof OutcomeUnknownError) return 'unknown';
  if (error instanceof NotExecutedError) return 'not executed';
  if (error instanceof RejectedError) return 'refused';
  return error;
}

const said = (status: number, code: string): Said => ({ status, body: { code, message: '说明' } });
const calls: Readonly<Record<string, (provider: PaymentProvider) => Promise<unknown>>> = {
  start: (provider) => provider.startPayment(order, patient()),
  query: (provider) => provider.queryPayment(order, patient()),
  close: (provider) => provider.closePayment(order, patient()),
  refund: (provider) => provider.startRefund(aRefundToMake(), patient()),
  'refund query': (provider) =>
    provider.queryRefund({ ...aRefundToMake(), refundId: aRefundToMake().refundId }, patient()),
  list: (provider) => provider.listRefunds(order, patient()),
};

const everywhere: [what: string, said: Said | 'hangUp', outcome: Outcome][] = [
  ['500 SYSTEM_ERROR', said(500, 'SYSTEM_ERROR'), 'unknown'],
  ['400 SYSTEMERROR', said(400, 'SYSTEMERROR'), 'unknown'],
  ['500 BANK_ERROR', said(500, 'BANK_ERROR'), 'unknown'],
  ['400 BANKERROR', said(400, 'BANKERROR'), 'unknown'],
  ['502 of a gateway', { status: 502, body: '<html></html>', headers: {} }, 'unknown'],
  ['503 FREQUENCY_LIMITED', said(503, 'FREQUENCY_LIMITED'), 'unknown'],
  ['429 FREQUENCY_LIMITED', said(429, 'FREQUENCY_LIMITED'), 'not executed'],
  ['429 RATELIMIT_EXCEEDED', said(429, 'RATELIMIT_EXCEEDED'), 'not executed'],
  ['403 RATELIMITEXCEEDED', said(403, 'RATELIMITEXCEEDED'), 'not executed'],
  ['429 of a gateway', { status: 429, body: '', headers: {} }, 'not executed'],
  ['401 SIGN_ERROR', said(401, 'SIGN_ERROR'), 'not executed'],
  ['401 SIGNERROR, unsigned', { ...said(401, 'SIGNERROR'), headers: {} }, 'not executed'],
  ['403 NO_AUTH', said(403, 'NO_AUTH'), 'not executed'],
  ['403 NOAUTH', said(403, 'NOAUTH'), 'not executed'],
  ['400 APPID_MCHID_NOT_MATCH', said(400, 'APPID_MCHID_NOT_MATCH'), 'not executed'],
  ['400 MCH_NOT_EXISTS', said(400, 'MCH_NOT_EXISTS'), 'not executed'],
  ['a code that is new', said(400, 'MOON_IN_WRONG_HOUSE'), 'unknown'],
  ['403 without a code', { status: 403, body: 'Forbidden', headers: {} }, 'unknown'],
  ['404 of a gateway', { status: 404, body: 'Not Found', headers: {} }, 'unknown'],
  ['200 unsigned', { body: codeUrl, headers: {} }, 'unknown'],
  ['200 with another body than was signed', { body: codeUrl, headers: signedHeaders('{}') }, 'unknown'],
  [
    '200 with a signature of ten minutes ago',
    { body: codeUrl, headers: signedHeaders(JSON.stringify(codeUrl), { timestamp: nowSeconds - 600 }) },
    'unknown',
  ],
  [
    '200 signed by the merchant',
    { body: codeUrl, headers: signedHeaders(JSON.stringify(codeUrl), { key: merchant.privateKey }) },
    'unknown',
  ],
  [
    '404 signed wrongly',
    { ...said(404, 'ORDER_NOT_EXIST'), headers: signedHeaders('another', { serial: publicKeyId }) },
    'unknown',
  ],
  ['200 that is no JSON', { body: 'ok' }, 'unknown'],
  ['200 with nothing', {}, 'unknown'],
  ['200 with something else', { body: { moon: 'full' } }, 'unknown'],
  ['a redirect', { status: 302, body: '', headers: { location: 'http://127.0.0.1:9/' } }, 'unknown'],
  ['a connection that breaks', 'hangUp', 'unknown'],
];

test.each(everywhere)('%s means the same to every call', async (_what, answer, outcome) => {
  const { provider } = await openWechat(() => answer);
  for (const call of Object.values(calls)) expect(outcomeOf(await failureOf(call(provider)))).toBe(outcome);
});

test.each<[what: string, said: Said, outcome: Outcome]>([
  ['PARAM_ERROR', said(400, 'PARAM_ERROR'), 'refused'],
  ['ORDER_CLOSED', said(400, 'ORDER_CLOSED'), 'refused'],
  ['ORDERCLOSED', said(400, 'ORDERCLOSED'), 'refused'],
  ['RULE_LIMIT', said(403, 'RULE_LIMIT'), 'refused'],
  ['TRADE_ERROR', said(403, 'TRADE_ERROR'), 'refused'],
  ['202 USERPAYING', said(202, 'USERPAYING'), 'unknown'],
])('a start that is answered by %s', async (code, answer, outcome) => {
  const { provider, told } = await openWechat(() => answer);
  const error = await failureOf(provider.startPayment(order, patient()));
  expect(outcomeOf(error)).toBe(outcome);
  expect(told).toHaveLength(1);
  if (error instanceof RejectedError) {
    expect(error.failure).toMatchObject({ providerCode: code, message: expect.stringMatching(/\.$/) });
    expect(error.failure.message).not.toContain('说明');
  }
});

test.each<[what: string, said: Said, reason: string]>([
  ['NOT_ENOUGH', said(403, 'NOT_ENOUGH'), 'insufficient_balance'],
  ['NOTENOUGH', said(403, 'NOTENOUGH'), 'insufficient_balance'],
  ['RESOURCE_NOT_EXISTS', said(404, 'RESOURCE_NOT_EXISTS'), 'provider_error'],
  ['USER_ACCOUNT_ABNORMAL', said(403, 'USER_ACCOUNT_ABNORMAL'), 'buyer_account_unusable'],
  ['INVALID_REQUEST', said(400, 'INVALID_REQUEST'), 'provider_error'],
  ['PARAM_ERROR', said(400, 'PARAM_ERROR'), 'provider_error'],
])('a refund that is answered by %s has failed for good', async (code, answer, reason) => {
  const { provider } = await openWechat(() => answer);
  const error = await failureOf(provider.startRefund(aRefundToMake(), patient()));
  expect(error).toMatchObject({ failure: { reason, providerCode: code } });
  expect(error).toBeInstanceOf(RejectedError);
});

test('what not to call again soon says for how long', async () => {
  const { provider } = await openWechat(({ method }) =>
    method === 'GET' ? said(429, 'FREQUENCY_LIMITED') : said(401, 'SIGN_ERROR'),
  );
  expect(await failureOf(provider.queryPayment(order, patient()))).toMatchObject({ retryAfterMs: 5000 });
  expect(await failureOf(provider.startPayment(order, patient()))).toMatchObject({ retryAfterMs: 30_000 });
});

test.each<[code: string, status: number, what: string]>([
  ['SIGN_ERROR', 401, 'check WECHATPAY_PRIVATE_KEY and WECHATPAY_SERIAL'],
  ['WHATEVER', 401, 'check WECHATPAY_PRIVATE_KEY and WECHATPAY_SERIAL'],
  ['APPID_MCHID_NOT_MATCH', 400, 'check WECHATPAY_APP_ID and WECHATPAY_MCH_ID'],
  ['MCH_NOT_EXISTS', 400, 'check WECHATPAY_MCH_ID'],
  ['NO_AUTH', 403, 'the merchant of WECHATPAY_MCH_ID may use this product'],
])('what is configured wrongly is told as such, and what to check: %s', async (code, status, what) => {
  const { provider } = await openWechat(() => said(status, code));
  const error = await failureOf(provider.startPayment(order, patient()));
  expect(error).toBeInstanceOf(MisconfiguredError);
  expect(error).toMatchObject({
    message: expect.stringContaining(what),
    cause: { message: expect.stringContaining(`${status} ${code}`) },
    retryAfterMs: 30_000,
  });
});

test('an answer by a key that we do not hold says which, and where to add it', async () => {
  const { provider } = await openWechat(() => ({
    body: codeUrl,
    headers: signedHeaders(JSON.stringify(codeUrl), { serial: 'PUB_KEY_ID_9' }),
  }));
  const error = await failureOf(provider.startPayment(order, patient()));
  expect(outcomeOf(error)).toBe('unknown');
  expect(String(error)).toContain('add the key of serial PUB_KEY_ID_9 to WECHATPAY_PLATFORM_KEYS');
});

test('an error names WeChat Pay’s code and the request, and no secret', async () => {
  const headers = { 'request-id': '08F78BB5AF0610D302' };
  const { provider } = await openWechat(() => ({ ...said(500, 'SYSTEM_ERROR'), headers }));
  const error = await failureOf(provider.startPayment(order, patient()));
  expect(String(error)).toContain('500 SYSTEM_ERROR, request 08F78BB5AF0610D302');
});

test('an answer by the older key is believed as well', async () => {
  const { provider } = await openWechat(() => ({
    body: codeUrl,
    headers: signedHeaders(JSON.stringify(codeUrl), { key: certified.privateKey, serial: certificateSerial }),
  }));
  expect(await provider.startPayment(order, patient())).toMatchObject({ status: 'ACTION_REQUIRED' });
});

test('without a public key, answers are asked for by the first of the certificates', async () => {
  const { provider, told } = await openWechat(() => ({ body: codeUrl }), {
    platformKeys: new Map([
      [certificateSerial, certified.publicKey],
      ['6157F09EFDC096DE15EBE81A47057A7232F1B8E2', platform.publicKey],
    ]),
  });
  await failureOf(provider.startPayment(order, patient()));
  expect(told[0]?.headers['wechatpay-serial']).toBe(certificateSerial);
});

test('a call that is not answered by its deadline may have happened', async () => {
  const provider = openProvider({ send: () => new Promise<never>(() => {}) });
  for (const signal of [AbortSignal.abort(), AbortSignal.timeout(1)]) {
    expect(outcomeOf(await failureOf(provider.startPayment(order, signal)))).toBe('unknown');
  }
});

test('an answer that does not end is given up', async () => {
  const { provider } = await openWechat(() => ({ body: { ...codeUrl, more: 'x'.repeat(2 * 1024 * 1024) } }));
  expect(outcomeOf(await failureOf(provider.startPayment(order, patient())))).toBe('unknown');
});

// The second host

const unpaid = { trade_state: 'NOTPAY', transaction_id: '', success_time: undefined };
const real = { baseUrl: 'https://api.mch.weixin.qq.com/' };
type Spent = { readonly host: string; readonly timeoutMs: number };
function downAt(host: string, failure: Error) {
  const asked: string[] = [];
  const spent: Spent[] = [];
  const down = new Set([host]);
  const send: Send = async ({ method, url, headers, body, timeoutMs }) => {
    asked.push(url);
    spent.push({ host: new URL(url).host, timeoutMs });
    const { pathname, search } = new URL(url);
    const told: Told = { method, target: pathname + search, headers: { authorization: headers.Authorization }, body };
    expect(isSignedRightly(told)).toBe(true);
    if (down.has(new URL(url).host)) throw failure;
    const isQuery = method === 'GET';
    const text = JSON.stringify(isQuery ? aTransaction({ out_trade_no: paymentId, ...unpaid }) : codeUrl);
    return { status: 200, headers: signedHeaders(text), body: text };
  };
  return { send, asked, spent, down };
}
const refusedConnection = new NotSentError(Object.assign(new Error(), { code: 'ECONNREFUSED' }));
const reset = Object.assign(new Error(), { code: 'ECONNRESET' });

test.each<[what: string, failure: Error]>([
  ['takes no connection', refusedConnection],
  ['says nothing', new DOMException('', 'TimeoutError')],
])('when the first host %s, the second one is told the same', async (_what, failure) => {
  const { send, asked } = downAt('api.mch.weixin.qq.com', failure);
  const report = await openProvider({ ...real, send }).startPayment(order, patient());
  expect(report).toMatchObject({ status: 'ACTION_REQUIRED' });
  expect(asked).toEqual([
    'https://api.mch.weixin.qq.com/v3/pay/transactions/native',
    'https://api2.mch.weixin.qq.com/v3/pay/transactions/native',
  ]);
});

test('a connection that broke later is not tried at the second host, nor is anything when the first is not the real one', async () => {
  const broken = downAt('api.mch.weixin.qq.com', reset);
  const elsewhere = downAt('sandbox.example', refusedConnection);
  const providers = [
    [openProvider({ ...real, send: broken.send }), OutcomeUnknownError],
    [openProvider({ baseUrl: 'https://sandbox.example/', send: elsewhere.send }), NotExecutedError],
  ] as const;
  for (const [provider, outcome] of providers) {
    expect(await failureOf(provider.startPayment(order, patient()))).toBeInstanceOf(outcome);
  }
  expect([...broken.asked, ...elsewhere.asked]).toHaveLength(2);
});

const first = 'api.mch.weixin.qq.com';
const second = 'api2.mch.weixin.qq.com';
const silence = new DOMException('', 'TimeoutError');
const hostsOf = (spent: readonly Spent[]) => spent.map(({ host }) => host);

test('a host that says nothing costs a few seconds once, so that a call of three steps ends within 20', async () => {
  const { send, spent } = downAt(first, silence);
  await openProvider({ ...real, send }).closePayment(order, patient());
  expect(hostsOf(spent)).toEqual([first, second, second, second]);
  const waitedMs = spent.filter(({ host }) => host === first).reduce((sum, { timeoutMs }) => sum + timeoutMs, 0);
  expect(waitedMs).toBe(4000);
  expect(spent.at(-1)?.timeoutMs).toBe(10_000);
});

test('after some minutes the first host is asked first again', async () => {
  const { send, spent, down } = downAt(first, silence);
  let time = now;
  const provider = openProvider({ ...real, send, now: () => time });
  const paid = { ...order, expiresAt: after(60 * minute) };
  await provider.queryPayment(paid, patient());
  down.clear();
  for (const minutes of [1, 4]) {
    time = after(minutes * minute);
    await failureOf(provider.queryPayment(paid, patient()));
  }
  expect(hostsOf(spent)).toEqual([first, second, second, second]);
  time = after(5 * minute);
  await failureOf(provider.queryPayment(paid, patient()));
  expect(hostsOf(spent).at(-1)).toBe(first);
});

test('when the second host is gone meanwhile, the first one is told, and asked first from then on', async () => {
  const { send, spent, down } = downAt(first, refusedConnection);
  const provider = openProvider({ ...real, send });
  await provider.queryPayment(order, patient());
  down.clear();
  down.add(second);
  await provider.queryPayment(order, patient());
  await provider.queryPayment(order, patient());
  expect(hostsOf(spent)).toEqual([first, second, second, first, first]);
});

test('a stand-in has no second host, and all the time', async () => {
  const { send, spent } = downAt('nowhere', silence);
  await openProvider({ baseUrl: 'https://sandbox.example/', send }).queryPayment(order, patient());
  expect(spent).toEqual([{ host: 'sandbox.example', timeoutMs: 10_000 }]);
});

test('a request over the network is given up when its own time is over', async () => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const sending = createSend()({ method: 'GET', url, headers: {}, body: '', timeoutMs: 1 }, patient());
  const failure = await failureOf(sending);
  // The time may be over before there is a connection.
  expect(failure instanceof NotSentError ? failure.cause : failure).toMatchObject({ name: 'TimeoutError' });
});

test('where the first host may have been told and the second one is not there, the outcome is open', async () => {
  const send: Send = async ({ url }) => {
    throw new URL(url).host === first ? silence : refusedConnection;
  };
  const failure = await failureOf(openProvider({ ...real, send }).startPayment(order, patient()));
  expect(failure).toBeInstanceOf(OutcomeUnknownError);
});

test('where neither host is there, nothing was done', async () => {
  const send: Send = async () => {
    throw refusedConnection;
  };
  const failure = await failureOf(openProvider({ ...real, send }).startPayment(order, patient()));
  expect(failure).toBeInstanceOf(NotExecutedError);
  expect(failure).not.toBeInstanceOf(MisconfiguredError);
});

test.each<[what: string, changed: Partial<WechatpayOptions>, error: typeof NotExecutedError, message: string]>([
  ['a key that cannot sign', { privateKey: merchant.publicKey }, MisconfiguredError, 'check WECHATPAY_PRIVATE_KEY'],
  [
    'a header that cannot be sent',
    { serial: `${merchantSerial}\n` },
    MisconfiguredError,
    'invalid Authorization header',
  ],
  [
    'a port where nobody listens',
    { baseUrl: 'http://127.0.0.1:1/' },
    NotExecutedError,
    'could not be reached: ECONNREFUSED',
  ],
  ['a name that nobody has', { baseUrl: 'http://wechatpay.invalid/' }, NotExecutedError, 'could not be reached: E'],
])('with %s nothing was sent, so certainly nothing was done', async (_what, changed, error, message) => {
  const unreached = openProvider(changed);
  const refund = { refundId: newId('refund'), paymentId, amountMinor: 300n, currency: 'CNY', capturedMinor: 1000n };
  const names = { reason: null, createdAt: now, providerPaymentId: null, providerRefundId: null };
  for (const call of [
    () => unreached.startPayment(order, patient()),
    () => unreached.queryPayment(order, patient()),
    () => unreached.startRefund({ ...refund, ...names }, patient()),
  ]) {
    const failure = await failureOf(call());
    expect(failure).toBeInstanceOf(error);
    expect(failure).toMatchObject({ message: expect.stringContaining(message) });
    expect(String(failure)).not.toMatch(/127\.0\.0\.1|signature=/);
  }
});

// What becomes of a payment

/** Answers the n-th call by the n-th answer. */
function inTurn(...answers: Said[]): () => Said {
  const rest = [...answers];
  return () => rest.shift() ?? said(500, 'SYSTEM_ERROR');
}
const transaction = (facts: object = {}): Said => ({
  body: aTransaction({ out_trade_no: paymentId, ...facts }),
});
const noContent: Said = { status: 204 };

test.each([
  ['NOTPAY', 'ACTION_REQUIRED'],
  ['USERPAYING', 'PROCESSING'],
  ['ACCEPT', 'PROCESSING'],
  ['SUCCESS', 'SUCCEEDED'],
  ['REFUND', 'SUCCEEDED'],
  ['CLOSED', 'CANCELED'],
  ['REVOKED', 'CANCELED'],
  ['PAYERROR', 'FAILED'],
])('a payment that is %s there is %s', async (state, status) => {
  const { provider, told } = await openWechat(() => transaction({ trade_state: state }));
  const isPaid = status === 'SUCCEEDED';
  expect(await provider.queryPayment(order, patient())).toMatchObject({
    kind: 'report',
    report: { paymentId, status, amountMinor: 1000n, capturedMinor: isPaid ? 1000n : null, nextAction: null },
  });
  expect(told[0]).toMatchObject({
    method: 'GET',
    target: `/v3/pay/transactions/out-trade-no/${paymentId}?mchid=${mchId}`,
    body: '',
  });
  expect(told.every(isSignedRightly)).toBe(true);
});

test('a payment that is closed once its time has run out has expired', async () => {
  const { provider } = await openWechat(() => transaction({ trade_state: 'CLOSED' }));
  const answer = await provider.queryPayment({ ...order, expiresAt: now }, patient());
  expect(answer).toMatchObject({ report: { status: 'EXPIRED' } });
});

test('a payment that was never paid may be told without an amount', async () => {
  const { provider } = await openWechat(() => transaction({ ...unpaid, amount: undefined }));
  expect(await provider.queryPayment(order, patient())).toMatchObject({
    report: { status: 'ACTION_REQUIRED', amountMinor: null, providerPaymentId: null },
  });
});

test.each(['USERPAYING', 'USER_PAYING'])('202 %s is no success: the buyer is just paying', async (code) => {
  const { provider } = await openWechat(() => said(202, code));
  expect(await provider.queryPayment(order, patient())).toMatchObject({ report: { status: 'PROCESSING' } });
});

test.each(['ORDER_NOT_EXIST', 'ORDERNOTEXIST'])('404 %s is WeChat Pay’s word that nobody can pay it', async (code) => {
  const { provider } = await openWechat(() => said(404, code));
  const nothing = { kind: 'notFound', payableUntil: null };
  expect(await provider.queryPayment(order, patient())).toEqual(nothing);
  expect(await provider.closePayment(order, patient())).toEqual(nothing);
});

test.each<[what: string, facts: object]>([
  ['another merchant’s', { mchid: '1900000110' }],
  ['another app’s', { appid: 'wx0000000000000000' }],
  ['another payment', { out_trade_no: anOrderToPay().paymentId }],
  ['of a state that is new', { trade_state: 'DREAMT' }],
  ['paid without an amount', { amount: undefined }],
  ['paid without a name', { transaction_id: undefined }],
])('an answer that is %s says nothing', async (_what, facts) => {
  const { provider } = await openWechat(() => transaction(facts));
  expect(outcomeOf(await failureOf(provider.queryPayment(order, patient())))).toBe('unknown');
});

test.each(['OUT_TRADE_NO_USED', 'ORDERPAID', 'ORDER_PAID', 'INVALID_REQUEST'])(
  'a start that is answered by %s is asked about before anything is concluded',
  async (code) => {
    const paid = await openWechat(inTurn(said(403, code), transaction()));
    expect(await paid.provider.startPayment(order, patient())).toMatchObject({ status: 'SUCCEEDED' });
    const lost = await openWechat(inTurn(said(403, code), said(500, 'SYSTEM_ERROR')));
    expect(outcomeOf(await failureOf(lost.provider.startPayment(order, patient())))).toBe('unknown');
    const none = await openWechat(inTurn(said(403, code), said(404, 'ORDER_NOT_EXIST')));
    const concluded = code === 'INVALID_REQUEST' ? 'refused' : 'unknown';
    expect(outcomeOf(await failureOf(none.provider.startPayment(order, patient())))).toBe(concluded);
  },
);

test('a payment is closed by asking, closing, and asking again', async () => {
  const { provider, told } = await openWechat(
    inTurn(transaction(unpaid), noContent, transaction({ ...unpaid, trade_state: 'CLOSED' })),
  );
  expect(await provider.closePayment(order, patient())).toMatchObject({ report: { status: 'CANCELED' } });
  expect(told.map(({ method, target }) => `${method} ${target}`)).toEqual([
    `GET /v3/pay/transactions/out-trade-no/${paymentId}?mchid=${mchId}`,
    `POST /v3/pay/transactions/out-trade-no/${paymentId}/close`,
    `GET /v3/pay/transactions/out-trade-no/${paymentId}?mchid=${mchId}`,
  ]);
  expect(JSON.parse(told[1]?.body ?? '')).toEqual({ mchid: mchId });
  expect(told.every(isSignedRightly)).toBe(true);
});

test.each(['ORDERPAID', 'ORDER_PAID', 'INVALID_REQUEST', 'ORDER_CLOSED', 'TRADE_ERROR'])(
  'a close that is answered by %s tells what became of the payment',
  async (code) => {
    const { provider } = await openWechat(inTurn(transaction(unpaid), said(400, code), transaction()));
    expect(await provider.closePayment(order, patient())).toMatchObject({
      report: { status: 'SUCCEEDED', capturedMinor: 1000n },
    });
  },
);

test('a 204 that is not signed has closed nothing for certain', async () => {
  const unsigned: Said = { status: 204, headers: {} };
  const { provider } = await openWechat(inTurn(transaction(unpaid), unsigned, transaction()));
  expect(outcomeOf(await failureOf(provider.closePayment(order, patient())))).toBe('unknown');
});

test('what is paid, or closed, is not closed', async () => {
  for (const state of ['SUCCESS', 'REFUND', 'CLOSED']) {
    const { provider, told } = await openWechat(() => transaction({ trade_state: state }));
    await provider.closePayment(order, patient());
    expect(told).toHaveLength(1);
  }
});

// Refunds

const refund = aRefundToMake({ paymentId });
const { refundId } = refund;
const refundSaid = (facts: object = {}): Said => ({
  body: aRefund({ out_trade_no: paymentId, out_refund_no: refundId, ...facts }),
});

test('a refund is accepted first, and done later', async () => {
  const { provider, told } = await openWechat(() => refundSaid());
  expect(await provider.startRefund(refund, patient())).toEqual({
    refundId,
    providerRefundId: '50000000382019052709732678859',
    status: 'PENDING',
    amountMinor: 300n,
    currency: 'CNY',
    reason: null,
    failure: null,
    evidence: { source: 'RESPONSE', providerTime: null, receivedAt: now },
  });
  expect(told[0]).toMatchObject({ method: 'POST', target: '/v3/refund/domestic/refunds' });
  expect(JSON.parse(told[0]?.body ?? '')).toEqual({
    out_trade_no: paymentId,
    out_refund_no: refundId,
    reason: '退一张',
    notify_url: webhookUrl,
    amount: { refund: 300, total: 1000, currency: 'CNY' },
  });
});

test.each<[reason: string | null, told: string | undefined]>([
  [null, undefined],
  ['  ', undefined],
  ['票'.repeat(100), '票'.repeat(80)],
])('a reason of %s is told as %s', async (reason, expected) => {
  const { provider, told } = await openWechat(() => refundSaid());
  await provider.startRefund({ ...refund, reason }, patient());
  expect(JSON.parse(told[0]?.body ?? '').reason).toBe(expected);
});

test.each([
  ['PROCESSING', 'PENDING', null],
  ['SUCCESS', 'SUCCEEDED', null],
  ['CLOSED', 'FAILED', 'closed'],
  ['ABNORMAL', 'PENDING', 'abnormal'],
])('a refund that is %s there is %s', async (state, status, reason) => {
  const { provider, told } = await openWechat(() => refundSaid({ status: state }));
  const answer = await provider.queryRefund(refund, patient());
  expect(answer).toMatchObject({ kind: 'report', report: { refundId, status } });
  expect(answer.kind === 'report' && (answer.report.failure?.reason ?? null)).toBe(reason);
  expect(told[0]).toMatchObject({ method: 'GET', target: `/v3/refund/domestic/refunds/${refundId}` });
});

test('a refund that was made in the console is asked about by its number there', async () => {
  const number = 'console-1|a@b*';
  const { provider, told } = await openWechat(() => refundSaid({ out_refund_no: number, status: 'SUCCESS' }));
  const name = { paymentId, providerPaymentId: null, refundId: null, providerRefundId: number };
  expect(await provider.queryRefund(name, patient())).toMatchObject({
    report: { refundId: null, providerRefundId: number, amountMinor: 300n },
  });
  expect(told[0]?.target).toBe('/v3/refund/domestic/refunds/console-1%7Ca%40b*');
  expect(told.every(isSignedRightly)).toBe(true);
});

test.each(['RESOURCE_NOT_EXISTS', 'RESOURCENOTEXISTS'])('404 %s is a refund that was never made', async (code) => {
  const { provider } = await openWechat(() => said(404, code));
  expect(await provider.queryRefund(refund, patient())).toEqual({ kind: 'notFound' });
});

test.each<[what: string, facts: object]>([
  ['of another number', { out_refund_no: aRefundToMake().refundId }],
  ['of another payment', { out_trade_no: anOrderToPay().paymentId }],
  ['of a status that is new', { status: 'DREAMT' }],
  ['as notifications have it', { status: undefined, refund_status: 'SUCCESS' }],
  ['without an amount', { amount: undefined }],
])('an answer with a refund %s says nothing', async (_what, facts) => {
  const { provider } = await openWechat(() => refundSaid(facts));
  expect(outcomeOf(await failureOf(provider.startRefund(refund, patient())))).toBe('unknown');
  expect(outcomeOf(await failureOf(provider.queryRefund(refund, patient())))).toBe('unknown');
});

test.each([
  ['REFUND', 'SOME'],
  ['SUCCESS', 'NONE'],
  ['NOTPAY', null],
])('of a payment that is %s, %s went back', async (state, returned) => {
  const { provider } = await openWechat(() => transaction({ trade_state: state }));
  expect(await provider.listRefunds(order, patient())).toEqual({ refunds: [], returned });
});
