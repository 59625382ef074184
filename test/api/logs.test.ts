import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createRefusalLog, refusalLinesPerMinute } from '../../src/http/refusal-log.ts';
import { createLogger, errorFields } from '../../src/logging/logger.ts';
import { logOfRequest } from '../../src/logging/request-log.ts';
import { testKeys } from '../support/chinese-providers.ts';
import { confirmCard, createOrder, payOrder, payOrderDocument, requestRefund, sweepUntil } from '../support/orders.ts';
import { exchange } from '../support/raw-http.ts';
import {
  advanceSandbox,
  clearFaults,
  control,
  startTestApp,
  type TestApp,
  testStripe,
  untilCallbacksCame,
} from '../support/test-app.ts';

type Line = Readonly<Record<string, unknown>> & { readonly msg: string; readonly level: number };

/** A real log that keeps its lines in memory, as they would be written. */
function memoryLog(level: 'debug' | 'info' | 'warn' = 'debug') {
  const written: string[] = [];
  const log = createLogger(level, { write: (line: string) => void written.push(line) });
  return { log, written, lines: () => written.map((line) => JSON.parse(line) as Line) };
}

const kept = memoryLog();
let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ log: kept.log });
});
afterAll(() => app.close());

const named = (name: string, id: string) => kept.lines().filter((line) => line[name] === id);
const said = (lines: readonly Line[]) =>
  lines.map(({ msg, command, operation, outcome }) => [msg, command ?? operation, outcome].filter(Boolean).join(' '));

describe('at info', () => {
  test('one request is logged from its first change of state to the outcome of its command, under its id', async () => {
    const order = await createOrder(app);
    const requestId = `test-${randomUUID()}`;
    const input = { idempotencyKey: randomUUID(), orderId: order.id, method: 'CARD', flow: 'EMBEDDED' } as const;
    const requestHeaders = { 'x-request-id': requestId };
    const { payOrder: payment } = await app.client.request({
      ...{ document: payOrderDocument, variables: { input }, requestHeaders },
    });
    if (payment?.__typename !== 'Payment') throw new Error('A payment was expected.');
    const lines = named('requestId', requestId);
    expect(said(lines)).toEqual([
      'payment started',
      'provider called startPayment answered',
      'payment action required',
      'command done payOrder done',
    ]);
    for (const line of lines) expect(line).toMatchObject({ orderId: order.id, paymentId: payment.id });
    for (const line of [lines[1], lines[3]]) {
      expect(line).toMatchObject({ durationMs: expect.any(Number), status: 'ACTION_REQUIRED' });
    }
    expect(lines[2]).toMatchObject({
      event: 'PAYMENT_ACTION_REQUIRED',
      sequence: 3,
      amountMinor: 2500,
      currency: 'EUR',
    });
  });

  test('a callback is logged from its receipt to its outcome, under one id, and a duplicate is logged as one', async () => {
    const order = await createOrder(app);
    const payment = await payOrder(app, order.id);
    await control(app.sandboxUrl, 'faults', {
      ...{ target: 'callback', fault: 'duplicate', count: 1 },
      match: { type: 'payment_intent.succeeded' },
    });
    await confirmCard(app, payment);
    await untilCallbacksCame(app);
    const received = kept
      .lines()
      .filter((line) => line.msg === 'callback received' && line.eventType === 'payment_intent.succeeded');
    const [first, second] = received.slice(-2);
    expect([first?.outcome, second?.outcome]).toEqual(['kept', 'duplicate']);
    expect(second).toMatchObject({ eventId: first?.eventId, provider: 'STRIPE', durationMs: expect.any(Number) });
    const story = named('requestId', String(first?.requestId));
    expect(said(story)).toEqual([
      'callback received kept',
      'payment succeeded',
      'order confirmed',
      'callback applied applied',
    ]);
    expect(story.at(-1)).toMatchObject({ orderId: order.id, deliveryId: first?.deliveryId, attempt: 1 });
  });

  test('a refusal names its code, and an operation on a socket has an id of its own', async () => {
    const order = await createOrder(app);
    const socket = createClient({
      url: `${app.app.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${app.token}` },
    });
    const query = `mutation { cancelOrder(input: { orderId: "${order.id}" }) { __typename } }`;
    for await (const _ of socket.iterate({ query })) break;
    await socket.dispose();
    const input = { idempotencyKey: randomUUID(), orderId: order.id, method: 'CARD', flow: 'EMBEDDED' } as const;
    await app.client.request(payOrderDocument, { input });
    const commands = named('orderId', order.id).filter(({ command }) => command !== undefined);
    expect(said(commands)).toEqual([
      'command done createOrder done',
      'command done cancelOrder done',
      'command refused payOrder ORDER_NOT_PAYABLE',
    ]);
    expect(new Set(commands.map(({ requestId }) => requestId)).size).toBe(3);
  });

  test('each mutation of a request is logged with its own order', async () => {
    const orders = [await createOrder(app), await createOrder(app)];
    const requestId = `test-${randomUUID()}`;
    const fields = orders.map(({ id }, i) => `m${i}: cancelOrder(input: { orderId: "${id}" }) { __typename }`);
    await app.client.request({
      document: `mutation { ${fields.join(' ')} missing: cancelOrder(input: { orderId: "ord_x" }) { __typename } }`,
      requestHeaders: { 'x-request-id': requestId },
    });
    const commands = named('requestId', requestId).filter(({ command }) => command !== undefined);
    expect(commands.map(({ orderId, outcome }) => [orderId, outcome])).toEqual([
      ...orders.map(({ id }) => [id, 'done']),
      [undefined, expect.stringMatching(/^[A-Z_]+$/)],
    ]);
  });

  test('each background task has a log line under its own id', async () => {
    const order = await createOrder(app, { expiresInSeconds: 60 });
    const payment = await payOrder(app, order.id);
    app.clock.advance(61_000);
    await sweepUntil(app, order.id, ({ status }) => status === 'EXPIRED', 1000);
    const [expiry] = named('command', 'expireOrder').filter(({ orderId }) => orderId === order.id);
    expect(said(named('requestId', String(expiry?.requestId)))).toEqual([
      'order closing',
      'payment canceling',
      'command done expireOrder done',
    ]);
    const [check] = named('command', 'checkPayment').filter(({ paymentId }) => paymentId === payment.id);
    const closing = named('requestId', String(check?.requestId));
    expect(said(closing)[0]).toBe('provider called closePayment answered');
    for (const line of closing) expect(line.orderId).toBe(order.id);
  });

  test.each<[fault: object, outcome: string]>([
    [{ fault: 'error_500_after' }, 'unknown'],
    [{ fault: 'rate_limit' }, 'not_executed'],
  ])('a call that ends with %o is logged as %s', async (fault, outcome) => {
    const order = await createOrder(app);
    await control(app.sandboxUrl, 'faults', {
      ...fault,
      match: { operation: 'payment_intents.create', contains: order.number },
    });
    const input = { idempotencyKey: randomUUID(), orderId: order.id, method: 'CARD', flow: 'EMBEDDED' } as const;
    await app.client.request(payOrderDocument, { input });
    await clearFaults(app);
    const calls = named('orderId', order.id).filter(({ operation }) => operation === 'startPayment');
    expect(calls).toMatchObject([{ outcome, durationMs: expect.any(Number) }]);
  });
});

test('at warn, info lines are not even built, and the provider is not wrapped', async () => {
  const quiet = memoryLog('warn');
  const other = await startTestApp({ log: quiet.log });
  try {
    const order = await createOrder(other);
    await confirmCard(other, await payOrder(other, order.id));
    await untilCallbacksCame(other);
    expect(quiet.written).toEqual([]);
  } finally {
    await other.close();
  }
});

describe('a refused callback has a log line', () => {
  const json = { 'content-type': 'application/json' };
  const refusalsNow = () => kept.lines().filter(({ msg }) => msg === 'callback refused');

  test.each<[what: string, path: string, init: RequestInit, status: number, line: object]>([
    ['for no provider', '/webhooks/paypal', { method: 'POST', body: '{}' }, 404, { provider: null }],
    [
      'with a secret for a path',
      '/webhooks/sk_live_0123456789abcdef',
      { method: 'POST', body: '{}' },
      ...([404, { path: '/webhooks/sk_live_[secret]' }] as const),
    ],
    ['for another account', '/webhooks/stripe/x', { method: 'POST', headers: json, body: '{}' }, 404, {}],
    ['that is not a POST', '/webhooks/stripe', {}, 405, { provider: 'STRIPE', method: 'GET' }],
    ['of another type', '/webhooks/stripe', { method: 'POST', body: 'a=1' }, 415, { reason: 'WRONG_MEDIA_TYPE' }],
    ['that is too large', '/webhooks/stripe', { method: 'POST', headers: json, body: ' '.repeat(300_000) }, 413, {}],
    ['that is not signed', '/webhooks/stripe', { method: 'POST', headers: json, body: '{}' }, 400, { bytes: 2 }],
  ])('%s', async (_what, path, init, status, line) => {
    const before = refusalsNow().length;
    const response = await fetch(`${app.app.url}${path}`, init);
    await response.text();
    expect(response.status).toBe(status);
    await untilCallbacksCame(app);
    const [refusal, ...others] = refusalsNow().slice(before);
    expect(others).toEqual([]);
    expect(refusal).toMatchObject({ level: 40, status, ...line, requestId: response.headers.get('x-request-id') });
    expect(refusal?.reason).toMatch(/^[A-Z_]+$/);
  });

  test('with a secret for a request id, under an id of ours', async () => {
    const requestId = 'sk_live_0123456789abcdef';
    const response = await fetch(`${app.app.url}/webhooks/stripe`, { headers: { 'x-request-id': requestId } });
    await response.text();
    expect(response.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
    await untilCallbacksCame(app);
    expect(JSON.stringify(kept.lines())).not.toContain(requestId);
  });

  test.each<[what: string, header: string, status: number]>([
    ['with an invalid host', 'host: a b', 400],
    ['in an unsupported transfer coding', 'transfer-encoding: gzip, chunked', 400],
    ['with an unsupported expectation', 'expect: magic', 417],
  ])('%s, before it comes to its route', async (_what, header, status) => {
    const before = refusalsNow().length;
    const host = header.startsWith('host') ? [] : ['host: x'];
    const lines = ['POST /webhooks/stripe?a=1 HTTP/1.1', ...host, header, 'content-type: application/json', '', ''];
    const answer = await exchange(app.app.url, lines.join('\r\n'));
    expect(answer?.status).toBe(status);
    const { error: why } = JSON.parse(answer?.body ?? '') as { error: string };
    const line = { provider: 'STRIPE', reason: 'REFUSED', status, why, requestId: answer?.headers['x-request-id'] };
    expect(refusalsNow().slice(before)).toMatchObject([line]);
  });

  test('when its sender disconnects before the body is complete', async () => {
    const before = refusalsNow().length;
    const sending = httpRequest(`${app.app.url}/webhooks/stripe`, {
      method: 'POST',
      headers: { ...json, 'content-length': '100' },
    });
    sending.on('error', () => {});
    sending.write('{');
    const isRefused = untilLine(() => refusalsNow().length > before);
    await once(sending, 'socket').then(([socket]) => socket.connecting && once(socket, 'connect'));
    // The server has the headers by then, because a later request on another connection is already answered.
    await fetch(`${app.app.url}/healthz`).then((response) => response.text());
    sending.destroy();
    await isRefused;
    expect(refusalsNow().slice(before)).toMatchObject([{ provider: 'STRIPE', reason: 'ABORTED' }]);
    expect(kept.lines().filter(({ msg }) => msg === 'a callback could not be kept')).toEqual([]);
  });

  /** Resolves with the log line that meets the condition. */
  function untilLine(isSo: () => boolean): Promise<void> {
    const { push } = kept.written;
    return new Promise((resolve) => {
      kept.written.push = (...lines) => {
        const length = push.apply(kept.written, lines);
        if (isSo()) {
          kept.written.push = push;
          resolve();
        }
        return length;
      };
    });
  }

  test('or is counted by one: a flood has a few lines a minute, and every callback is counted', () => {
    const { log, lines } = memoryLog();
    let nowMs = Date.parse('2026-11-26T00:00:00Z');
    const refusals = createRefusalLog(log, () => new Date(nowMs));
    for (let i = 0; i < 1000; i += 1) refusals.refused('STRIPE', i % 4 === 0 ? 'STALE' : 'BAD_SIGNATURE', {});
    refusals.refused('ALIPAY', 'BAD_SIGNATURE', {});
    refusals.logCounted();
    expect(lines()).toHaveLength(refusalLinesPerMinute + 1);
    nowMs += 60_000;
    refusals.logCounted();
    refusals.logCounted();
    expect(lines().slice(refusalLinesPerMinute + 1)).toMatchObject([
      { msg: 'more callbacks refused', provider: 'STRIPE', count: 980, reasons: { STALE: 245, BAD_SIGNATURE: 735 } },
    ]);
    // The next minute starts a new count, whose rest is logged when the server closes.
    for (let i = 0; i < refusalLinesPerMinute + 1; i += 1) refusals.refused('STRIPE', 'STALE', {});
    refusals.logCounted('now');
    expect(lines().at(-1)).toMatchObject({ msg: 'more callbacks refused', count: 1 });
  });
});

test('no secret is logged, whatever fails', async () => {
  const canary = `canary${randomUUID().replaceAll('-', '')}`;
  const buyer = {
    returnUrl: `http://shop.example/back?token=${canary}`,
    openId: `o${canary}`,
    buyerIp: '203.0.113.77',
  };
  const secrets: string[] = [];
  for (const [method, flow, side] of [
    ['CARD', 'EMBEDDED', null],
    ['CARD', 'REDIRECT', null],
    ['ALIPAY', 'REDIRECT', 'alipay'],
    ['WECHAT_PAY', 'IN_APP', 'wechatpay'],
    ['WECHAT_PAY', 'MOBILE_WEB', 'wechatpay'],
  ] as const) {
    const order = await createOrder(app, { currency: 'CNY' });
    const payment = await payOrder(app, order.id, { method, flow, ...buyer });
    const { nextAction } = payment;
    if (nextAction?.__typename === 'ConfirmCardAction') secrets.push(nextAction.clientSecret);
    if (nextAction?.__typename === 'RedirectAction') secrets.push(nextAction.url);
    if (nextAction?.__typename === 'WeChatPayBridgeAction') {
      secrets.push(nextAction.paySign);
      const { __typename: _, expiresAt: __, ...bridge } = nextAction;
      await control(app.sandboxUrl, 'wechatpay/bridge', bridge);
    } else if (nextAction?.__typename === 'RedirectAction') await (await fetch(nextAction.url)).text();
    if (flow === 'EMBEDDED') await confirmCard(app, payment);
    else if (side !== null) await control(app.sandboxUrl, `${side}/buyer/${payment.id}`, { action: 'pay' });
    await untilCallbacksCame(app);
    if (method === 'CARD' && flow === 'REDIRECT') continue;
    // Refunds fail once in every way.
    for (const fault of ['error_500_before', 'error_500_after', 'malformed', 'rate_limit']) {
      await control(app.sandboxUrl, 'faults', { fault, match: { method: 'POST' }, times: 1 });
      await requestRefund(app, { paymentId: payment.id, amountMinor: 1 });
    }
    await clearFaults(app);
    await requestRefund(app, { paymentId: payment.id, amountMinor: 100, reason: canary });
    await advanceSandbox(app, 10_000);
  }
  const body = JSON.stringify({ data: { object: { client_secret: `pi_1_secret_${canary}` } }, email: canary });
  for (const [name, type] of [
    ['stripe', 'application/json'],
    ['wechatpay', 'application/json'],
    ['alipay', 'application/x-www-form-urlencoded'],
  ]) {
    for (const sent of [body, `{"client_secret":"${canary}`, `buyer_id=${canary}&sign=${canary}`]) {
      const headers = { 'content-type': String(type), 'stripe-signature': `t=1,v1=${canary}` };
      await (
        await fetch(`${app.app.url}/webhooks/${name}?key=${canary}`, { method: 'POST', headers, body: sent })
      ).text();
    }
  }
  app.clock.advance(60_000);
  await app.app.rounds.sweep();
  const { alipay, wechatpay } = testKeys();
  const { secretKey, webhookSecret, otherWebhookSecret } = testStripe;
  secrets.push(canary, buyer.buyerIp, app.token, secretKey, webhookSecret, otherWebhookSecret, wechatpay.apiV3Key);
  for (const key of [alipay.appPrivateKey, wechatpay.merchantPrivateKey]) secrets.push(linesOf(key)[1] ?? '');
  const all = kept.written.join('');
  expect(all).toContain('a refund');
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(8);
    expect(all).not.toContain(secret);
  }
  expect(all).not.toMatch(/_secret_(?!\[)|"headers"|BEGIN/);
});

test('every line about an order, a payment or a callback names the request or the task that it belongs to', () => {
  const about = [
    'orderId',
    'paymentId',
    'refundId',
    'deliveryId',
    'eventId',
    'command',
    'operation',
    'event',
    'reason',
  ];
  const lines = kept.lines().filter((line) => about.some((name) => line[name] !== undefined));
  expect(lines.length).toBeGreaterThan(100);
  expect(lines.filter(({ requestId }) => typeof requestId !== 'string')).toEqual([]);
});

const linesOf = (key: string) => key.split('\n');

test('an error is logged without the properties that SDKs and drivers attach', () => {
  const raw = { client_secret: 'pi_1_secret_canary', headers: { authorization: 'Bearer canary' } };
  const inner = Object.assign(new Error('Invalid API Key provided: sk_test_canary12'), { raw, headers: raw.headers });
  const outer = new Error('connect to postgresql://paystream:can/a@ry@db:5432/x failed', { cause: inner });
  const row = Object.assign(outer, { code: 'ECONNREFUSED', detail: 'Failing row contains (canary).' });
  const { log, written, lines } = memoryLog();
  const fields = { err: row, authorization: 'Bearer canary', found: { clientSecret: 'canary' } };
  logOfRequest(log, 'req-1').error(fields, 'no');
  expect(written.join('')).not.toMatch(/canary|can\/a/);
  expect(lines()).toMatchObject([
    { requestId: 'req-1', err: { type: 'Error', code: 'ECONNREFUSED', stack: expect.stringMatching(/^\s+at /) } },
  ]);
  const quoting = errorFields(Object.assign(new Error('x', { cause: jsonError('{"secret":canary') }), {}));
  expect(JSON.stringify(quoting)).not.toContain('canary');
});

function jsonError(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return error;
  }
}
