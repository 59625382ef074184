import { createPublicKey, createVerify, generateKeyPairSync } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import iconv from 'iconv-lite';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import {
  MisconfiguredError,
  NotExecutedError,
  OutcomeUnknownError,
  type PaymentProvider,
  RejectedError,
} from '../../src/providers/provider.ts';
import {
  type Answer,
  anOrder,
  appPrivatePem,
  aRefund,
  aTrade,
  config,
  done,
  fixture,
  type Gateway,
  notifyUrl,
  now,
  openGateway,
  openProvider,
  refused,
  rsa2,
  signedText,
  trickyInGbk,
} from './alipay-rig.ts';
import { failureOf, patient, reportIn } from './contract-steps.ts';
import { type Asked, DoorDispatcher, type Told } from './door-dispatcher.ts';

let gateway: Gateway;
let provider: PaymentProvider;
beforeAll(async () => {
  gateway = await openGateway();
  provider = openProvider({ gateway: gateway.url });
});
beforeEach(() => {
  gateway.calls.length = 0;
});
afterAll(() => gateway.close());

const order = anOrder();
const trade = aTrade(order, { trade_status: 'TRADE_SUCCESS', send_pay_date: '2026-11-21 08:00:09' });
const node = JSON.stringify({ code: '10000', msg: 'Success', out_trade_no: order.paymentId });
const other = rsa2(node).replace(/^./, (first) => (first === 'A' ? 'B' : 'A'));

test('a call is signed over all that is sent, its time is Beijing’s, and all values are text', async () => {
  gateway.answer(done({ out_trade_no: order.paymentId, qr_code: 'https://qr.alipay.com/abc' }));
  await provider.startPayment(order, patient());
  const [call] = gateway.calls;
  const { sign = '', ...sent } = call?.parameters ?? {};
  const content = `${signedText(sent)}`.replace(/&timestamp=/, '&sign_type=RSA2&timestamp=');
  expect(createVerify('RSA-SHA256').update(content).verify(createPublicKey(appPrivatePem), sign, 'base64')).toBe(true);
  expect(sent).toMatchObject({
    ...{ app_id: config.appId, method: 'alipay.trade.precreate', charset: 'utf-8', sign_type: 'RSA2', version: '1.0' },
    ...{ timestamp: '2026-11-21 08:00:00', notify_url: notifyUrl },
  });
  expect(call?.biz).toEqual({
    out_trade_no: order.paymentId,
    total_amount: '12.30',
    subject: '两张票',
    time_expire: '2026-11-21 08:30:00',
  });
});

test('with certificates, calls name them, and answers are verified by Alipay’s', async () => {
  const certificates = {
    ...{
      app: fixture('alipay-app-cert.pem'),
      alipay: fixture('alipay-cert.pem'),
      root: fixture('alipay-root-cert.pem'),
    },
  };
  const certified = openProvider({ gateway: gateway.url, certificates });
  gateway.answer({ text: `{"alipay_trade_query_response":${node},"alipay_cert_sn":"ab","sign":"${rsa2(node)}"}` });
  // The answer is believed, and found to lack a trade.
  const failure = await failureOf(certified.queryPayment(order, patient()));
  expect(failure).toMatchObject({ message: 'Alipay’s answer does not follow its protocol.' });
  expect(gateway.calls[0]?.parameters).toMatchObject({
    // By the openssl CLI: MD5 of "CN=Test Root R1,O=Test Root,C=CN" and 4097, the issuer and the serial number.
    app_cert_sn: 'baf8bbb479af2fe870c93587e45e3174',
    alipay_root_cert_sn: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
});

type Expected = typeof OutcomeUnknownError | typeof NotExecutedError | typeof MisconfiguredError | typeof RejectedError;
test.each<[what: string, answer: Answer, error: Expected, retryAfterMs?: number]>([
  ['a reset', 'reset', OutcomeUnknownError],
  ['a 502', { status: 502, text: '<html>Bad gateway</html>' }, OutcomeUnknownError],
  ['a page instead of an answer', { text: '<html>Hello</html>' }, OutcomeUnknownError],
  ['an empty answer', { text: '' }, OutcomeUnknownError],
  ['an answer to something else', { node, key: 'alipay_trade_close_response' }, OutcomeUnknownError],
  ['an answer without a signature', { node, sign: null }, OutcomeUnknownError],
  ['a signature that is wrong', { node, sign: other }, OutcomeUnknownError],
  ['a signature that is none', { node, sign: 'AAAA' }, OutcomeUnknownError],
  ['a signature by our own key', { node, sign: rsa2(node, config.privateKey) }, OutcomeUnknownError],
  ['a success that is about another trade', aTrade(anOrder(), { trade_status: 'TRADE_SUCCESS' }), OutcomeUnknownError],
  ['a status that Alipay added since', aTrade(order, { trade_status: 'TRADE_DREAMT' }), OutcomeUnknownError],
  ['an amount that is none', aTrade(order, { total_amount: '12.345' }), OutcomeUnknownError],
  ['an amount that is a number', aTrade(order, { total_amount: 12.3 }), OutcomeUnknownError],
  ['no code', { node: { msg: 'Success' } }, OutcomeUnknownError],
  ['a code of codes', { node: { code: 10000 } }, OutcomeUnknownError],
  ['10003', refused('ACQ.WHATEVER', '10003'), OutcomeUnknownError],
  ['20000 isp.unknow-error', refused('isp.unknow-error', '20000'), OutcomeUnknownError],
  ['20000 aop.unknow-error', refused('aop.unknow-error', '20000'), OutcomeUnknownError],
  ['ACQ.SYSTEM_ERROR', refused('ACQ.SYSTEM_ERROR'), OutcomeUnknownError],
  ['AQC.SYSTEM_ERROR', refused('AQC.SYSTEM_ERROR'), OutcomeUnknownError],
  ['40004 without more', { node: { code: '40004', msg: 'Business Failed' } }, OutcomeUnknownError],
  ['40005', refused('isv.app-call-limited', '40005'), NotExecutedError, 2000],
  ['20001', refused('aop.invalid-auth-token', '20001'), MisconfiguredError, 30_000],
  ['40001', refused('isv.missing-method', '40001'), MisconfiguredError, 30_000],
  ['40002', refused('isv.invalid-signature', '40002'), MisconfiguredError, 30_000],
  ['40006', refused('isv.insufficient-isv-permissions', '40006'), MisconfiguredError, 30_000],
  ['a refusal', refused('ACQ.INVALID_PARAMETER'), RejectedError],
])('%s of a query is told by its error', async (_what, answer, error, retryAfterMs) => {
  // What was reset is sent once more.
  if (answer === 'reset') gateway.answer(answer);
  gateway.answer(answer);
  const failure = await failureOf(provider.queryPayment(order, patient()));
  expect(failure).toBeInstanceOf(error);
  if (retryAfterMs !== undefined) expect(failure).toMatchObject({ retryAfterMs });
  if (error === RejectedError) expect(failure).toMatchObject({ failure: { providerCode: 'ACQ.INVALID_PARAMETER' } });
});

test.each<[what: string, subCode: string, code: string, sign: string | null | undefined, error: Expected]>([
  ['signed', 'isv.invalid-app-id', '40002', undefined, MisconfiguredError],
  ['signed', 'isv.app-call-limited', '40005', undefined, NotExecutedError],
  ['signed', 'isp.unknow-error', '20000', undefined, OutcomeUnknownError],
  ['unsigned', 'isv.invalid-app-id', '40002', null, OutcomeUnknownError],
  ['wrongly signed', 'isv.app-call-limited', '40005', other, OutcomeUnknownError],
])('an error of the gateway itself, %s, is told: %s', async (_what, subCode, code, sign, error) => {
  const gatewayError = { code, msg: 'Invalid Arguments', sub_code: subCode, sub_msg: '无效的AppID参数' };
  gateway.answer({ node: gatewayError, key: 'error_response', ...(sign !== undefined && { sign }) });
  const failure = await failureOf(provider.queryPayment(order, patient()));
  expect(failure).toBeInstanceOf(error);
  // For whoever reads our logs.
  expect((failure as Error).cause).toMatchObject({ message: expect.stringContaining(subCode) });
});

test.each<[subCode: string, code: string, what: string]>([
  ['isv.invalid-signature', '40002', 'check ALIPAY_PRIVATE_KEY: its public half must be uploaded in Alipay’s console'],
  ['isv.invalid-app-id', '40002', 'check ALIPAY_APP_ID, and that ALIPAY_GATEWAY'],
  ['isv.invalid-timestamp', '40002', 'check the clock'],
  ['isv.app-cert-expired', '40002', 'check ALIPAY_APP_CERT'],
  ['isv.insufficient-isv-permissions', '40006', 'the app of ALIPAY_APP_ID is online and has this product'],
  ['isv.missing-method', '40001', 'check ALIPAY_APP_ID and ALIPAY_PRIVATE_KEY'],
])('what is configured wrongly says what to check: %s', async (subCode, code, what) => {
  gateway.answer(refused(subCode, code));
  expect(await failureOf(provider.queryPayment(order, patient()))).toMatchObject({
    message: expect.stringContaining(what),
    cause: { message: expect.stringContaining(`${code} ${subCode}`) },
  });
});

test('an answer that does not verify says which key to check', async () => {
  const certificates = {
    ...{ app: fixture('alipay-app-cert.pem'), alipay: fixture('alipay-cert.pem') },
    root: fixture('alipay-root-cert.pem'),
  };
  const certified = openProvider({ gateway: gateway.url, certificates });
  const unknown = { node: { code: '40002', sub_code: 'isv.invalid-app-id' }, key: 'error_response', sign: null };
  for (const [asked, answer, what] of [
    [provider, { node, sign: other }, 'check ALIPAY_PUBLIC_KEY'],
    [certified, { node, sign: other }, 'check ALIPAY_CERT'],
    [provider, unknown, 'check ALIPAY_APP_ID'],
  ] as const) {
    gateway.answer(answer);
    const failure = await failureOf(asked.queryPayment(order, patient()));
    expect(failure).toMatchObject({ message: expect.stringContaining(what) });
  }
});

/** The SDK gives up by itself after 15 seconds: what ends with its call must end earlier. */
const beforeTheSdkMs = 10_000;

/** A gateway that answers by what it is told to send, and says when the connection was closed from our side. */
async function openTap(send: (response: ServerResponse) => void) {
  let close = () => {};
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  let ask = () => {};
  const asked = new Promise<void>((resolve) => {
    ask = resolve;
  });
  const server = createServer((request, response) => {
    request.socket.once('close', close);
    request.resume();
    send(response);
    ask();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/gateway.do`;
  return { closed, asked, provider: openProvider({ gateway: url }) };
}

/** Blanks without an end, as fast as they are taken. */
function pour(response: ServerResponse): void {
  const more = () => {
    while (!response.destroyed && response.write(' '.repeat(64 * 1024)));
  };
  response.on('drain', more);
  more();
}

test('an answer without an end is not read on, and its connection is closed', async () => {
  const tap = await openTap(pour);
  const failure = await failureOf(tap.provider.queryPayment(order, patient()));
  expect(failure).toBeInstanceOf(OutcomeUnknownError);
  expect((failure as Error).cause).toMatchObject({ message: expect.stringContaining('more than 1048576 bytes') });
  await tap.closed;
});

test('an answer that is compressed, as nobody asked, is not unpacked', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '));
  const tap = await openTap((response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb));
  const failure = await failureOf(tap.provider.queryPayment(order, patient()));
  expect(failure).toBeInstanceOf(OutcomeUnknownError);
  expect((failure as Error).cause).toMatchObject({ message: expect.stringContaining('compressed') });
  await tap.closed;
});

test.each<[what: string, send: (response: ServerResponse) => void]>([
  ['says nothing', () => {}],
  ['has begun to answer', (response) => response.writeHead(200).write('{')],
])(
  'the connection to a gateway that %s ends with the call',
  async (_what, send) => {
    const tap = await openTap(send);
    const controller = new AbortController();
    const failing = failureOf(tap.provider.queryPayment(order, controller.signal));
    await tap.asked;
    controller.abort();
    expect(await failing).toBeInstanceOf(OutcomeUnknownError);
    await tap.closed;
  },
  beforeTheSdkMs,
);

const paid = JSON.stringify({
  ...JSON.parse(node),
  trade_no: '1',
  trade_status: 'TRADE_SUCCESS',
  total_amount: '12.30',
});
const name = 'alipay_trade_query_response';
test.each<[what: string, text: string]>([
  ['after it', `{"${name}":${node},"sign":"${rsa2(node)}","${name}":${paid}}`],
  ['before it', `{"${name}":${paid},"${name}":${node},"sign":"${rsa2(node)}"}`],
  ['by a name in escapes', `{"${name}":${node},"sign":"${rsa2(node)}","alipay\\u005ftrade_query_response":${paid}}`],
  ['with the signed one inside something else', `{"x":{"${name}":${node}},"${name}":${paid},"sign":"${rsa2(node)}"}`],
  ['beside a signed error', `{"${name}":${paid},"error_response":${node},"sign":"${rsa2(node)}"}`],
  [
    'with the signed one in a text',
    `{"x":${JSON.stringify(`"${name}":${node}`)},"${name}":${paid},"sign":"${rsa2(node)}"}`,
  ],
])('a node that nobody signed is not believed for a signed one: %s', async (_where, text) => {
  gateway.answer({ text });
  expect(await failureOf(provider.queryPayment(order, patient()))).toBeInstanceOf(OutcomeUnknownError);
});

test.each<[what: string, text: string]>([
  ['one node twice', `{"${name}":${paid},"${name}":${paid},"sign":"${rsa2(paid)}"}`],
  ['an error besides', `{"${name}":${paid},"error_response":${node},"sign":"${rsa2(paid)}"}`],
  ['two signatures', `{"${name}":${paid},"sign":"AAAA","sign":"${rsa2(paid)}"}`],
  ['a list', `[{"${name}":${paid},"sign":"${rsa2(paid)}"}]`],
])('what Alipay never sends is not believed, though signed: %s', async (_what, text) => {
  gateway.answer({ text });
  expect(await failureOf(provider.queryPayment(order, patient()))).toBeInstanceOf(OutcomeUnknownError);
});

test('an answer is verified as it was sent, with its escapes and blanks', async () => {
  const sent = ` { "code" : "10000", "out_trade_no":"${order.paymentId}", "trade_no":"1",\n"trade_status":"TRADE_SUCCESS","total_amount":"12.30","url":"https:\\/\\/x\\/}\\"{","note":"\\u4e24\\u5f20\\u7968 两张票 🙂 \\"sign\\"" } `;
  gateway.answer({ text: `\n { "${name}" : ${sent} , "sign" : "${rsa2(sent.trim())}" } \n` });
  expect(reportIn(await provider.queryPayment(order, patient()))).toMatchObject({ status: 'SUCCEEDED' });
});

/** An answer in bytes of GBK, signed over them. */
function inGbk(answer: object, { charset = 'GBK', key = name }: { charset?: string; key?: string } = {}): Answer {
  const bytes = iconv.encode(JSON.stringify(answer), 'gb18030');
  const before = Buffer.from(`{"note":[{"x":"`);
  const text = Buffer.concat([
    ...[before, iconv.encode(trickyInGbk, 'gb18030'), Buffer.from(`"}],"${key}":`), bytes],
    Buffer.from(`,"sign":"${rsa2(bytes)}"}`),
  ]);
  return { text, contentType: `text/html;charset=${charset}` };
}

test.each(['GBK', 'gbk', 'GB2312', 'gb18030'])(
  'an answer in %s is verified over its bytes, and then read: a report is a report, and a refusal a refusal',
  async (charset) => {
    gateway.answer(inGbk({ ...JSON.parse(paid), subject: trickyInGbk }, { charset }));
    expect(reportIn(await provider.queryPayment(order, patient()))).toMatchObject({ status: 'SUCCEEDED' });
    const msg = { code: '40004', msg: 'Business Failed', sub_msg: `卖家余额不足${trickyInGbk}` };
    const refusal = { ...msg, sub_code: 'ACQ.SELLER_BALANCE_NOT_ENOUGH' };
    gateway.answer(inGbk(refusal, { charset, key: 'alipay_trade_refund_response' }));
    expect(await failureOf(provider.startRefund(aRefund(order), patient()))).toMatchObject({
      failure: { reason: 'insufficient_funds', providerCode: 'ACQ.SELLER_BALANCE_NOT_ENOUGH' },
    });
    const invalid = { code: '40002', msg: 'Invalid Arguments', sub_code: 'isv.invalid-signature', sub_msg: '验签出错' };
    gateway.answer(inGbk(invalid, { charset, key: 'error_response' }));
    const failure = await failureOf(provider.queryPayment(order, patient()));
    expect(failure).toBeInstanceOf(MisconfiguredError);
    expect(failure).toMatchObject({ message: expect.stringContaining('check ALIPAY_PRIVATE_KEY') });
  },
);

test.each(['big5', 'utf-16', 'x-user-defined'])(
  'an answer in %s, which nobody expects, may mean anything, and blames no key',
  async (charset) => {
    gateway.answer(inGbk(JSON.parse(paid), { charset }));
    const failure = await failureOf(provider.queryPayment(order, patient()));
    expect(failure).toBeInstanceOf(OutcomeUnknownError);
    expect(String(failure)).not.toContain('KEY');
    expect((failure as Error).cause).toMatchObject({
      message: expect.stringContaining(`unknown charset: ${charset}`),
    });
  },
);

test('an answer that is not in the charset that it declares may mean anything', async () => {
  gateway.answer(inGbk({ ...JSON.parse(paid), subject: '两张票' }, { charset: 'utf-8' }));
  const failure = await failureOf(provider.queryPayment(order, patient()));
  expect(failure).toBeInstanceOf(OutcomeUnknownError);
  expect(String(failure)).not.toContain('KEY');
});

test('while Alipay’s key is changed, answers by the old and by the new one are believed, and by no third', async () => {
  const next = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const [old] = config.alipayKeys;
  const both = openProvider({ gateway: gateway.url, alipayKeys: [old, { publicKey: next.publicKey, certSn: 'ab' }] });
  const third = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  for (const [key, certSn] of [
    [undefined, null],
    [next.privateKey, null],
    [next.privateKey, 'ab'],
    [undefined, 'ab'], // the name is not signed: it only says which key to try first
    [undefined, 'cd'],
  ] as const) {
    const named = certSn === null ? '' : `,"alipay_cert_sn":"${certSn}"`;
    gateway.answer({ text: `{"${name}":${paid}${named},"sign":"${rsa2(paid, key)}"}` });
    expect(reportIn(await both.queryPayment(order, patient()))).toMatchObject({ status: 'SUCCEEDED' });
  }
  gateway.answer({ node: paid, sign: rsa2(paid, third) });
  expect(await failureOf(both.queryPayment(order, patient()))).toBeInstanceOf(OutcomeUnknownError);
  const certificates = {
    app: fixture('alipay-app-cert.pem'),
    alipay: fixture('alipay-cert.pem'),
    root: fixture('alipay-root-cert.pem'),
  };
  gateway.answer({ text: `{"${name}":${paid},"alipay_cert_sn":"cd","sign":"${rsa2(paid, third)}"}` });
  expect(
    await failureOf(openProvider({ gateway: gateway.url, certificates }).queryPayment(order, patient())),
  ).toMatchObject({
    message: expect.stringContaining(
      'check ALIPAY_CERT, which must be Alipay’s own and of this app: the answer names the certificate cd',
    ),
  });
});

/** A server of TLS that shows a certificate which nobody trusts. */
async function openSelfSigned(): Promise<string> {
  const server = createTlsServer({ key: appPrivatePem, cert: fixture('alipay-app-cert.pem') }, (_request, response) => {
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}/gateway.do`;
}

/** A port at which nobody speaks TLS: connections are closed as soon as something is heard. */
async function openMute(): Promise<string> {
  const server = createNetServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}/gateway.do`;
}

test.each<[what: string, gateway: () => Promise<string>, error: Expected, advice: string]>([
  [
    'a port where nobody listens',
    async () => 'http://127.0.0.1:1/gateway.do',
    NotExecutedError,
    'could not be reached: ECONNREFUSED',
  ],
  [
    'a name that nobody has',
    async () => 'http://gateway.invalid/gateway.do',
    NotExecutedError,
    'could not be reached: E',
  ],
  ['a handshake that is cut', async () => `https://${await openMute()}`, NotExecutedError, 'could not be reached: E'],
  ['a certificate that nobody trusts', openSelfSigned, MisconfiguredError, 'SIGNATURE; check ALIPAY_GATEWAY'],
])('with %s nothing was sent, so certainly nothing was done', async (_what, open, error, advice) => {
  const unreached = openProvider({ gateway: await open() });
  for (const call of [
    () => unreached.startPayment(order, patient()),
    () => unreached.queryPayment(order, patient()),
    () => unreached.startRefund(aRefund(order), patient()),
  ]) {
    const failure = await failureOf(call());
    expect(failure).toBeInstanceOf(error);
    if (error === NotExecutedError) expect(failure).not.toBeInstanceOf(MisconfiguredError);
    expect(failure).toMatchObject({ message: expect.stringContaining(advice) });
  }
});

test('what was written to a connection that breaks may have been done', async () => {
  const failure = await failureOf(
    openProvider({ gateway: `http://${await openMute()}` }).startPayment(order, patient()),
  );
  expect(failure).toBeInstanceOf(OutcomeUnknownError);
});

test('where a refund was made and asking about it cannot even be sent, its outcome is open', async () => {
  const told: (Told | 'nobody there')[] = [];
  const refundNode = JSON.stringify({ code: '10000', out_trade_no: order.paymentId, fund_change: 'N' });
  told.push(
    { status: 200, body: `{"alipay_trade_refund_response":${refundNode},"sign":"${rsa2(refundNode)}"}` },
    'nobody there',
  );
  const carried = new DoorDispatcher(async () => {
    const next = told.shift() ?? 'unanswered';
    return next === 'nobody there' ? 'unanswered' : next;
  });
  const httpDispatcher = carried.compose((dispatch) => (options, handler) => {
    if (told[0] !== 'nobody there') return dispatch(options, handler);
    handler.onResponseError?.(undefined as never, Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }));
    return true;
  });
  const failure = await failureOf(openProvider({ httpDispatcher }).startRefund(aRefund(order), patient()));
  expect(failure).toBeInstanceOf(OutcomeUnknownError);
  expect(failure).toMatchObject({ cause: { message: expect.stringContaining('could not be reached') } });
});

test('a call that is not answered in time may have happened', async () => {
  const failure = await failureOf(provider.queryPayment(order, AbortSignal.abort()));
  expect(failure).toBeInstanceOf(OutcomeUnknownError);
  expect(gateway.calls).toEqual([]);
});

test('errors show no key, and nothing of the buyer', async () => {
  gateway.answer({ node: JSON.stringify({ code: '10000', buyer_logon_id: 'buy@example.com' }), sign: other });
  gateway.answer({ status: 500, text: 'buy@example.com' });
  for (const _ of [1, 2]) {
    const failure = await failureOf(provider.startRefund(aRefund(order), patient()));
    let shown = '';
    for (let error: unknown = failure; error instanceof Error; error = error.cause) {
      shown += `${error.message} ${error.stack} ${JSON.stringify(error)}`;
    }
    expect(shown).not.toMatch(/buy@example|PRIVATE KEY|sign=|biz_content/);
  }
});

test('what is answered rightly is a report', async () => {
  gateway.answer(trade);
  expect(reportIn(await provider.queryPayment(order, patient()))).toEqual({
    paymentId: order.paymentId,
    providerPaymentId: '2026112122001400010000000001',
    providerReference: null,
    status: 'SUCCEEDED',
    amountMinor: 1230n,
    currency: 'CNY',
    capturedMinor: 1230n,
    failure: null,
    nextAction: null,
    card: null,
    evidence: { source: 'QUERY', providerTime: new Date('2026-11-21T00:00:09Z'), receivedAt: now },
  });
});

test('requests go by the dispatcher that is given', async () => {
  const asked: Asked[] = [];
  const told: Told[] = [];
  const httpDispatcher = new DoorDispatcher(async (request) => {
    asked.push(request);
    return told.shift() ?? 'unanswered';
  });
  const behind = openProvider({ httpDispatcher });
  const text = JSON.stringify({
    ...JSON.parse(node),
    trade_no: '1',
    trade_status: 'TRADE_SUCCESS',
    total_amount: '12.30',
  });
  told.push({ status: 200, body: `{"${name}":${text},"sign":"${rsa2(text)}"}` });
  expect(reportIn(await behind.queryPayment(order, patient()))).toMatchObject({ status: 'SUCCEEDED' });
  expect(asked[0]).toMatchObject({
    method: 'POST',
    path: expect.stringMatching(/^\/gateway\.do\?method=alipay\.trade\.query&/),
  });
  expect(new URLSearchParams(asked[0]?.body).get('biz_content')).toContain(order.paymentId);
  expect(await failureOf(behind.queryPayment(order, patient()))).toBeInstanceOf(OutcomeUnknownError);
});
