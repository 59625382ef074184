import { expect, test } from 'vitest';
import {
  type AlipayRig,
  close,
  type Fields,
  offer,
  openAlipayRig,
  paid,
  query,
  refund,
  refundQuery,
  subCode,
} from './alipay-rig.ts';

const ofRig = { out_trade_no: 'pay_rig' };

function back(outRequestNo: string, amount: string): Fields {
  return { ...ofRig, out_request_no: outRequestNo, refund_amount: amount, refund_reason: 'too much tea' };
}

test('a refund moves money once, and refund_fee is the refunded total of the trade', async () => {
  const rig = await openAlipayRig();
  await paid(rig);
  expect(await rig.exec(refund, back('rfd_1', '2.00'))).toMatchObject({ fund_change: 'Y', refund_fee: '2.00' });
  expect(await rig.exec(refund, back('rfd_2', '3.34'))).toMatchObject({ fund_change: 'Y', refund_fee: '5.34' });
  expect(await rig.exec(refund, back('rfd_1', '2.00'))).toMatchObject({ fund_change: 'N', refund_fee: '5.34' });
  expect(rig.ledger('pay_rig').totals.pay_rig).toEqual({
    currency: 'cny',
    trades: 1,
    charges: 1,
    captured: 1234,
    refunded: 534,
    refundPending: 0,
  });
  expect(rig.ledger().refunds).toMatchObject([
    { outRequestNo: 'rfd_1', amount: 200, status: 'succeeded', origin: 'API' },
    { outRequestNo: 'rfd_2', amount: 334, status: 'succeeded', origin: 'API' },
  ]);
});

test('the same request number with another amount is refused', async () => {
  const rig = await openAlipayRig();
  await paid(rig);
  await rig.exec(refund, back('rfd_1', '2.00'));
  expect(await subCode(rig.exec(refund, back('rfd_1', '2.01')))).toBe('ACQ.DISCORDANT_REPEAT_REQUEST');
});

test('refunds cannot exceed the payment', async () => {
  const rig = await openAlipayRig();
  await paid(rig);
  expect(await subCode(rig.exec(refund, back('rfd_1', '12.35')))).toBe('ACQ.REFUND_AMT_NOT_EQUAL_TOTAL');
  await rig.exec(refund, back('rfd_1', '12.00'));
  expect(await subCode(rig.exec(refund, back('rfd_2', '0.35')))).toBe('ACQ.REFUND_AMT_NOT_EQUAL_TOTAL');
  expect(rig.ledger().totals.pay_rig).toMatchObject({ refunded: 1200 });
});

test('a fully refunded trade is closed, keeps its payment time, and repeats its refunds', async () => {
  const rig = await openAlipayRig();
  await paid(rig);
  await rig.exec(refund, back('rfd_1', '12.00'));
  expect(await rig.exec(query, ofRig)).toMatchObject({ trade_status: 'TRADE_SUCCESS' });
  await rig.exec(refund, back('rfd_2', '0.34'));
  expect(await rig.exec(query, ofRig)).toMatchObject({
    ...{ trade_status: 'TRADE_CLOSED', send_pay_date: '2030-01-10 12:00:00' },
  });
  expect(await rig.exec(refund, back('rfd_2', '0.34'))).toMatchObject({ fund_change: 'N', refund_fee: '12.34' });
  expect(await subCode(rig.exec(refund, back('rfd_3', '0.01')))).toBe('ACQ.REFUND_AMT_NOT_EQUAL_TOTAL');
});

test('without a request number only a full refund is possible, with the number of the trade', async () => {
  const rig = await openAlipayRig();
  await paid(rig);
  expect(await subCode(rig.exec(refund, { ...ofRig, refund_amount: '1.00' }))).toBe('ACQ.INVALID_PARAMETER');
  expect(await rig.exec(refund, { ...ofRig, refund_amount: '12.34' })).toMatchObject({ fund_change: 'Y' });
  const asked = await rig.exec(refundQuery, { ...ofRig, out_request_no: 'pay_rig' });
  expect(asked).toMatchObject({ refund_status: 'REFUND_SUCCESS', refund_amount: '12.34' });
});

test('the query of a refund returns that refund, and is empty for an unknown one', async () => {
  const rig = await openAlipayRig();
  await paid(rig);
  await rig.exec(refund, back('rfd_1', '2.00'));
  await rig.exec(refund, back('rfd_2', '3.00'));
  expect(await rig.exec(refundQuery, { ...ofRig, out_request_no: 'rfd_1' })).toMatchObject({
    out_request_no: 'rfd_1',
    refund_status: 'REFUND_SUCCESS',
    refund_amount: '2.00',
    total_amount: '12.34',
  });
  const { traceId, ...none } = await rig.exec(refundQuery, { ...ofRig, out_request_no: 'rfd_9' });
  expect(none).toEqual({ code: '10000', msg: 'Success' });
  const unknown = { out_trade_no: 'pay_unknown', out_request_no: 'rfd_1' };
  expect(await subCode(rig.exec(refundQuery, unknown))).toBe('ACQ.TRADE_NOT_EXIST');
});

test.each<[what: string, ready: (rig: AlipayRig) => Promise<unknown>, code: string]>([
  ['that does not exist', async () => undefined, 'ACQ.TRADE_NOT_EXIST'],
  ['that nobody opened', (rig) => offer(rig, 'qr', 'pay_rig'), 'ACQ.TRADE_NOT_EXIST'],
  [
    'that waits',
    (rig) => offer(rig, 'qr', 'pay_rig').then(() => rig.buyer('pay_rig', 'scan')),
    'ACQ.TRADE_STATUS_ERROR',
  ],
  ['that was closed unpaid', closedUnpaid, 'ACQ.TRADE_STATUS_ERROR'],
  ['that is finished', finished, 'ACQ.TRADE_HAS_FINISHED'],
])('a trade %s cannot be refunded', async (_what, ready, code) => {
  const rig = await openAlipayRig();
  await ready(rig);
  expect(await subCode(rig.exec(refund, back('rfd_1', '1.00')))).toBe(code);
});

async function closedUnpaid(rig: AlipayRig): Promise<void> {
  await offer(rig, 'qr', 'pay_rig');
  await rig.buyer('pay_rig', 'scan');
  await rig.exec(close, ofRig);
}

async function finished(rig: AlipayRig): Promise<void> {
  await paid(rig);
  await rig.control('/trades/pay_rig/finish');
}

test.each<[outcome: 'succeeded' | 'failed', act: 'succeed' | 'fail']>([
  ['succeeded', 'succeed'],
  ['failed', 'fail'],
])('a refund can be pending until the console decides that it has %s', async (outcome, act) => {
  const rig = await openAlipayRig();
  await paid(rig);
  await rig.fault({ fault: `refund_pending_then_${outcome}`, match: { contains: 'rfd_1' } });
  expect(await rig.exec(refund, back('rfd_1', '2.00'))).toMatchObject({ fund_change: 'N', refund_fee: '0.00' });
  expect(await rig.exec(refund, back('rfd_1', '2.00'))).toMatchObject({ fund_change: 'N' });
  expect(await rig.exec(refundQuery, { ...ofRig, out_request_no: 'rfd_1' })).not.toHaveProperty('refund_status');
  expect(await subCode(rig.exec(refund, back('rfd_2', '12.34')))).toBe('ACQ.REFUND_AMT_NOT_EQUAL_TOTAL');
  expect(rig.ledger().totals.pay_rig).toMatchObject({ refunded: 0, refundPending: 200 });
  await rig.control(`/refunds/rfd_1/${act}`);
  const isBack = outcome === 'succeeded';
  expect(rig.ledger().totals.pay_rig).toMatchObject({ refunded: isBack ? 200 : 0, refundPending: 0 });
  const again = await rig.exec(refund, back('rfd_1', '2.00')); // the number of a failed refund can be used again
  expect(again).toMatchObject({ fund_change: isBack ? 'N' : 'Y', refund_fee: '2.00' });
  await expect(rig.control(`/refunds/rfd_1/${act}`)).rejects.toThrow('TRADE_STATUS_ERROR');
});

test('a pending refund is decided by the clock', async () => {
  const rig = await openAlipayRig();
  await paid(rig);
  await rig.fault({ fault: 'refund_pending_then_succeeded', ms: 5000 });
  await rig.exec(refund, back('rfd_1', '12.34'));
  await rig.sandbox.advance(4999);
  expect(await rig.exec(query, ofRig)).toMatchObject({ trade_status: 'TRADE_SUCCESS' });
  await rig.sandbox.advance(1);
  expect(await rig.exec(query, ofRig)).toMatchObject({ trade_status: 'TRADE_CLOSED' });
});

test('a refund of the console has its own number and refunds the rest', async () => {
  const rig = await openAlipayRig();
  await paid(rig);
  await rig.control('/refunds', { out_trade_no: 'pay_rig', amount: 34 });
  const { outRequestNo } = await rig.control('/refunds', { trade_no: rig.ledger().trades[0]?.tradeNo });
  expect(rig.ledger().refunds).toMatchObject([
    { amount: 34, origin: 'PROVIDER' },
    { amount: 1200, origin: 'PROVIDER', outRequestNo },
  ]);
  await expect(rig.control('/refunds', { out_trade_no: 'pay_rig' })).rejects.toThrow('REFUND_AMT');
  await expect(rig.control('/refunds', { out_trade_no: 'pay_none' })).rejects.toThrow('TRADE_NOT_EXIST');
});
