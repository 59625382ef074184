import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  NotExecutedError,
  OutcomeUnknownError,
  type PaymentProvider,
  RejectedError,
} from '../../src/providers/provider.ts';
import {
  type Answer,
  anOrder,
  aRefund,
  aTrade,
  done,
  type Gateway,
  openGateway,
  openProvider,
  refused,
} from './alipay-rig.ts';
import { failureOf, patient } from './contract-steps.ts';

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
const refund = aRefund(order);
const { refundId, paymentId } = refund;
const methodsCalled = () => gateway.calls.map(({ method }) => method);

function called(facts: object): Answer {
  return done({ out_trade_no: paymentId, trade_no: '2026112122001', refund_fee: '12.30', ...facts });
}

/** What the refund query answers of a refund that was made. */
function made(facts: object = {}): Answer {
  return done({
    ...{ out_trade_no: paymentId, trade_no: '2026112122001', out_request_no: refundId },
    ...{ refund_amount: '2.30', total_amount: '12.30', refund_status: 'REFUND_SUCCESS', ...facts },
  });
}

test('money that went back is a refund of its own amount, whatever sum Alipay tells', async () => {
  gateway.answer(called({ fund_change: 'Y' }));
  expect(await provider.startRefund(refund, patient())).toMatchObject({
    ...{ refundId, providerRefundId: refundId, status: 'SUCCEEDED', amountMinor: 230n, currency: 'CNY', failure: null },
    evidence: { source: 'RESPONSE', providerTime: null },
  });
  expect(gateway.calls[0]).toMatchObject({ method: 'alipay.trade.refund' });
  expect(gateway.calls[0]?.biz).toEqual({
    ...{ out_trade_no: paymentId, refund_amount: '2.30', out_request_no: refundId },
    refund_reason: 'One ticket too many',
  });
  // Alipay posts what becomes of a refund to where the payment's callbacks go.
  expect(gateway.calls[0]?.parameters.notify_url).toBeUndefined();
});

test.each<[fundChange: string, facts: object]>([
  ['N', { fund_change: 'N' }],
  ['absent', {}],
])('fund_change %s lets the refund query decide', async (_what, facts) => {
  gateway.answer(called(facts), made());
  expect(await provider.startRefund(refund, patient())).toMatchObject({ status: 'SUCCEEDED', amountMinor: 230n });
  gateway.answer(called(facts), done({}));
  expect(await provider.startRefund(refund, patient())).toMatchObject({ status: 'PENDING', amountMinor: 230n });
  gateway.answer(called(facts), refused('ACQ.INVALID_PARAMETER'));
  expect(await failureOf(provider.startRefund(refund, patient()))).toBeInstanceOf(OutcomeUnknownError);
  expect(methodsCalled().filter((method) => method === 'alipay.trade.fastpay.refund.query')).toHaveLength(3);
});

test.each<[subCode: string, reason: string]>([
  ['ACQ.SELLER_BALANCE_NOT_ENOUGH', 'insufficient_funds'],
  ['ACQ.REFUND_AMT_NOT_EQUAL_TOTAL', 'provider_error'],
  ['ACQ.REASON_TRADE_REFUND_FEE_ERR', 'provider_error'],
  ['ACQ.TRADE_HAS_FINISHED', 'expired'],
  ['ACQ.TRADE_STATUS_ERROR', 'provider_error'],
  ['ACQ.TRADE_NOT_ALLOW_REFUND', 'provider_error'],
  ['ACQ.TRADE_NOT_EXIST', 'provider_error'],
  ['ACQ.REASON_TRADE_BEEN_FREEZEN', 'provider_error'],
])('%s is a refusal for good', async (subCode, reason) => {
  gateway.answer(refused(subCode));
  const failure = await failureOf(provider.startRefund(refund, patient()));
  expect(failure).toBeInstanceOf(RejectedError);
  expect(failure).toMatchObject({
    failure: { reason, providerCode: subCode, message: expect.stringMatching(/^.+\.$/) },
  });
});

test.each(['ACQ.DISCORDANT_REPEAT_REQUEST', 'ACQ.SYSTEM_ERROR', 'AQC.SYSTEM_ERROR', 'ACQ.NEVER_HEARD_OF'])(
  'after %s money may have gone back',
  async (subCode) => {
    gateway.answer(refused(subCode));
    expect(await failureOf(provider.startRefund(refund, patient()))).toBeInstanceOf(OutcomeUnknownError);
  },
);

test('a refund that was not even looked at is tried again', async () => {
  gateway.answer(refused('isv.app-call-limited', '40005'));
  expect(await failureOf(provider.startRefund(refund, patient()))).toBeInstanceOf(NotExecutedError);
});

test('an answer about the refund of another trade says nothing', async () => {
  gateway.answer(done({ out_trade_no: anOrder().paymentId, fund_change: 'Y' }));
  expect(await failureOf(provider.startRefund(refund, patient()))).toBeInstanceOf(OutcomeUnknownError);
});

test.each<[reason: string | null, sent: string | undefined]>([
  [null, undefined],
  ['', undefined],
  ['broken', 'broken'],
  ['x'.repeat(300), 'x'.repeat(256)],
])('the reason %o is sent as %o', async (reason, sent) => {
  gateway.answer(called({ fund_change: 'Y' }));
  await provider.startRefund({ ...refund, reason }, patient());
  expect(gateway.calls[0]?.biz.refund_reason).toBe(sent);
});

test.each<[what: string, answer: Answer, found: boolean]>([
  ['REFUND_SUCCESS', made(), true],
  ['no status and an amount, as it once was', made({ refund_status: undefined }), true],
  ['no trade either, as when there is none', done({}), false],
  ['nothing but empty texts', done({ refund_status: '', refund_amount: '', trade_no: '', out_request_no: '' }), false],
  ['a trade that was never refunded', done({ out_trade_no: paymentId, trade_no: '2026112122001' }), false],
  ['no trade', refused('ACQ.TRADE_NOT_EXIST'), false],
])('the query of a refund understands %s', async (_what, answer, found) => {
  gateway.answer(answer);
  const asked = await provider.queryRefund(refund, patient());
  expect(gateway.calls[0]?.biz).toEqual({ out_trade_no: paymentId, out_request_no: refundId });
  if (!found) return expect(asked).toEqual({ kind: 'notFound' });
  expect(asked).toMatchObject({
    kind: 'report',
    report: { refundId, providerRefundId: refundId, status: 'SUCCEEDED', amountMinor: 230n, currency: 'CNY' },
  });
});

test.each<[what: string, answer: Answer]>([
  ['a status that is not known', made({ refund_status: 'REFUND_DREAMT' })],
  ['a success without an amount', made({ refund_amount: '' })],
  ['an amount that is none', made({ refund_amount: '2,30' })],
  ['another refund', made({ out_request_no: aRefund(order).refundId })],
  ['another trade', made({ out_trade_no: anOrder().paymentId })],
  ['a refusal of the question', refused('ACQ.INVALID_PARAMETER')],
])('the query of a refund concludes nothing from %s', async (_what, answer) => {
  gateway.answer(answer);
  expect(await failureOf(provider.queryRefund(refund, patient()))).toBeInstanceOf(OutcomeUnknownError);
});

test('a refund from Alipay’s console is asked for by its number', async () => {
  gateway.answer(made({ out_request_no: 'HT20261121' }));
  const name = { refundId: null, providerRefundId: 'HT20261121', paymentId, providerPaymentId: null };
  expect(await provider.queryRefund(name, patient())).toMatchObject({
    report: { refundId: null, providerRefundId: 'HT20261121', amountMinor: 230n },
  });
});

test.each<[what: string, answer: Answer, returned: 'ALL' | null]>([
  ['is paid', aTrade(order, { trade_status: 'TRADE_SUCCESS', send_pay_date: '2026-11-21 08:00:09' }), null],
  [
    'was paid and is closed',
    aTrade(order, { trade_status: 'TRADE_CLOSED', send_pay_date: '2026-11-21 08:00:09' }),
    'ALL',
  ],
  ['was closed unpaid', aTrade(order, { trade_status: 'TRADE_CLOSED' }), null],
  ['is not there', refused('ACQ.TRADE_NOT_EXIST'), null],
])('of a trade that %s, what went back is %s', async (_what, answer, returned) => {
  gateway.answer(answer);
  expect(await provider.listRefunds(order, patient())).toEqual({ refunds: [], returned });
});
