import { expect, test } from 'vitest';
import {
  dayMs,
  minuteMs,
  notifyUrl,
  openWechatpay,
  order,
  orderNumber,
  paidOrder,
  paths,
  refundOf,
  secondMs,
} from './wechatpay-rig.ts';

const refundPath = (number: string): string => `${paths.refunds}/${number}`;

test('a refund is accepted as PROCESSING and succeeds a little later', async () => {
  const rig = await openWechatpay();
  const paid = await paidOrder(rig);
  const accepted = await rig.post(paths.refunds, refundOf('rfd_1', 400, { reason: 'Too late' }));
  expect(accepted.status).toBe(200);
  expect(accepted.json).toEqual({
    amount: {
      ...{ currency: 'CNY', discount_refund: 0, from: [], payer_refund: 400, payer_total: 1000 },
      ...{ refund: 400, refund_fee: 0, total: 1000 },
    },
    channel: 'ORIGINAL',
    create_time: '2027-01-01T10:00:00+08:00',
    funds_account: 'AVAILABLE',
    out_refund_no: 'rfd_1',
    out_trade_no: orderNumber,
    promotion_detail: [],
    refund_id: expect.stringMatching(/^50300\d{5}20270101\d{11}$/),
    status: 'PROCESSING',
    transaction_id: paid.transaction_id,
    user_received_account: '支付用户零钱',
  });
  await rig.sandbox.advance(999);
  expect((await rig.get(refundPath('rfd_1'))).json.status).toBe('PROCESSING');
  await rig.sandbox.advance(2001);
  const done = (await rig.get(refundPath('rfd_1'))).json;
  expect(done).toMatchObject({ status: 'SUCCESS', refund_id: accepted.json.refund_id });
  expect(done.success_time).toMatch(/^2027-01-01T10:00:0[123]\+08:00$/);
  expect((await rig.get(paths.query)).json.trade_state).toBe('REFUND');
  expect(rig.sandbox.ledger(orderNumber).wechatpay).toMatchObject({
    refunds: [
      { id: accepted.json.refund_id, outRefundNo: 'rfd_1', outTradeNo: orderNumber, amount: 400, status: 'SUCCESS' },
    ],
    totals: { [orderNumber]: { captured: 1000, refunded: 400, refundPending: 0 } },
  });
});

test('a processing refund counts as pending', async () => {
  const rig = await openWechatpay();
  await paidOrder(rig);
  await rig.post(paths.refunds, refundOf('rfd_1', 400));
  const totals = rig.sandbox.ledger().wechatpay?.totals[orderNumber];
  expect(totals).toMatchObject({ refunded: 0, refundPending: 400 });
});

test('a refund can name the transaction instead of the order', async () => {
  const rig = await openWechatpay();
  const { transaction_id } = await paidOrder(rig);
  const byId = refundOf('rfd_1', 400, { out_trade_no: undefined, transaction_id });
  expect(await rig.post(paths.refunds, byId)).toMatchObject({ status: 200, json: { out_trade_no: orderNumber } });
});

test('the same number with the same parameters returns the same refund in its present state', async () => {
  const rig = await openWechatpay();
  await paidOrder(rig);
  const first = (await rig.post(paths.refunds, refundOf('rfd_1', 400))).json;
  expect((await rig.post(paths.refunds, refundOf('rfd_1', 400))).json).toEqual(first);
  await rig.sandbox.advance(minuteMs);
  const later = (await rig.post(paths.refunds, refundOf('rfd_1', 400))).json;
  expect(later).toMatchObject({ status: 'SUCCESS', refund_id: first.refund_id });
  expect(rig.sandbox.ledger().wechatpay?.totals[orderNumber]).toMatchObject({ refunded: 400 });
});

test.each<[change: object]>([
  [{ amount: { refund: 401, total: 1000, currency: 'CNY' } }],
  [{ reason: 'Another one' }],
  [{ notify_url: 'https://shop.example/other' }],
])('the same number with %j gets 400 INVALID_REQUEST', async (change) => {
  const rig = await openWechatpay();
  await paidOrder(rig);
  await rig.post(paths.refunds, refundOf('rfd_1', 400));
  const answer = await rig.post(paths.refunds, refundOf('rfd_1', 400, change));
  expect(answer).toMatchObject({ status: 400, json: { code: 'INVALID_REQUEST' } });
});

test.each<[status: number, code: string, change: object]>([
  [400, 'PARAM_ERROR', { out_trade_no: undefined }],
  [400, 'PARAM_ERROR', { out_refund_no: '' }],
  [400, 'PARAM_ERROR', { out_refund_no: 'r'.repeat(65) }],
  [400, 'PARAM_ERROR', { out_refund_no: 'rfd 1' }],
  [400, 'PARAM_ERROR', { reason: '茶'.repeat(81) }],
  [400, 'PARAM_ERROR', { notify_url: 'https://shop.example/hook?id=1' }],
  [400, 'PARAM_ERROR', { amount: { refund: 0, total: 1000, currency: 'CNY' } }],
  [400, 'PARAM_ERROR', { amount: { refund: 1, total: 1000 } }],
  [400, 'PARAM_ERROR', { amount: { refund: 1, total: 1000, currency: 'USD' } }],
  [400, 'INVALID_REQUEST', { amount: { refund: 1001, total: 1000, currency: 'CNY' } }],
  [400, 'INVALID_REQUEST', { amount: { refund: 1, total: 999, currency: 'CNY' } }],
  [404, 'RESOURCE_NOT_EXISTS', { out_trade_no: 'pay_none' }],
  [404, 'RESOURCE_NOT_EXISTS', { transaction_id: '42000' }],
])('a refund is refused %i %s with %j', async (status, code, change) => {
  const rig = await openWechatpay();
  await paidOrder(rig);
  const answer = await rig.post(paths.refunds, refundOf('rfd_1', 400, change));
  expect(answer).toMatchObject({ status, json: { code } });
  expect(rig.sandbox.ledger().wechatpay?.refunds).toEqual([]);
});

test('an unpaid order cannot be refunded', async () => {
  const { post } = await openWechatpay();
  await post(paths.native, order);
  const answer = await post(paths.refunds, refundOf('rfd_1', 400));
  expect(answer).toMatchObject({ status: 400, json: { code: 'INVALID_REQUEST' } });
});

test('refunds, including processing ones, cannot exceed the payment', async () => {
  const rig = await openWechatpay();
  await paidOrder(rig);
  expect((await rig.post(paths.refunds, refundOf('rfd_1', 600))).status).toBe(200);
  expect(await rig.post(paths.refunds, refundOf('rfd_2', 401))).toMatchObject({ json: { code: 'INVALID_REQUEST' } });
  expect((await rig.post(paths.refunds, refundOf('rfd_2', 400))).status).toBe(200);
});

test('an order can have fifty refunds', async () => {
  const rig = await openWechatpay();
  await paidOrder(rig);
  for (let number = 1; number <= 50; number += 1) {
    expect((await rig.post(paths.refunds, refundOf(`rfd_${number}`, 1))).status).toBe(200);
  }
  expect(await rig.post(paths.refunds, refundOf('rfd_51', 1))).toMatchObject({ json: { code: 'INVALID_REQUEST' } });
});

test('an order can be refunded for 365 days', async () => {
  const rig = await openWechatpay();
  await paidOrder(rig);
  await rig.sandbox.advance(365 * dayMs);
  expect((await rig.post(paths.refunds, refundOf('rfd_1', 1))).status).toBe(200);
  await rig.sandbox.advance(1);
  expect(await rig.post(paths.refunds, refundOf('rfd_2', 1))).toMatchObject({ json: { code: 'INVALID_REQUEST' } });
});

test('an unknown refund gets 404', async () => {
  const { get } = await openWechatpay();
  expect(await get(refundPath('rfd_none'))).toMatchObject({ status: 404, json: { code: 'RESOURCE_NOT_EXISTS' } });
});

test('a refund of a payment with a coupon returns only the buyer’s share', async () => {
  const rig = await openWechatpay();
  await rig.post(paths.native, order);
  await rig.control(paths.buyer, { action: 'pay', coupon: 150 });
  const { json } = await rig.post(paths.refunds, refundOf('rfd_1', 500));
  expect(json.amount).toMatchObject({ total: 1000, refund: 500, payer_total: 850, payer_refund: 425 });
});

test.each<[fault: string, status: string]>([
  ['refund_pending_then_succeeded', 'SUCCESS'],
  ['refund_pending_then_failed', 'ABNORMAL'],
])('with %s a refund is PROCESSING for a while, then %s', async (fault, status) => {
  const rig = await openWechatpay();
  await rig.control('/control/faults', { fault, ms: minuteMs, match: { contains: 'rfd_1' } });
  await paidOrder(rig);
  await rig.post(paths.refunds, refundOf('rfd_1', 400));
  await rig.sandbox.advance(minuteMs - 1);
  expect((await rig.get(refundPath('rfd_1'))).json.status).toBe('PROCESSING');
  await rig.sandbox.advance(1);
  expect((await rig.get(refundPath('rfd_1'))).json.status).toBe(status);
});

test.each<[act: string, status: string, type: string, refundable: number]>([
  ['succeed', 'SUCCESS', 'REFUND.SUCCESS', 600],
  ['fail', 'ABNORMAL', 'REFUND.ABNORMAL', 600],
  ['close', 'CLOSED', 'REFUND.CLOSED', 1000],
])('a refund that waits for the console can %s', async (act, status, type, refundable) => {
  const rig = await openWechatpay();
  await rig.control('/control/faults', { fault: 'refund_pending_then_failed' });
  await paidOrder(rig);
  await rig.post(paths.refunds, refundOf('rfd_1', 400));
  await rig.sandbox.advance(dayMs);
  expect((await rig.get(refundPath('rfd_1'))).json.status).toBe('PROCESSING');
  expect(await rig.control(`/control/wechatpay/refunds/rfd_1/${act}`)).toMatchObject({ status });
  await rig.sandbox.advance(0);
  expect(rig.received.at(-1)).toMatchObject({ envelope: { event_type: type }, plaintext: { refund_status: status } });
  const tooMuch = await rig.post(paths.refunds, refundOf('rfd_2', refundable + 1));
  expect(tooMuch.status).toBe(400);
  expect((await rig.post(paths.refunds, refundOf('rfd_3', refundable))).status).toBe(200);
});

test('an abnormal refund can be completed in the console', async () => {
  const rig = await openWechatpay();
  await rig.control('/control/faults', { fault: 'refund_pending_then_failed', ms: secondMs });
  await paidOrder(rig);
  await rig.post(paths.refunds, refundOf('rfd_1', 400));
  await rig.sandbox.advance(secondMs);
  await rig.control('/control/wechatpay/refunds/rfd_1/succeed');
  await rig.control('/control/wechatpay/refunds/rfd_1/fail'); // a succeeded refund does not change
  await rig.sandbox.advance(0);
  const told = rig.received.map(({ plaintext }) => plaintext.refund_status ?? plaintext.trade_state);
  expect(told).toEqual(['SUCCESS', 'ABNORMAL', 'SUCCESS']);
});

test('a refund of the merchant platform has its own number and is notified at the notify_url of the payment', async () => {
  const rig = await openWechatpay();
  await paidOrder(rig);
  const made = await rig.control('/control/wechatpay/refunds', { out_trade_no: orderNumber, amount: 300 });
  expect(made).toMatchObject({ status: 'PROCESSING', amount: { refund: 300, total: 1000 } });
  await rig.sandbox.advance(3 * secondMs);
  expect(rig.received.at(-1)).toMatchObject({
    url: notifyUrl,
    plaintext: { out_refund_no: made.out_refund_no, refund_status: 'SUCCESS' },
  });
  expect(rig.sandbox.ledger().wechatpay?.refunds).toMatchObject([{ origin: 'PROVIDER', status: 'SUCCESS' }]);
  await expect(rig.control('/control/wechatpay/refunds', { out_trade_no: orderNumber, amount: 701 })).rejects.toThrow(
    'INVALID_REQUEST',
  );
  expect(await rig.control('/control/wechatpay/refunds', { out_trade_no: orderNumber })).toMatchObject({
    amount: { refund: 700 },
  });
});
