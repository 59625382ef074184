import { expect, test } from 'vitest';
import {
  appId,
  hourMs,
  merchantSignature,
  minuteMs,
  openWechatpay,
  order,
  orderNumber,
  paths,
  startSeconds,
  type WechatpayRig,
} from './wechatpay-rig.ts';

const buyer = { openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' };
const phone = { scene_info: { payer_client_ip: '203.0.113.7', h5_info: { type: 'Wap' } } };

/** Gets a page, or posts its form. */
async function visit({ sandbox }: WechatpayRig, path: string, form?: Record<string, string>) {
  const body = form === undefined ? '' : new URLSearchParams(form).toString();
  const answer = await sandbox.request({ method: form === undefined ? 'GET' : 'POST', path, body });
  if (typeof answer === 'string') throw new Error(answer);
  return { ...answer, location: answer.headers.location ?? '' };
}

const find = (code: string): string => `/cashier/wechatpay?code=${encodeURIComponent(code)}`;

test('a code_url leads to its page, where the buyer can pay', async () => {
  const rig = await openWechatpay();
  const { json } = await rig.post(paths.native, order);
  const { status, location } = await visit(rig, find(json.code_url));
  expect(status).toBe(303);
  const shown = await visit(rig, location);
  expect(shown.body).toContain('WeChat Pay · 微信支付');
  expect(shown.body).toContain('Tea, green');
  expect(shown.body).toContain(orderNumber);
  expect(shown.body).toContain('CN¥10.00');
  expect(shown.body).toContain(json.code_url);
  expect((await visit(rig, location, { action: 'pay' })).location).toBe(location);
  expect((await visit(rig, location)).body).toContain('Paid');
  expect((await rig.get(paths.query)).json.trade_state).toBe('SUCCESS');
});

test('the page of a refunded payment shows both amounts', async () => {
  const rig = await openWechatpay();
  const { location } = await visit(rig, find((await rig.post(paths.native, order)).json.code_url));
  await visit(rig, location, { action: 'pay' });
  await rig.sandbox.control('/control/wechatpay/refunds', { out_trade_no: orderNumber, amount: 400 });
  await rig.sandbox.advance(minuteMs);
  expect((await visit(rig, location)).body).toContain('Partly refunded');
  await rig.sandbox.control('/control/wechatpay/refunds', { out_trade_no: orderNumber, amount: 600 });
  await rig.sandbox.advance(minuteMs);
  const { body } = await visit(rig, location);
  expect(body).toContain('<h1>Refunded</h1>');
  expect(body).not.toContain('<h1>Paid');
});

test('the page of an expired order says so, also after the shop has closed it', async () => {
  const rig = await openWechatpay();
  const timed = { ...order, time_expire: new Date((startSeconds + 1800) * 1000).toISOString() };
  const { location } = await visit(rig, find((await rig.post(paths.native, timed)).json.code_url));
  await rig.sandbox.advance(24 * hourMs);
  expect((await visit(rig, location)).body).toContain('This order has expired');
  await rig.post(paths.close, { mchid: order.mchid });
  expect((await visit(rig, location)).body).toContain('This order has expired');
});

test('a declined buyer sees the decline and can pay; a buyer who leaves can come back', async () => {
  const rig = await openWechatpay();
  const { json } = await rig.post(paths.native, order);
  const { location } = await visit(rig, find(json.code_url));
  await visit(rig, location, { action: 'decline' });
  expect((await visit(rig, location)).body).toContain('declined');
  expect((await visit(rig, location, { action: 'leave' })).location).toBe('/cashier');
  expect((await rig.get(paths.query)).json.trade_state).toBe('NOTPAY');
  await visit(rig, location, { action: 'pay' });
  expect((await rig.get(paths.query)).json.trade_state).toBe('SUCCESS');
});

test('without a valid QR code the page asks for one', async () => {
  const rig = await openWechatpay();
  expect(await visit(rig, '/cashier/wechatpay')).toMatchObject({ status: 200 });
  expect(await visit(rig, find('weixin://wxpay/bizpayurl?pr=none'))).toMatchObject({ status: 404 });
  expect(await visit(rig, '/cashier/wechatpay/none')).toMatchObject({ status: 404 });
  expect(await visit(rig, '/cashier/wechatpay/none/more')).toMatchObject({ status: 404 });
});

test('an expired code and the code of a closed order cannot be paid', async () => {
  const rig = await openWechatpay();
  const old = await visit(rig, find((await rig.post(paths.native, order)).json.code_url));
  await rig.sandbox.advance(2 * hourMs + 1);
  const fresh = await visit(rig, find((await rig.post(paths.native, order)).json.code_url));
  await visit(rig, old.location, { action: 'pay' });
  expect((await visit(rig, old.location)).body).toContain('This code has expired');
  expect((await rig.get(paths.query)).json.trade_state).toBe('NOTPAY');
  expect((await visit(rig, fresh.location)).body).toContain('Pay');
  await rig.post(paths.close, { mchid: order.mchid });
  await visit(rig, fresh.location, { action: 'pay' });
  expect((await visit(rig, fresh.location)).body).toContain('Closed');
  expect((await rig.get(paths.query)).json.trade_state).toBe('CLOSED');
});

test('an h5_url accepts an appended redirect_url and returns the buyer to it', async () => {
  const rig = await openWechatpay();
  const { json } = await rig.post(paths.h5, { ...order, ...phone });
  const back = 'https://shop.example/thanks?order=1';
  const path = `${json.h5_url}&redirect_url=${encodeURIComponent(back)}`.replace('http://sandbox.invalid', '');
  expect((await visit(rig, path)).body).toContain('Tea, green');
  const declined = await visit(rig, path, { action: 'decline' });
  expect(new URLSearchParams(declined.location.split('?')[1]).get('redirect_url')).toBe(back);
  expect((await visit(rig, declined.location, { action: 'pay' })).location).toBe(back);
  expect((await rig.get(paths.query)).json).toMatchObject({ trade_state: 'SUCCESS', trade_type: 'MWEB' });
});

test('an h5_url expires after five minutes', async () => {
  const rig = await openWechatpay();
  const { json } = await rig.post(paths.h5, { ...order, ...phone });
  await rig.sandbox.advance(5 * minuteMs + 1);
  expect((await visit(rig, json.h5_url.replace('http://sandbox.invalid', ''))).body).toContain('This code has expired');
});

test('a redirect_url that is not an http(s) URL is ignored', async () => {
  const rig = await openWechatpay();
  const { json } = await rig.post(paths.h5, { ...order, ...phone });
  const path = `${json.h5_url}&redirect_url=javascript:alert(1)`.replace('http://sandbox.invalid', '');
  expect((await visit(rig, path, { action: 'pay' })).location).toContain('/cashier/wechatpay/h5?');
  expect((await visit(rig, path)).body).not.toContain('javascript:');
});

test('a JSAPI page asks for the call of the bridge before the buyer can pay', async () => {
  const rig = await openWechatpay();
  const { json } = await rig.post(paths.jsapi, { ...order, payer: buyer });
  const { location } = await visit(rig, find(json.prepay_id));
  expect((await visit(rig, location, { action: 'pay' })).status).toBe(400);
  const call = { appId, timeStamp: String(startSeconds), nonceStr: 'a nonce', package: `prepay_id=${json.prepay_id}` };
  const paySign = merchantSignature(call.appId, call.timeStamp, call.nonceStr, call.package);
  const forged = JSON.stringify({ ...call, signType: 'RSA', paySign: merchantSignature(appId) });
  expect((await visit(rig, location, { action: 'bridge', call: forged })).status).toBe(401);
  expect((await visit(rig, location, { action: 'bridge', call: 'not JSON' })).status).toBe(400);
  expect((await visit(rig, location)).body).toContain('bridge');
  const right = JSON.stringify({ ...call, signType: 'RSA', paySign });
  expect((await visit(rig, location, { action: 'bridge', call: right })).location).toBe(location);
  await visit(rig, location, { action: 'pay' });
  expect((await rig.get(paths.query)).json.trade_state).toBe('SUCCESS');
});

test('the first page lists pending orders with their newest codes', async () => {
  const rig = await openWechatpay();
  const first = await visit(rig, find((await rig.post(paths.native, order)).json.code_url));
  const newest = await visit(rig, find((await rig.post(paths.native, order)).json.code_url));
  await rig.post(paths.h5, { ...order, ...phone, out_trade_no: 'pay_in_browser' });
  const { body } = await visit(rig, '/cashier');
  expect(body).toContain(orderNumber);
  expect(body).toContain(newest.location);
  expect(body).not.toContain(first.location);
  expect(body).toContain('pay_in_browser');
  await rig.control(paths.buyer, { action: 'pay' });
  expect((await visit(rig, '/cashier')).body).not.toContain(newest.location);
});

test('the text of a shop is escaped', async () => {
  const rig = await openWechatpay();
  const { json } = await rig.post(paths.native, { ...order, description: '<script>alert(1)</script>' });
  const { location } = await visit(rig, find(json.code_url));
  expect((await visit(rig, location)).body).not.toContain('<script>');
});
