import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import {
  appId,
  certificateSerial,
  dayMs,
  fetchSigned,
  hourMs,
  mchId,
  minuteMs,
  openWechatpay,
  order,
  orderNumber,
  paidOrder,
  paths,
  refundOf,
  secondMs,
  type WechatpayRig,
} from './wechatpay-rig.ts';

const billPath = (query: string): string => `/v3/bill/tradebill?${query}`;
const targetOf = (url: string): string => url.replace(/^https?:\/\/[^/]+/, '');

/** Requests and downloads the bill of a day: the cells of its rows, without the byte order mark. */
async function fetchBill(rig: WechatpayRig, query: string): Promise<{ text: string; rows: string[][] }> {
  const { json } = await rig.get(billPath(query));
  const file = await rig.get(targetOf(json.download_url));
  expect(file.status).toBe(200);
  const bytes = query.includes('GZIP')
    ? gunzipSync(Buffer.from(file.body, 'latin1'))
    : Buffer.from(file.body, 'latin1');
  expect(createHash(json.hash_type).update(bytes).digest('hex')).toBe(json.hash_value);
  const text = bytes.toString('utf8');
  expect(text.startsWith('\uFEFF')).toBe(true);
  const lines = text.slice(1).trimEnd().split('\r\n');
  return { text, rows: lines.map((line) => (line.startsWith('`') ? line.slice(1).split(',`') : line.split(','))) };
}

const allColumns =
  '交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,' +
  '应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,' +
  '手续费,费率,订单金额,申请退款金额,费率备注';

/** A payment of ten yuan and a refund of four of them on the first of January; the clock at noon of the second. */
async function dayOfTrade(): Promise<{
  rig: WechatpayRig;
  paid: { transaction_id: string; payer: { openid: string } };
}> {
  const rig = await openWechatpay();
  const paid = await paidOrder(rig, { attach: 'a note', description: 'Tea, green, 100 g' });
  await rig.post(paths.refunds, refundOf('rfd_1', 400));
  await rig.post(paths.native, { ...order, out_trade_no: 'pay_never_paid' });
  await rig.sandbox.advance(26 * hourMs);
  return { rig, paid };
}

test('the bill of a day has a row for each payment and refund, and their totals', async () => {
  const { rig, paid } = await dayOfTrade();
  const refund = rig.sandbox.ledger().wechatpay?.refunds[0];
  const { rows } = await fetchBill(rig, 'bill_date=2027-01-01');
  expect(rows.length).toBe(5);
  expect(rows[0]).toEqual(allColumns.split(','));
  const ids = [appId, mchId, '0', '', paid.transaction_id, orderNumber, paid.payer.openid, 'NATIVE'];
  expect(rows[1]).toEqual([
    ...['2027-01-01 10:00:00', ...ids, 'SUCCESS', 'OTHERS', 'CNY', '10.00', '0.00'],
    ...['0', '0', '0.00', '0.00', '', '', 'Tea, green, 100 g', 'a note', '0.06000', '0.60%', '10.00', '0.00', ''],
  ]);
  expect(rows[2]).toEqual([
    ...[expect.stringMatching(/^2027-01-01 10:00:0\d$/), ...ids, 'REFUND', 'OTHERS', 'CNY', '0.00', '0.00'],
    ...[refund?.id, 'rfd_1', '4.00', '0.00', 'ORIGINAL', 'SUCCESS'],
    ...['Tea, green, 100 g', 'a note', '-0.02000', '0.60%', '0.00', '4.00', ''],
  ]);
  expect(rows[3]?.[0]).toBe('总交易单数');
  expect(rows[4]).toEqual(['2', '10.00', '4.00', '0.00', '0.04000', '10.00', '4.00']);
});

test.each<[query: string, states: string[]]>([
  ['bill_date=2027-01-01&bill_type=ALL', ['SUCCESS', 'REFUND']],
  ['bill_date=2027-01-01&bill_type=SUCCESS', ['SUCCESS']],
  ['bill_date=2027-01-01&bill_type=REFUND', ['REFUND']],
  ['bill_date=2027-01-01&bill_type=ALL&tar_type=GZIP', ['SUCCESS', 'REFUND']],
])('%s has %j, each cell under its column', async (query, states) => {
  const { rig } = await dayOfTrade();
  const [columns = [], ...rows] = (await fetchBill(rig, query)).rows;
  const trades = rows.slice(0, -2);
  expect(trades.map((cells) => cells[columns.indexOf('交易状态')])).toEqual(states);
  expect(trades.map((cells) => cells.length)).toEqual(trades.map(() => columns.length));
  for (const cells of trades) expect(cells[columns.indexOf('商品名称')]).toBe('Tea, green, 100 g');
});

test('the response with the link of a bill is signed; the file is not, but its request must be', async () => {
  const { rig } = await dayOfTrade();
  const asked = await rig.get(billPath('bill_date=2027-01-01&tar_type=GZIP'));
  expect(asked).toMatchObject({ status: 200, verified: true, json: { hash_type: 'SHA1' } });
  expect(asked.json.hash_value).toMatch(/^[0-9a-f]{40}$/);
  expect(asked.json.download_url).toMatch(
    /^http:\/\/sandbox\.invalid\/v3\/billdownload\/file\?token=\w{64}&tartype=gzip$/,
  );
  const target = targetOf(asked.json.download_url);
  const file = await rig.get(target);
  expect(Object.keys(file.headers).filter((name) => name.startsWith('wechatpay-'))).toEqual([]);
  expect(await rig.get(target, { serial: certificateSerial })).toMatchObject({ status: 401 });
});

test('a link is valid for five minutes', async () => {
  const { rig } = await dayOfTrade();
  const { json } = await rig.get(billPath('bill_date=2027-01-01'));
  await rig.sandbox.advance(5 * minuteMs);
  expect((await rig.get(targetOf(json.download_url))).status).toBe(200);
  await rig.sandbox.advance(1);
  expect(await rig.get(targetOf(json.download_url))).toMatchObject({ status: 400, json: { code: 'INVALID_REQUEST' } });
  expect((await rig.get('/v3/billdownload/file?token=none')).status).toBe(400);
});

test.each<[query: string, status: number, code: string]>([
  ['bill_date=2027-01-02', 400, 'INVALID_REQUEST'], // today
  ['bill_date=2027-01-03', 400, 'INVALID_REQUEST'],
  ['bill_date=2026-10-01', 400, 'INVALID_REQUEST'], // more than three months ago
  ['bill_date=2026-10-02', 404, 'NO_STATEMENT_EXIST'],
  ['bill_date=2026-12-31', 404, 'NO_STATEMENT_EXIST'],
  ['bill_date=20270101', 400, 'PARAM_ERROR'],
  ['bill_date=2027-02-30', 400, 'PARAM_ERROR'],
  ['bill_type=ALL', 400, 'PARAM_ERROR'],
  ['bill_date=2027-01-01&bill_type=SOME', 400, 'PARAM_ERROR'],
  ['bill_date=2027-01-01&tar_type=ZIP', 400, 'PARAM_ERROR'],
])('on the second of January, a bill with %s gets %i %s', async (query, status, code) => {
  const { rig } = await dayOfTrade();
  expect(await rig.get(billPath(query))).toMatchObject({ status, verified: true, json: { code } });
});

test('a day without refunds has no refund bill', async () => {
  const rig = await openWechatpay();
  await paidOrder(rig);
  await rig.sandbox.advance(dayMs);
  expect((await rig.get(billPath('bill_date=2027-01-01&bill_type=REFUND'))).status).toBe(404);
});

test('the bill of yesterday is ready at ten in the morning in Beijing', async () => {
  const rig = await openWechatpay();
  await paidOrder(rig);
  await rig.sandbox.advance(dayMs - secondMs);
  const early = await rig.get(billPath('bill_date=2027-01-01'));
  expect(early).toMatchObject({ status: 400, json: { code: 'STATEMENT_CREATING' } });
  await rig.sandbox.advance(secondMs);
  expect((await rig.get(billPath('bill_date=2027-01-01'))).status).toBe(200);
});

test('a day begins at midnight in Beijing', async () => {
  const rig = await openWechatpay({ virtualTime: { startsAt: new Date('2027-01-01T15:59:59Z') } });
  await paidOrder(rig);
  await rig.sandbox.advance(secondMs);
  await rig.post(paths.native, { ...order, out_trade_no: 'pay_second' });
  await rig.control('/control/wechatpay/buyer/pay_second', { action: 'pay' });
  await rig.sandbox.advance(2 * dayMs);
  const numbers = async (date: string) => (await fetchBill(rig, `bill_date=${date}`)).rows[1]?.[6];
  expect(await numbers('2027-01-01')).toBe(orderNumber);
  expect(await numbers('2027-01-02')).toBe('pay_second');
});

test('a bill can have any number of synthetic payments', async () => {
  const { rig } = await dayOfTrade();
  await rig.control('/control/wechatpay/bills', { date: '2026-12-31', rows: 5000 });
  const { rows } = await fetchBill(rig, 'bill_date=2026-12-31&tar_type=GZIP');
  const trades = rows.slice(1, -2);
  expect(new Set(trades.map((cells) => cells[6])).size).toBe(5000);
  const sumFen = trades.reduce((sum, cells) => sum + BigInt(cells[12]?.replace('.', '') ?? ''), 0n);
  expect(rows.at(-1)?.slice(0, 2)).toEqual(['5000', `${sumFen / 100n}.${String(sumFen % 100n).padStart(2, '0')}`]);
  await expect(rig.control('/control/wechatpay/bills', { date: 'yesterday', rows: 1 })).rejects.toThrow('date');
});

test('by HTTP a bill arrives completely, in chunks', async () => {
  const { sandbox } = await openWechatpay({ port: 0, virtualTime: undefined });
  const yesterday = new Date(Date.now() - 2 * dayMs + 8 * hourMs).toISOString().slice(0, 10);
  await sandbox.control('/control/wechatpay/bills', { date: yesterday, rows: 5000 });
  for (const tarType of ['', '&tar_type=GZIP']) {
    const asked = await fetchSigned(sandbox.url, 'GET', billPath(`bill_date=${yesterday}${tarType}`));
    const file = await fetchSigned(sandbox.url, 'GET', targetOf(asked.json.download_url));
    const bytes = tarType === '' ? file.bytes : gunzipSync(file.bytes);
    expect(createHash('sha1').update(bytes).digest('hex')).toBe(asked.json.hash_value);
  }
});
