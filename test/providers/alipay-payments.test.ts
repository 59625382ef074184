import { createPublicKey, createVerify } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PaymentFlow, PaymentStatus } from '../../src/domain/payment.ts';
import { cleanText } from '../../src/providers/alipay/order-text.ts';
import {
  NotExecutedError,
  OutcomeUnknownError,
  type PaymentProvider,
  RejectedError,
} from '../../src/providers/provider.ts';
import {
  anOrder,
  appPrivatePem,
  aTrade,
  config,
  done,
  type Gateway,
  notifyUrl,
  now,
  openGateway,
  openProvider,
  refused,
  signedText,
} from './alipay-rig.ts';
import { failureOf, patient, reportIn } from './contract-steps.ts';

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

const overAt = new Date(now.getTime() - 1000);
const methodsCalled = () => gateway.calls.map(({ method }) => method);
const notExist = () => refused('ACQ.TRADE_NOT_EXIST');
const page = 'http://127.0.0.1:9/gateway.do';

test.each<[flow: PaymentFlow, method: string, productCode: string]>([
  ['REDIRECT', 'alipay.trade.page.pay', 'FAST_INSTANT_TRADE_PAY'],
  ['MOBILE_WEB', 'alipay.trade.wap.pay', 'QUICK_WAP_WAY'],
])('%s leads to %s by a link that we sign, and asks nobody', async (flow, method, productCode) => {
  const order = anOrder({ flow });
  const report = await openProvider().startPayment(order, patient());
  expect(report).toMatchObject({ status: 'ACTION_REQUIRED', providerPaymentId: null, amountMinor: null });
  expect(report.evidence).toEqual({ source: 'RESPONSE', providerTime: null, receivedAt: now });
  if (report.nextAction?.kind !== 'REDIRECT') throw new Error('There is no page to go to.');
  expect(report.nextAction.expiresAt).toBe(order.expiresAt.toISOString());
  const { origin, pathname, searchParams } = new URL(report.nextAction.url);
  expect(`${origin}${pathname}`).toBe(page);
  const { sign = '', biz_content: biz = '', ...common } = Object.fromEntries(searchParams);
  expect(common).toMatchObject({
    ...{ method, app_id: config.appId, charset: 'utf-8', sign_type: 'RSA2', version: '1.0' },
    ...{ timestamp: '2026-11-21 08:00:00', notify_url: notifyUrl, return_url: order.returnUrl },
  });
  expect(JSON.parse(biz)).toEqual({
    ...{ out_trade_no: order.paymentId, total_amount: '12.30', subject: '两张票' },
    ...{ time_expire: '2026-11-21 08:30:00', product_code: productCode },
  });
  const content = signedText({ ...common, biz_content: biz }).replace('&timestamp=', '&sign_type=RSA2&timestamp=');
  expect(createVerify('RSA-SHA256').update(content).verify(createPublicKey(appPrivatePem), sign, 'base64')).toBe(true);
});

test('a repetition of a page says the same, but for the time', async () => {
  const order = anOrder({ flow: 'REDIRECT' });
  const urls = await Promise.all(
    [now, new Date(now.getTime() + 61_000)].map(async (at) => {
      const { nextAction } = await openProvider({ now: () => at }).startPayment(order, patient());
      const { searchParams } = new URL(nextAction?.kind === 'REDIRECT' ? nextAction.url : '');
      expect(searchParams.get('timestamp')).toBe(at === now ? '2026-11-21 08:00:00' : '2026-11-21 08:01:01');
      for (const name of ['timestamp', 'sign']) searchParams.delete(name);
      return searchParams.toString();
    }),
  );
  expect(urls[0]).toBe(urls[1]);
});

test('the process may think it is anywhere', async () => {
  const { TZ } = process.env;
  try {
    process.env.TZ = 'America/New_York';
    expect(now.getHours()).toBe(19);
    const { nextAction } = await openProvider().startPayment(anOrder({ flow: 'REDIRECT' }), patient());
    const { searchParams } = new URL(nextAction?.kind === 'REDIRECT' ? nextAction.url : '');
    expect(searchParams.get('timestamp')).toBe('2026-11-21 08:00:00');
    expect(searchParams.get('biz_content')).toContain('"time_expire":"2026-11-21 08:30:00"');
    const order = anOrder();
    gateway.answer(aTrade(order, { trade_status: 'TRADE_SUCCESS', send_pay_date: '2026-11-21 08:00:09' }));
    expect(reportIn(await provider.queryPayment(order, patient())).evidence.providerTime).toEqual(
      new Date('2026-11-21T00:00:09Z'),
    );
    expect(gateway.calls[0]?.parameters.timestamp).toBe('2026-11-21 08:00:00');
  } finally {
    if (TZ === undefined) delete process.env.TZ;
    else process.env.TZ = TZ;
  }
});

test.each<[what: string, lifeMs: number, codeMs: number]>([
  ['as long as the order', 30 * 60_000, 30 * 60_000],
  ['two hours, and no longer', 24 * 3_600_000, 2 * 3_600_000],
])('a QR code is good %s', async (_what, lifeMs, codeMs) => {
  const order = anOrder({ expiresAt: new Date(now.getTime() + lifeMs) });
  gateway.answer(done({ out_trade_no: order.paymentId, qr_code: 'https://qr.alipay.com/abc' }));
  expect(await provider.startPayment(order, patient())).toMatchObject({
    status: 'ACTION_REQUIRED',
    providerPaymentId: null,
    nextAction: {
      kind: 'QR_CODE',
      content: 'https://qr.alipay.com/abc',
      expiresAt: new Date(now.getTime() + codeMs).toISOString(),
    },
  });
});

test('a QR code of another trade is not handed out', async () => {
  gateway.answer(done({ out_trade_no: anOrder().paymentId, qr_code: 'https://qr.alipay.com/abc' }));
  expect(await failureOf(provider.startPayment(anOrder(), patient()))).toBeInstanceOf(OutcomeUnknownError);
});

test.each<[subCode: string, reason: string]>([
  ['ACQ.INVALID_PARAMETER', 'provider_error'],
  ['ACQ.CONTEXT_INCONSISTENT', 'provider_error'],
  ['ACQ.TRADE_HAS_CLOSE', 'expired'],
])('%s to a creation is a refusal', async (subCode, reason) => {
  gateway.answer(refused(subCode));
  const failure = await failureOf(provider.startPayment(anOrder(), patient()));
  expect(failure).toBeInstanceOf(RejectedError);
  expect(failure).toMatchObject({ failure: { reason, providerCode: subCode } });
});

test('a creation of what was paid meanwhile finds the money', async () => {
  const order = anOrder();
  gateway.answer(refused('ACQ.TRADE_HAS_SUCCESS'), aTrade(order, { trade_status: 'TRADE_SUCCESS' }));
  expect(await provider.startPayment(order, patient())).toMatchObject({ status: 'SUCCEEDED', capturedMinor: 1230n });
});

test.each<PaymentFlow>(['REDIRECT', 'QR_CODE', 'MOBILE_WEB'])(
  '%s is not started once its time is over',
  async (flow) => {
    // Less than a second before, Alipay’s whole seconds have it over already.
    for (const expiresAt of [overAt, new Date(now.getTime() + 300)]) {
      const failure = await failureOf(provider.startPayment(anOrder({ flow, expiresAt }), patient()));
      expect(failure).toBeInstanceOf(RejectedError);
      expect(failure).toMatchObject({ failure: { reason: 'expired' } });
    }
    expect(gateway.calls).toEqual([]);
  },
);

test.each<[tradeStatus: string, facts: object, isOver: boolean, says: PaymentStatus, capturedMinor: bigint | null]>([
  ['WAIT_BUYER_PAY', {}, false, 'ACTION_REQUIRED', null],
  ['WAIT_BUYER_PAY', {}, true, 'ACTION_REQUIRED', null],
  ['TRADE_SUCCESS', { send_pay_date: '2026-11-21 08:00:09' }, false, 'SUCCEEDED', 1230n],
  ['TRADE_SUCCESS', {}, true, 'SUCCEEDED', 1230n],
  ['TRADE_FINISHED', { send_pay_date: '2026-11-21 08:00:09' }, true, 'SUCCEEDED', 1230n],
  ['TRADE_CLOSED', {}, false, 'CANCELED', null],
  ['TRADE_CLOSED', { send_pay_date: '' }, true, 'EXPIRED', null],
  ['TRADE_CLOSED', { send_pay_date: '2026-11-21 08:00:09' }, true, 'SUCCEEDED', 1230n],
])('%s with %o is told rightly (time over: %s)', async (status, facts, isOver, says, capturedMinor) => {
  const order = anOrder(isOver ? { expiresAt: overAt } : {});
  gateway.answer(aTrade(order, { trade_status: status, ...facts }));
  expect(reportIn(await provider.queryPayment(order, patient()))).toMatchObject({
    ...{ status: says, capturedMinor, amountMinor: 1230n, currency: 'CNY' },
    ...{ providerPaymentId: '2026112122001400010000000001', nextAction: null },
  });
});

test('a page that waits for its buyer can be gone to again', async () => {
  const order = anOrder({ flow: 'MOBILE_WEB' });
  gateway.answer(aTrade(order), aTrade(order));
  const { nextAction } = reportIn(await provider.queryPayment(order, patient()));
  expect(nextAction).toMatchObject({ kind: 'REDIRECT', url: expect.stringContaining('alipay.trade.wap.pay') });
  const late = openProvider({ gateway: gateway.url, now: () => new Date(order.expiresAt.getTime() + 1) });
  expect(reportIn(await late.queryPayment(order, patient())).nextAction).toBeNull();
});

test('what Alipay tells of another currency is told', async () => {
  const order = anOrder();
  gateway.answer(aTrade(order, { trade_status: 'TRADE_SUCCESS', trans_currency: 'USD' }));
  expect(reportIn(await provider.queryPayment(order, patient()))).toMatchObject({ currency: 'USD' });
});

test('what nobody has opened can be paid until the time is over', async () => {
  const order = anOrder();
  gateway.answer(notExist(), notExist());
  expect(await provider.queryPayment(order, patient())).toEqual({ kind: 'notFound', payableUntil: order.expiresAt });
  expect(await provider.queryPayment(anOrder({ expiresAt: overAt }), patient())).toEqual({
    kind: 'notFound',
    payableUntil: null,
  });
});

test('what waits for its buyer is closed, and then asked about', async () => {
  const order = anOrder();
  gateway.answer(
    aTrade(order),
    done({ out_trade_no: order.paymentId }),
    aTrade(order, { trade_status: 'TRADE_CLOSED' }),
  );
  expect(reportIn(await provider.closePayment(order, patient()))).toMatchObject({ status: 'CANCELED' });
  expect(methodsCalled()).toEqual(['alipay.trade.query', 'alipay.trade.close', 'alipay.trade.query']);
  expect(gateway.calls[1]?.biz).toEqual({ out_trade_no: order.paymentId });
});

test('what nobody has opened is not closed: it can still be paid', async () => {
  const order = anOrder();
  gateway.answer(notExist());
  expect(await provider.closePayment(order, patient())).toEqual({ kind: 'notFound', payableUntil: order.expiresAt });
  expect(methodsCalled()).toEqual(['alipay.trade.query']);
});

test.each(['TRADE_SUCCESS', 'TRADE_CLOSED'])('what is %s is not closed', async (status) => {
  const order = anOrder();
  gateway.answer(aTrade(order, { trade_status: status }));
  await provider.closePayment(order, patient());
  expect(methodsCalled()).toEqual(['alipay.trade.query']);
});

test.each(['ACQ.TRADE_STATUS_ERROR', 'ACQ.REASON_TRADE_STATUS_INVALID', 'ACQ.TRADE_NOT_EXIST'])(
  'a buyer who was faster than the closing, %s, has paid',
  async (subCode) => {
    const order = anOrder();
    gateway.answer(aTrade(order), refused(subCode), aTrade(order, { trade_status: 'TRADE_SUCCESS' }));
    expect(reportIn(await provider.closePayment(order, patient()))).toMatchObject({ status: 'SUCCEEDED' });
  },
);

test('a closing that Alipay does not take, or does not answer, is told', async () => {
  const order = anOrder();
  gateway.answer(aTrade(order), refused('ACQ.INVALID_PARAMETER'));
  expect(await failureOf(provider.closePayment(order, patient()))).toBeInstanceOf(RejectedError);
  gateway.answer(aTrade(order), refused('ACQ.SYSTEM_ERROR'));
  expect(await failureOf(provider.closePayment(order, patient()))).toBeInstanceOf(OutcomeUnknownError);
  gateway.answer(aTrade(order), refused('isv.app-call-limited', '40005'));
  expect(await failureOf(provider.closePayment(order, patient()))).toBeInstanceOf(NotExecutedError);
});

test('there is nothing to capture', async () => {
  const capture = { amountMinor: 1230n, attempt: 1 };
  expect(await failureOf(provider.capturePayment(anOrder(), capture, patient()))).toBeInstanceOf(RejectedError);
});

test.each<[amountMinor: bigint, currency: string, captureMode: 'AUTOMATIC' | 'MANUAL', isTaken: boolean]>([
  [1n, 'CNY', 'AUTOMATIC', true],
  [10_000_000_000n, 'CNY', 'AUTOMATIC', true],
  [0n, 'CNY', 'AUTOMATIC', false],
  [10_000_000_001n, 'CNY', 'AUTOMATIC', false],
  [1000n, 'EUR', 'AUTOMATIC', false],
  [1000n, 'CNY', 'MANUAL', false],
])('%s minor units of %s, captured as %s: taken is %s', (amountMinor, currency, captureMode, isTaken) => {
  const refusal = provider.refusalOf({ amountMinor, currency, captureMode });
  if (isTaken) expect(refusal).toBeNull();
  else expect(refusal).toMatch(/^Alipay .+\.$/);
});

test.each<[description: string | null, orderNumber: string, subject: string]>([
  ['Two tickets', 'A-1', 'Two tickets'],
  ['a/b=c&d', 'A-1', 'a b c d'],
  [' 两张\n票\t', 'A-1', '两张 票'],
  [null, 'A-1', 'Order A-1'],
  ['', 'A-1', 'Order A-1'],
  ['/&=', 'A/1', 'Order A 1'],
  ['/', '/', 'Order'],
])('an order for %o with the number %o has the subject %o', async (description, orderNumber, subject) => {
  const order = anOrder({ description, orderNumber });
  gateway.answer(done({ out_trade_no: order.paymentId, qr_code: 'x' }));
  await provider.startPayment(order, patient());
  expect(gateway.calls[0]?.biz.subject).toBe(subject);
});

test('a subject has at most 256 characters, none of them forbidden and none of them cut', () => {
  expect(cleanText('🙂'.repeat(200))).toBe('🙂'.repeat(128));
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
      const words = cleanText(text);
      expect(words.length).toBeLessThanOrEqual(256);
      expect(words).not.toMatch(/[/=&\p{Cc}\p{Cs}]|^\s|\s$/u);
      expect(cleanText(words)).toBe(words);
    }),
  );
});
