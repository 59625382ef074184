import { expect, test } from 'vitest';
import {
  type AlipayRig,
  appId,
  close,
  hourMs,
  minuteMs,
  notifyUrl,
  offer,
  openAlipayRig,
  paid,
  precreate,
  refund,
  sellerId,
  tea,
  verifyByHand,
} from './alipay-rig.ts';

type Product = 'page' | 'wap' | 'qr';
const ofRig = { out_trade_no: 'pay_rig' };

test('the notification of a payment goes to its notify_url as a signed form', async () => {
  const rig = await openAlipayRig();
  await paid(rig);
  const [told] = rig.received;
  expect(told).toMatchObject({ url: notifyUrl, verified: true, verifiedBySdk: true });
  expect(told?.fields).toEqual({
    notify_id: expect.stringMatching(/^\d{34}$/),
    notify_time: '2030-01-10 12:00:00',
    notify_type: 'trade_status_sync',
    sign_type: 'RSA2',
    sign: expect.any(String),
    charset: 'utf-8',
    version: '1.0',
    app_id: appId,
    auth_app_id: appId,
    seller_id: sellerId,
    out_trade_no: 'pay_rig',
    trade_no: expect.stringMatching(/^\d{28}$/),
    trade_status: 'TRADE_SUCCESS',
    total_amount: '12.34',
    receipt_amount: '12.34',
    buyer_pay_amount: '12.34',
    invoice_amount: '12.34',
    point_amount: '0.00',
    subject: '茶 Tea',
    buyer_id: expect.stringMatching(/^2088\d{12}$/),
    buyer_logon_id: expect.any(String),
    gmt_create: '2030-01-10 12:00:00',
    gmt_payment: '2030-01-10 12:00:00',
    fund_bill_list: '[{"amount":"12.34","fundChannel":"ALIPAYACCOUNT"}]',
  });
});

test('subject, body and passback_params arrive unchanged, and no field is empty', async () => {
  const rig = await openAlipayRig();
  const subject = `100% "茶" + 'x' <b> ;#?`;
  await rig.exec(
    precreate,
    tea('pay_rig', { subject, body: '2 bags', passback_params: 'order%3D7', timeout_express: '' }),
  );
  await rig.buyer('pay_rig', 'pay');
  await rig.sandbox.advance(0);
  const [told] = rig.received;
  expect(told).toMatchObject({ verified: true, verifiedBySdk: true });
  expect(told?.fields).toMatchObject({ subject, body: '2 bags', passback_params: 'order%3D7' });
  expect(Object.values(told?.fields ?? {})).not.toContain('');
});

test('a payment without a notify_url is not notified', async () => {
  const rig = await openAlipayRig();
  await rig.exec(precreate, tea('pay_rig'), {});
  await rig.buyer('pay_rig', 'pay');
  await rig.sandbox.advance(0);
  expect(rig.received).toEqual([]);
});

const scan = (rig: AlipayRig): Promise<unknown> => rig.buyer('pay_rig', 'scan');
const closeUnpaid = async (rig: AlipayRig): Promise<unknown> => scan(rig).then(() => rig.exec(close, ofRig));
const expire = async (rig: AlipayRig): Promise<unknown> => scan(rig).then(() => rig.sandbox.advance(16 * 24 * hourMs));
const pay = (rig: AlipayRig): Promise<unknown> => rig.buyer('pay_rig', 'pay');
const refundOf =
  (amount: string) =>
  async (rig: AlipayRig): Promise<unknown> => {
    await pay(rig);
    return rig.exec(refund, { ...ofRig, out_request_no: 'rfd_1', refund_amount: amount });
  };
const finishPaid = async (rig: AlipayRig): Promise<unknown> =>
  pay(rig).then(() => rig.control('/trades/pay_rig/finish'));
const finishUnpaid = async (rig: AlipayRig): Promise<unknown> =>
  scan(rig).then(() => rig.control('/trades/pay_rig/finish'));

test.each<[what: string, act: (rig: AlipayRig) => Promise<unknown>, told: Record<Product, string[]>]>([
  ['creating', scan, { page: [], qr: [], wap: [] }],
  ['paying', pay, { page: ['TRADE_SUCCESS'], qr: ['TRADE_SUCCESS'], wap: ['TRADE_SUCCESS'] }],
  ['closing', closeUnpaid, { page: [], qr: [], wap: ['TRADE_CLOSED'] }],
  ['expiring', expire, { page: [], qr: [], wap: ['TRADE_CLOSED'] }],
  [
    'refunding a part',
    refundOf('2.00'),
    {
      page: ['TRADE_SUCCESS', 'TRADE_SUCCESS rfd_1'],
      qr: ['TRADE_SUCCESS', 'TRADE_SUCCESS rfd_1'],
      wap: ['TRADE_SUCCESS', 'TRADE_SUCCESS rfd_1'],
    },
  ],
  [
    'refunding everything',
    refundOf('12.34'),
    { page: ['TRADE_SUCCESS'], qr: ['TRADE_SUCCESS'], wap: ['TRADE_SUCCESS', 'TRADE_CLOSED rfd_1'] },
  ],
  [
    'finishing',
    finishPaid,
    { page: ['TRADE_SUCCESS'], qr: ['TRADE_SUCCESS'], wap: ['TRADE_SUCCESS', 'TRADE_FINISHED'] },
  ],
  [
    'paying for what cannot be refunded',
    finishUnpaid,
    { page: ['TRADE_FINISHED'], qr: ['TRADE_FINISHED'], wap: ['TRADE_FINISHED'] },
  ],
])('the product decides whether %s is notified', async (_what, act, told) => {
  for (const product of ['page', 'qr', 'wap'] as const) {
    const rig = await openAlipayRig();
    await offer(rig, product, 'pay_rig');
    await act(rig);
    await rig.sandbox.advance(0);
    const seen = rig.received.map(({ fields }) => [fields.trade_status, fields.out_biz_no].filter(Boolean).join(' '));
    expect(seen, product).toEqual(told[product]);
    expect(rig.received.every(({ verified, verifiedBySdk }) => verified && verifiedBySdk)).toBe(true);
  }
});

test('the notification of a refund has the refunded total and a time with milliseconds', async () => {
  const rig = await openAlipayRig();
  await paid(rig, 'wap');
  for (const [number, amount] of [
    ['rfd_1', '2.00'],
    ['rfd_2', '10.34'],
  ] as const) {
    await rig.sandbox.advance(3250);
    await rig.exec(refund, { ...ofRig, out_request_no: number, refund_amount: amount });
  }
  await rig.sandbox.advance(0);
  expect(rig.received.map(({ fields }) => fields)).toMatchObject([
    { trade_status: 'TRADE_SUCCESS' },
    {
      ...{ trade_status: 'TRADE_SUCCESS', out_biz_no: 'rfd_1', refund_fee: '2.00', send_back_fee: '2.00' },
      ...{ gmt_refund: '2030-01-10 12:00:03.250', total_amount: '12.34' },
    },
    {
      ...{ trade_status: 'TRADE_CLOSED', out_biz_no: 'rfd_2', refund_fee: '12.34', send_back_fee: '10.34' },
      ...{ gmt_refund: '2030-01-10 12:00:06.500', gmt_close: '2030-01-10 12:00:06' },
    },
  ]);
  const ids = rig.received.map(({ fields }) => fields.notify_id);
  expect(new Set(ids).size).toBe(3);
});

test('an unacknowledged notification is sent eight times within 25 hours with one notify_id', async () => {
  const rig = await openAlipayRig();
  rig.answerWith = { status: 200, body: 'fail' };
  await paid(rig);
  const sinceMs = [0, 4, 14, 24, 84, 204, 564, 1464].map((minutes) => minutes * minuteMs);
  for (const [index, ms] of sinceMs.entries()) {
    const sofar = rig.sandbox.now().getTime() - Date.parse('2030-01-10T04:00:00Z');
    if (index > 0) await rig.sandbox.advance(ms - sofar - 1);
    expect(rig.received).toHaveLength(Math.max(1, index));
    if (index > 0) await rig.sandbox.advance(1);
    expect(rig.received).toHaveLength(index + 1);
  }
  await rig.sandbox.advance(100 * hourMs);
  expect(rig.received).toHaveLength(8);
  expect(new Set(rig.received.map(({ fields }) => fields.notify_id)).size).toBe(1);
  expect(rig.received.every(({ verified }) => verified)).toBe(true);
  expect(rig.received.at(-1)?.fields.notify_time).toBe('2030-01-11 12:24:00');
});

test.each<[status: number, body: string]>([
  [200, 'success\n'],
  [200, 'Success'],
  [200, ''],
  [200, '{"code":"success"}'],
  [204, 'success'],
  [500, 'success'],
])('status %i with %j does not acknowledge', async (status, body) => {
  const rig = await openAlipayRig();
  rig.answerWith = { status, body };
  await paid(rig);
  rig.answerWith = { status: 200, body: 'success' };
  await rig.sandbox.advance(4 * minuteMs);
  await rig.sandbox.advance(100 * hourMs);
  expect(rig.received).toHaveLength(2);
});

test('forged, altered and wrong-amount notifications have the announced faults', async () => {
  const spoiled = async (fault: string) => {
    const rig = await openAlipayRig();
    await rig.fault({ fault, match: { type: 'TRADE_SUCCESS', contains: 'pay_rig' } });
    await paid(rig);
    return rig.received;
  };
  expect((await spoiled('forge')).map(({ verified }) => verified)).toEqual([false, true]);
  expect(await spoiled('alter')).toMatchObject([{ verified: false, fields: { total_amount: '13.34' } }]);
  const wrong = await spoiled('wrong_amount');
  expect(wrong).toMatchObject([{ verified: true, fields: { total_amount: '13.34', receipt_amount: '13.34' } }]);
  expect(verifyByHand(wrong[0]?.fields ?? {})).toBe(true);
  expect(await spoiled('another_account')).toMatchObject([{ verified: true, fields: { app_id: '2021999999999999' } }]);
});

test('notifications are dropped, duplicated, delayed and reordered by rules', async () => {
  const rig = await openAlipayRig();
  await rig.fault([
    { fault: 'drop', match: { contains: 'pay_1' }, target: 'callback' },
    { fault: 'duplicate', match: { contains: 'pay_2' }, target: 'callback' },
    { fault: 'delay', ms: 60_000, match: { contains: 'pay_3' }, target: 'callback' },
    { fault: 'reorder', match: { type: 'TRADE_SUCCESS', contains: 'pay_4' } },
  ]);
  for (const number of ['pay_1', 'pay_2', 'pay_3', 'pay_4']) await paid(rig, 'wap', number);
  await rig.exec(refund, { out_trade_no: 'pay_4', out_request_no: 'rfd_1', refund_amount: '12.34' });
  await rig.sandbox.advance(60_000);
  const seen = rig.received.map(({ fields }) => `${fields.out_trade_no} ${fields.trade_status}`);
  expect(seen).toEqual([
    'pay_2 TRADE_SUCCESS',
    'pay_2 TRADE_SUCCESS',
    'pay_4 TRADE_CLOSED',
    'pay_4 TRADE_SUCCESS',
    'pay_3 TRADE_SUCCESS',
  ]);
});
