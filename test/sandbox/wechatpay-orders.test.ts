import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  appId,
  dayMs,
  hourMs,
  mchId,
  merchantSignature,
  minuteMs,
  openWechatpay,
  order,
  orderNumber,
  paidOrder,
  paths,
  secondMs,
  startSeconds,
  type WechatpayRig,
} from './wechatpay-rig.ts';

const buyer = { openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' };
const phone = { scene_info: { payer_client_ip: '203.0.113.7', h5_info: { type: 'Wap' } } };

test('Native, JSAPI and H5 each return their own kind of code', async () => {
  const { post } = await openWechatpay();
  const native = await post(paths.native, order);
  expect(native.json).toEqual({ code_url: expect.stringMatching(/^weixin:\/\/wxpay\/bizpayurl\?pr=\w{9}$/) });
  const jsapi = await post(paths.jsapi, { ...order, out_trade_no: 'pay_jsapi', payer: buyer });
  expect(jsapi.json).toEqual({ prepay_id: expect.stringMatching(/^wx20270101100000\w{20}$/) });
  const h5 = await post(paths.h5, { ...order, out_trade_no: 'pay_h5', ...phone });
  expect(h5.json).toEqual({
    h5_url: expect.stringMatching(
      /^http:\/\/sandbox\.invalid\/cashier\/wechatpay\/h5\?prepay_id=wx\w{34}&package=\w+$/,
    ),
  });
});

const long = (length: number): string => '茶'.repeat(length);

test.each<[field: string, path: string, change: object]>([
  ['/description', paths.native, { description: undefined }],
  ['/description', paths.native, { description: '' }],
  ['/description', paths.native, { description: long(128) }],
  ['/attach', paths.native, { attach: long(129) }],
  ['/out_trade_no', paths.native, { out_trade_no: 'pay_1' }],
  ['/out_trade_no', paths.native, { out_trade_no: 'p'.repeat(33) }],
  ['/out_trade_no', paths.native, { out_trade_no: 'pay/0001' }],
  ['/notify_url', paths.native, { notify_url: undefined }],
  ['/notify_url', paths.native, { notify_url: 'https://shop.example/hook?id=1' }],
  ['/notify_url', paths.native, { notify_url: 'http://shop.example/hook' }],
  ['/notify_url', paths.native, { notify_url: `https://shop.example/${'h'.repeat(235)}` }],
  ['/notify_url', paths.native, { notify_url: 'hook' }],
  ['/amount/total', paths.native, { amount: { total: 0, currency: 'CNY' } }],
  ['/amount/total', paths.native, { amount: { total: -1, currency: 'CNY' } }],
  ['/amount/total', paths.native, { amount: { total: 10.5, currency: 'CNY' } }],
  ['/amount/total', paths.native, { amount: { total: '1000', currency: 'CNY' } }],
  ['/amount/currency', paths.native, { amount: { total: 1000, currency: 'USD' } }],
  ['/time_expire', paths.native, { time_expire: '2027-01-01T12:00:00' }],
  ['/time_expire', paths.native, { time_expire: '2027-01-01 12:00:00+08:00' }],
  ['/payer', paths.jsapi, {}],
  ['/payer/openid', paths.jsapi, { payer: {} }],
  ['/scene_info', paths.h5, {}],
  ['/scene_info/payer_client_ip', paths.h5, { scene_info: { h5_info: { type: 'Wap' } } }],
  ['/scene_info/payer_client_ip', paths.h5, { scene_info: { payer_client_ip: 'me', h5_info: { type: 'Wap' } } }],
  ['/scene_info/h5_info', paths.h5, { scene_info: { payer_client_ip: '203.0.113.7' } }],
  ['/scene_info/h5_info/type', paths.h5, { scene_info: { payer_client_ip: '203.0.113.7', h5_info: {} } }],
])('%s is refused at %s with %j', async (field, path, change) => {
  const { post, sandbox } = await openWechatpay();
  const answer = await post(path, { ...order, ...change });
  expect(answer).toMatchObject({ status: 400, json: { code: 'PARAM_ERROR', detail: { field } } });
  expect(sandbox.ledger().wechatpay?.transactions).toEqual([]);
});

test.each<[change: object]>([
  [{ description: long(127) }],
  [{ attach: long(128) }],
  [{ out_trade_no: '0-Z|a*' }],
  [{ out_trade_no: 'p'.repeat(32) }],
  [{ amount: { total: 1 } }],
  [{ notify_url: 'http://127.0.0.1:4000/webhooks/wechatpay' }],
  [{ notify_url: 'http://merchant.invalid/webhooks/wechatpay' }],
  [{ notify_url: `https://shop.example/${'h'.repeat(234)}` }],
  [{ time_expire: '2027-01-01T05:00:00Z' }],
])('an order with %j is accepted', async (change) => {
  const { post } = await openWechatpay();
  expect((await post(paths.native, { ...order, ...change })).status).toBe(200);
});

test.each<[change: object, code: string]>([
  [{ mchid: '1900000110' }, 'MCH_NOT_EXISTS'],
  [{ appid: 'wx0000000000000000' }, 'APPID_MCHID_NOT_MATCH'],
])('an order with %j is refused with %s', async (change, code) => {
  const { post } = await openWechatpay();
  expect(await post(paths.native, { ...order, ...change })).toMatchObject({ status: 400, json: { code } });
});

test('a body that is not JSON is refused', async () => {
  const { post } = await openWechatpay();
  const answer = await post(paths.native, []);
  expect(answer).toMatchObject({ status: 400, json: { code: 'PARAM_ERROR' } });
});

test('an identical request, with its fields in any order, returns a new code for the same order', async () => {
  const { post, sandbox } = await openWechatpay();
  const first = await post(paths.native, order);
  const again = await post(paths.native, Object.fromEntries(Object.entries(order).reverse()));
  expect(again.status).toBe(200);
  expect(again.json.code_url).not.toBe(first.json.code_url);
  expect(sandbox.ledger().wechatpay?.transactions.length).toBe(1);
});

test.each<[what: string, path: string, change: object]>([
  ['another amount', paths.native, { amount: { total: 1001, currency: 'CNY' } }],
  ['another description', paths.native, { description: 'Tea, black' }],
  ['another notify_url', paths.native, { notify_url: 'https://shop.example/other' }],
  ['another time_expire', paths.native, { time_expire: '2027-01-02T12:00:00+08:00' }],
  ['another way to pay', paths.jsapi, { payer: buyer }],
])('the same number with %s gets 403 OUT_TRADE_NO_USED', async (_what, path, change) => {
  const { post } = await openWechatpay();
  await post(paths.native, order);
  expect(await post(path, { ...order, ...change })).toMatchObject({ status: 403, json: { code: 'OUT_TRADE_NO_USED' } });
});

test('the number of a paid order cannot be used again', async () => {
  const rig = await openWechatpay();
  await paidOrder(rig);
  expect(await rig.post(paths.native, order)).toMatchObject({ status: 400, json: { code: 'ORDERPAID' } });
});

test('the number of a closed order cannot be used again', async () => {
  const { post } = await openWechatpay();
  await post(paths.native, order);
  await post(paths.close, { mchid: mchId });
  expect(await post(paths.native, order)).toMatchObject({ status: 400, json: { code: 'ORDER_CLOSED' } });
});

test('an unpaid order has no transaction_id', async () => {
  const { post, get } = await openWechatpay();
  await post(paths.native, { ...order, attach: 'a note' });
  expect((await get(paths.query)).json).toEqual({
    amount: { currency: 'CNY', payer_currency: 'CNY', total: 1000 },
    appid: appId,
    attach: 'a note',
    mchid: mchId,
    out_trade_no: orderNumber,
    promotion_detail: [],
    trade_state: 'NOTPAY',
    trade_state_desc: '订单未支付',
  });
});

test('a paid order is found by either number', async () => {
  const rig = await openWechatpay();
  const paid = await paidOrder(rig);
  expect(paid).toEqual({
    amount: { currency: 'CNY', payer_currency: 'CNY', payer_total: 1000, total: 1000 },
    appid: appId,
    attach: '',
    bank_type: 'OTHERS',
    mchid: mchId,
    out_trade_no: orderNumber,
    payer: { openid: expect.stringMatching(/^o\w{27}$/) },
    promotion_detail: [],
    success_time: '2027-01-01T10:00:00+08:00',
    trade_state: 'SUCCESS',
    trade_state_desc: '支付成功',
    trade_type: 'NATIVE',
    transaction_id: expect.stringMatching(/^42000\d{5}20270101\d{10}$/),
  });
  const byId = await rig.get(`/v3/pay/transactions/id/${paid.transaction_id}?mchid=${mchId}`);
  expect(byId).toMatchObject({ status: 200, json: paid });
});

test.each<[target: string, status: number, code: string]>([
  [`/v3/pay/transactions/out-trade-no/pay_none?mchid=${mchId}`, 404, 'ORDER_NOT_EXIST'],
  [`/v3/pay/transactions/id/4200000000?mchid=${mchId}`, 404, 'ORDER_NOT_EXIST'],
  [`/v3/pay/transactions/out-trade-no/${orderNumber}`, 400, 'PARAM_ERROR'],
  [`/v3/pay/transactions/out-trade-no/${orderNumber}?mchid=1900000110`, 400, 'MCH_NOT_EXISTS'],
])('GET %s gets %i %s', async (target, status, code) => {
  const { post, get } = await openWechatpay();
  await post(paths.native, order);
  expect(await get(target)).toMatchObject({ status, json: { code } });
});

test('a close returns 204 without a body, also when repeated, and the order can no longer be paid', async () => {
  const { post, get, control } = await openWechatpay();
  await post(paths.native, order);
  for (const _time of ['first', 'again']) {
    expect(await post(paths.close, { mchid: mchId })).toMatchObject({ status: 204, body: '', verified: true });
  }
  expect((await get(paths.query)).json).toMatchObject({ trade_state: 'CLOSED' });
  await expect(control(paths.buyer, { action: 'pay' })).rejects.toThrow('ORDER_CLOSED');
});

test('closing a paid or unknown order is refused', async () => {
  const rig = await openWechatpay();
  const missing = await rig.post(paths.close, { mchid: mchId });
  expect(missing).toMatchObject({ status: 404, json: { code: 'ORDER_NOT_EXIST' } });
  await paidOrder(rig);
  expect(await rig.post(paths.close, { mchid: mchId })).toMatchObject({ status: 400, json: { code: 'ORDERPAID' } });
  expect(await rig.post(paths.close, {})).toMatchObject({ status: 400, json: { code: 'PARAM_ERROR' } });
});

/** Whether the buyer could still pay after `ms`, with a fresh code. */
async function canPayAfter(rig: WechatpayRig, change: object, ms: number): Promise<boolean> {
  await rig.post(paths.native, { ...order, ...change });
  await rig.sandbox.advance(ms);
  await rig.post(paths.native, { ...order, ...change });
  const open = rig.control(paths.buyer, { action: 'open' });
  return open.then(
    () => true,
    () => false,
  );
}

test.each<[what: string, change: object, lastMs: number]>([
  ['its time_expire', { time_expire: '2027-01-01T10:30:00+08:00' }, 30 * minuteMs],
  ['its time_expire in another zone', { time_expire: '2027-01-01T02:30:00Z' }, 30 * minuteMs],
  ['a minute when time_expire is earlier', { time_expire: '2027-01-01T10:00:01+08:00' }, minuteMs],
  ['a minute when time_expire is past', { time_expire: '2026-01-01T10:00:01+08:00' }, minuteMs],
  ['seven days without one', {}, 7 * dayMs],
])('an order can be paid up to %s', async (_what, change, lastMs) => {
  expect(await canPayAfter(await openWechatpay(), change, lastMs)).toBe(true);
  expect(await canPayAfter(await openWechatpay(), change, lastMs + 1)).toBe(false);
});

test('time_expire does not close: the order stays NOTPAY, and its number cannot be used again', async () => {
  const { post, get, sandbox } = await openWechatpay();
  const soon = { ...order, time_expire: '2027-01-01T10:05:00+08:00' };
  await post(paths.native, soon);
  await sandbox.advance(dayMs);
  expect((await get(paths.query)).json.trade_state).toBe('NOTPAY');
  expect(await post(paths.native, soon)).toMatchObject({ status: 400, json: { code: 'INVALID_REQUEST' } });
  expect((await post(paths.close, { mchid: mchId })).status).toBe(204);
});

test.each<[path: string, change: object, lastMs: number]>([
  [paths.native, {}, 2 * hourMs],
  [paths.h5, phone, 5 * minuteMs],
])(
  'a way in by %s lasts so long, whatever time_expire says, and a fresh one is good again',
  async (path, extra, ms) => {
    const { post, control, sandbox } = await openWechatpay();
    const tomorrow = { ...order, ...extra, time_expire: '2027-01-02T10:00:00+08:00' };
    await post(path, tomorrow);
    await sandbox.advance(ms);
    await control(paths.buyer, { action: 'open' });
    await sandbox.advance(1);
    await expect(control(paths.buyer, { action: 'pay' })).rejects.toThrow('INVALID_REQUEST');
    await post(path, tomorrow);
    expect(await control(paths.buyer, { action: 'pay' })).toMatchObject({ trade_state: 'SUCCESS' });
  },
);

test('a buyer can open, be declined, leave, come back and pay', async () => {
  const { post, control, received, sandbox } = await openWechatpay();
  await post(paths.native, order);
  expect(await control(paths.buyer, { action: 'open' })).toMatchObject({ trade_state: 'USERPAYING' });
  expect(await control(paths.buyer, { action: 'decline' })).toMatchObject({ trade_state: 'NOTPAY' });
  await control(paths.buyer, { action: 'open' });
  expect(await control(paths.buyer, { action: 'leave' })).toMatchObject({ trade_state: 'NOTPAY' });
  await sandbox.advance(dayMs / 24);
  expect(received).toEqual([]); // attempts are not notified
  expect(await control(paths.buyer, { action: 'pay' })).toMatchObject({ trade_state: 'SUCCESS' });
  await expect(control(paths.buyer, { action: 'pay' })).rejects.toThrow('ORDERPAID');
  await expect(control(paths.buyer, { action: 'dance' })).rejects.toThrow('action');
});

test('with a coupon the buyer pays less than the total', async () => {
  const { post, control } = await openWechatpay();
  await post(paths.native, order);
  expect(await control(paths.buyer, { action: 'pay', coupon: 150 })).toMatchObject({
    amount: { total: 1000, payer_total: 850 },
    promotion_detail: [{ amount: 150 }],
  });
});

function bridgeCall(prepayId: string, change: object = {}) {
  const call = { appId, timeStamp: String(startSeconds), nonceStr: 'a nonce', package: `prepay_id=${prepayId}` };
  const paySign = merchantSignature(call.appId, call.timeStamp, call.nonceStr, call.package);
  return { ...call, signType: 'RSA', paySign, ...change };
}

test('a JSAPI payment opens only with the signed call of the bridge', async () => {
  const { post, control, get } = await openWechatpay();
  const { json } = await post(paths.jsapi, { ...order, payer: buyer });
  await expect(control(paths.buyer, { action: 'pay' })).rejects.toThrow('INVALID_REQUEST');
  const opened = await control('/control/wechatpay/bridge', bridgeCall(json.prepay_id));
  expect(opened).toMatchObject({ trade_state: 'USERPAYING' });
  await control(paths.buyer, { action: 'pay' });
  expect((await get(paths.query)).json).toMatchObject({ trade_state: 'SUCCESS', trade_type: 'JSAPI', payer: buyer });
});

test.each<[change: object]>([
  [{ nonceStr: 'another nonce' }],
  [{ timeStamp: String(startSeconds + 1) }],
  [{ timeStamp: 'now' }],
  [{ paySign: merchantSignature(appId) }],
  [{ signType: 'MD5' }],
  [{ appId: 'wx0000000000000000' }],
  [{ package: 'prepay_id=wx_none' }],
])('the bridge refuses a call with %j', async (change) => {
  const { post, control } = await openWechatpay();
  const { json } = await post(paths.jsapi, { ...order, payer: buyer });
  await expect(control('/control/wechatpay/bridge', bridgeCall(json.prepay_id, change))).rejects.toThrow();
  await expect(control(paths.buyer, { action: 'pay' })).rejects.toThrow('INVALID_REQUEST');
});

test('a prepay_id expires after two hours', async () => {
  const { post, control, sandbox } = await openWechatpay();
  const { json } = await post(paths.jsapi, { ...order, payer: buyer });
  await sandbox.advance(2 * hourMs + 1);
  await expect(control('/control/wechatpay/bridge', bridgeCall(json.prepay_id))).rejects.toThrow('INVALID_REQUEST');
});

test('the console succeeds an order in any state, once', async () => {
  const { post, control, sandbox } = await openWechatpay();
  await post(paths.native, order);
  await control(`/control/wechatpay/transactions/${orderNumber}/close`);
  const path = `/control/wechatpay/transactions/${orderNumber}/succeed`;
  const paid = await control(path);
  expect(paid).toMatchObject({ trade_state: 'SUCCESS' });
  expect(await control(path)).toEqual(paid);
  expect(sandbox.ledger(orderNumber).wechatpay?.totals[orderNumber]).toEqual({
    currency: 'cny',
    transactions: 1,
    charges: 1,
    captured: 1000,
    refunded: 0,
    refundPending: 0,
  });
  expect(sandbox.ledger('pay_other').wechatpay).toEqual({ transactions: [], refunds: [], totals: {} });
});

test.each<[fault: string, before: string, after: string]>([
  ['processing_then_succeeded', 'USERPAYING', 'SUCCESS'],
  ['processing_then_failed', 'USERPAYING', 'NOTPAY'],
])('with %s a payment is %s for a while, then %s', async (fault, before, after) => {
  const { post, get, control, sandbox } = await openWechatpay();
  await control('/control/faults', { fault, ms: 10 * secondMs, match: { contains: orderNumber } });
  await post(paths.native, order);
  expect(await control(paths.buyer, { action: 'pay' })).toMatchObject({ trade_state: before });
  await sandbox.advance(10 * secondMs);
  expect((await get(paths.query)).json.trade_state).toBe(after);
});

test('with success_after_close a closed order is paid afterwards', async () => {
  const { post, get, control, sandbox, received } = await openWechatpay();
  await control('/control/faults', {
    fault: 'success_after_close',
    ms: 10 * secondMs,
    match: { contains: orderNumber },
  });
  await post(paths.native, order);
  expect((await post(paths.close, { mchid: mchId })).status).toBe(204);
  expect((await get(paths.query)).json.trade_state).toBe('CLOSED');
  await sandbox.advance(10 * secondMs);
  expect((await get(paths.query)).json.trade_state).toBe('SUCCESS');
  expect(received.map(({ plaintext }) => plaintext.trade_state)).toEqual(['SUCCESS']);
});

test('the same seed and requests produce the same ids and the same bytes', async () => {
  const course = async (seed: number): Promise<string> => {
    const rig = await openWechatpay({ seed });
    const { json } = await rig.post(paths.native, order, { nonce: 'one-and-the-same-nonce' });
    await rig.control(paths.buyer, { action: 'pay' });
    await rig.sandbox.advance(0);
    return JSON.stringify([json, rig.received]);
  };
  expect(await course(7)).toBe(await course(7));
  expect(await course(7)).not.toBe(await course(8));
});

test('the state survives a restart', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sandbox-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  const before = await openWechatpay({ dataDir });
  await paidOrder(before);
  await before.post(paths.refunds, {
    out_trade_no: orderNumber,
    out_refund_no: 'rfd_1',
    amount: { refund: 400, total: 1000, currency: 'CNY' },
  });
  await before.sandbox.close();
  const after = await openWechatpay({ dataDir });
  await after.sandbox.advance(minuteMs);
  expect((await after.get(paths.query)).json.trade_state).toBe('REFUND');
  expect(after.sandbox.ledger().wechatpay?.totals[orderNumber]).toMatchObject({ captured: 1000, refunded: 400 });
  expect(after.received.map(({ envelope }) => envelope.event_type)).toEqual(['TRANSACTION.SUCCESS', 'REFUND.SUCCESS']);
});
