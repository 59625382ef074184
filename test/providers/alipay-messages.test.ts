import { expect, test } from 'vitest';
import { newId } from '../../src/domain/ids.ts';
import type { PaymentStatus } from '../../src/domain/payment.ts';
import type { WebhookMessage } from '../../src/providers/provider.ts';
import { config, type Form, now, openProvider, signedForm } from './alipay-rig.ts';

const provider = openProvider();
const paymentId = newId('payment');
const refundId = newId('refund');
const fields: Form = {
  ...{ notify_id: '2026112100222080010', notify_type: 'trade_status_sync', notify_time: '2026-11-21 08:00:10' },
  ...{ app_id: config.appId, seller_id: config.sellerId, out_trade_no: paymentId, trade_no: '2026112122001' },
  ...{ total_amount: '12.30', gmt_create: '2026-11-21 08:00:01' },
};
const paid: Form = { gmt_payment: '2026-11-21 08:00:09' };
const refunded: Form = { refund_fee: '5.00', gmt_refund: '2026-11-21 09:00:09.123', out_biz_no: refundId };

function messageOf(changed: Form): WebhookMessage {
  const body = signedForm({ ...fields, ...changed });
  provider.verifyWebhook({ headers: {}, body, receivedAt: now });
  return provider.readWebhook(body, now);
}

test.each<[tradeStatus: string, refund: string, more: Form, says: PaymentStatus]>([
  ['WAIT_BUYER_PAY', 'nothing', {}, 'ACTION_REQUIRED'],
  ['TRADE_SUCCESS', 'nothing', paid, 'SUCCEEDED'],
  ['TRADE_SUCCESS', 'that none was made', { ...paid, refund_fee: '0.00' }, 'SUCCEEDED'],
  ['TRADE_FINISHED', 'nothing', paid, 'SUCCEEDED'],
  ['TRADE_FINISHED', 'the sum of earlier ones', { ...paid, refund_fee: '5.00' }, 'SUCCEEDED'],
  ['TRADE_CLOSED', 'nothing', { gmt_close: '2026-11-21 08:30:00' }, 'EXPIRED'],
  ['TRADE_CLOSED', 'nothing, of a trade that was paid,', { ...paid, gmt_close: '2026-11-21 08:30:00' }, 'SUCCEEDED'],
])('%s that says %s of refunds is %s of the payment', (status, _refund, more, says) => {
  expect(messageOf({ trade_status: status, ...more })).toMatchObject({
    kind: 'payment',
    isCreation: false,
    report: { paymentId, providerPaymentId: '2026112122001', status: says, amountMinor: 1230n, currency: 'CNY' },
  });
});

test.each(['TRADE_SUCCESS', 'TRADE_CLOSED', 'TRADE_FINISHED'])('%s with a refund is no second payment', (status) => {
  expect(messageOf({ trade_status: status, ...paid, ...refunded })).toEqual({
    kind: 'refund',
    paymentId,
    providerPaymentId: '2026112122001',
    report: {
      refundId,
      providerRefundId: refundId,
      status: 'SUCCEEDED',
      amountMinor: null, // refund_fee is the sum of all
      currency: 'CNY',
      reason: null,
      failure: null,
      evidence: { source: 'CALLBACK', providerTime: new Date('2026-11-21T01:00:09.123Z'), receivedAt: now },
    },
    payment: {
      paymentId,
      providerPaymentId: '2026112122001',
      providerReference: null,
      status: 'SUCCEEDED',
      amountMinor: 1230n,
      currency: 'CNY',
      capturedMinor: 1230n,
      failure: null,
      nextAction: null,
      card: null,
      evidence: { source: 'CALLBACK', providerTime: new Date('2026-11-21T00:00:09Z'), receivedAt: now },
    },
  });
});

test('a refund from Alipay’s console is told by its own number', () => {
  expect(messageOf({ trade_status: 'TRADE_SUCCESS', ...paid, ...refunded, out_biz_no: 'HT20261121' })).toMatchObject({
    kind: 'refund',
    report: { refundId: null, providerRefundId: 'HT20261121', amountMinor: null },
  });
});

test('a payment is captured when it succeeded, at the time Alipay says', () => {
  const payment = messageOf({ trade_status: 'TRADE_SUCCESS', ...paid });
  expect(payment).toMatchObject({
    report: { capturedMinor: 1230n, evidence: { providerTime: new Date('2026-11-21T00:00:09Z') } },
  });
  const closed = messageOf({ trade_status: 'TRADE_CLOSED', gmt_close: '2026-11-21 08:30:00' });
  expect(closed).toMatchObject({
    report: { capturedMinor: null, evidence: { providerTime: new Date('2026-11-21T00:30:00Z') } },
  });
});

test.each<[what: string, changed: Form]>([
  ['trans_currency', { trans_currency: 'USD' }],
  ['settle_currency', { trans_currency: 'CNY', settle_currency: 'HKD' }],
])('another currency by %s is told', (name, changed) => {
  expect(messageOf({ trade_status: 'TRADE_SUCCESS', ...paid, ...changed })).toMatchObject({
    report: { currency: changed[name] },
  });
});

test.each<[what: string, changed: Form, reason: string]>([
  ['another app', { app_id: '2021000000000002' }, 'reported for app 2021000000000002, not 2021000000000001.'],
  ['another seller', { seller_id: '2088000000000009' }, 'reported for seller 2088000000000009, not 2088000000000001.'],
  ['no seller', { seller_id: '' }, 'reported for seller none, not 2088000000000001.'],
])('what is signed rightly for %s is foreign, and names the payment', (_what, changed, reason) => {
  const notice = { trade_status: 'TRADE_SUCCESS', ...paid, ...changed };
  expect(messageOf(notice)).toEqual({ kind: 'foreign', paymentId, reason });
  expect(messageOf({ ...notice, out_trade_no: 'A-1' })).toEqual({ kind: 'foreign', paymentId: null, reason });
});

test.each<[what: string, changed: Form, reason: string]>([
  ['a trade of another system of the merchant', { out_trade_no: '20261121-7' }, 'not_ours'],
  ['a number that is none of a payment', { out_trade_no: refundId }, 'not_ours'],
  ['something else than a trade', { notify_type: 'dut_user_sign' }, 'type_not_used'],
])('%s is ignored', (_what, changed, reason) => {
  expect(messageOf({ trade_status: 'TRADE_SUCCESS', ...paid, ...changed })).toEqual({ kind: 'ignored', reason });
});

test.each<[what: string, changed: Form, reason: string]>([
  ['a third decimal', { total_amount: '12.300' }, 'An amount in yuan was expected'],
  ['an exponent', { total_amount: '1e1' }, 'An amount in yuan was expected'],
  ['a sign', { total_amount: '-12.30' }, 'An amount in yuan was expected'],
  ['no amount', { total_amount: '' }, 'An amount in yuan was expected'],
  ['no trade_no', { trade_no: '' }, 'trade_no malformed'],
  ['a day that does not exist', { gmt_payment: '2026-02-30 08:00:00' }, ''],
  ['a time with a zone', { gmt_payment: '2026-11-21T08:00:00Z' }, ''],
  ['a currency that is none', { trans_currency: 'yuan' }, 'An ISO 4217 currency'],
  ['a status that Alipay added since', { trade_status: 'TRADE_DREAMT' }, 'trade_status that is unknown: TRADE_DREAMT'],
  ['a status that is no word', { trade_status: '<script>' }, 'trade_status that is unknown: not a word'],
  ['a refund of what nobody paid', { trade_status: 'WAIT_BUYER_PAY', ...refunded }, 'a refund of an unpaid trade'],
])('of our payment, %s is unclear: it names the payment and concludes nothing', (_what, changed, reason) => {
  expect(messageOf({ trade_status: 'TRADE_SUCCESS', ...paid, ...changed })).toEqual({
    kind: 'unclear',
    paymentId,
    providerPaymentId: changed.trade_no === '' ? null : '2026112122001',
    reason: expect.stringContaining(reason),
  });
});
