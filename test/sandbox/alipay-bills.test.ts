import iconv from 'iconv-lite';
import { expect, test } from 'vitest';
import { fromBuffer } from 'yauzl';
import {
  type AlipayRig,
  dayMs,
  hourMs,
  offer,
  openAlipayRig,
  paid,
  precreate,
  refund,
  subCode,
  tea,
} from './alipay-rig.ts';

const billMethod = 'alipay.data.dataservice.bill.downloadurl.query';
/** Advances from noon of the tenth to ten o'clock of the eleventh, when the bill of the tenth is ready. */
const untilReadyMs = 22 * hourMs;

function link(rig: AlipayRig, date: string, type = 'trade') {
  return rig.exec(billMethod, { bill_type: type, bill_date: date });
}

/** The lines of each file of a bill, by file name. */
async function download(rig: AlipayRig, date: string): Promise<Map<string, string[]>> {
  const { bill_download_url } = await link(rig, date);
  const response = await fetch(bill_download_url);
  expect(response.headers.get('content-type')).toBe('application/zip');
  return unzip(Buffer.from(await response.arrayBuffer()));
}

function unzip(zip: Buffer): Promise<Map<string, string[]>> {
  return new Promise((resolve, reject) => {
    fromBuffer(zip, { lazyEntries: true }, (error, file) => {
      if (error) return reject(error);
      const files = new Map<string, string[]>();
      file.on('entry', (entry) => {
        file.openReadStream(entry, async (failed, stream) => {
          if (failed) return reject(failed);
          const pieces: Buffer[] = [];
          for await (const piece of stream) pieces.push(Buffer.from(piece));
          files.set(entry.fileName, iconv.decode(Buffer.concat(pieces), 'gbk').split('\r\n'));
          file.readEntry();
        });
      });
      file.on('end', () => resolve(files));
      file.readEntry();
    });
  });
}

function cells(line: string | undefined): string[] {
  return (line ?? '').split(',').map((cell) => cell.replace(/\t$/, ''));
}

async function tradeDay(rig: AlipayRig): Promise<void> {
  await paid(rig, 'page', 'pay_1');
  await offer(rig, 'qr', 'pay_unpaid');
  await rig.buyer('pay_unpaid', 'scan');
  await rig.sandbox.advance(hourMs);
  await rig.exec(refund, { out_trade_no: 'pay_1', out_request_no: 'rfd_1', refund_amount: '2.00' });
}

test('the bill of a day lists its payments and refunds in GBK, between comment lines', async () => {
  const rig = await openAlipayRig();
  await tradeDay(rig);
  await rig.sandbox.advance(untilReadyMs - hourMs);
  const files = await download(rig, '2030-01-10');
  const names = ['20880000000000010156_20300110_业务明细.csv', '20880000000000010156_20300110_业务明细(汇总).csv'];
  expect([...files.keys()]).toEqual(names);
  const lines = files.get(names[0] ?? '') ?? [];
  expect(lines.slice(0, 3)).toEqual([
    '#支付宝业务明细查询',
    '#账号：[20880000000000010156]',
    '#起始日期：[2030年01月10日 00:00:00]   终止日期：[2030年01月11日 00:00:00]',
  ]);
  expect(lines[3]).toMatch(/^#-+业务明细列表-+$/);
  const columns = cells(lines[4]);
  expect(columns).toHaveLength(25);
  const [payment, back] = lines
    .slice(5, 7)
    .map((line) => Object.fromEntries(cells(line).map((cell, at) => [columns[at], cell])));
  expect(payment).toMatchObject({
    支付宝交易号: expect.stringMatching(/^\d{28}$/),
    商户订单号: 'pay_1',
    业务类型: '交易',
    商品名称: '茶 Tea',
    完成时间: '2030-01-10 12:00:00',
    '订单金额（元）': '12.34',
    '商家实收（元）': '12.34',
    '退款批次号/请求号': '',
  });
  expect(back).toMatchObject({
    商户订单号: 'pay_1',
    业务类型: '退款',
    完成时间: '2030-01-10 13:00:00',
    '商家实收（元）': '-2.00',
    '退款批次号/请求号': 'rfd_1',
  });
  expect(lines[5]?.split(',').every((cell) => cell.endsWith('\t'))).toBe(true);
  expect(lines[7]).toMatch(/^#-+业务明细列表结束-+$/);
  expect(lines.slice(8)).toEqual([
    '#交易合计：1笔，商家实收共12.34元，商家优惠共0.00元',
    '#退款合计：1笔，商家实收退款共-2.00元，商家优惠退款共0.00元',
    '#导出时间：[2030年01月11日 10:00:00]',
    '',
  ]);
  const summary = files.get(names[1] ?? '') ?? [];
  expect(cells(summary.find((line) => line.startsWith('合计')))).toEqual([
    '合计',
    '',
    '1',
    '1',
    '10.34',
    '10.34',
    '0.00',
    '0.00',
    '0.00',
    '0.00',
    '0.00',
    '10.34',
  ]);
});

test('a subject with a comma is quoted', async () => {
  const rig = await openAlipayRig();
  await rig.exec(precreate, tea('pay_1', { subject: 'Tea, "green"' }));
  await rig.buyer('pay_1', 'pay');
  await rig.sandbox.advance(untilReadyMs);
  const [detail = []] = (await download(rig, '2030-01-10')).values();
  expect(detail[5]).toContain(',"Tea, ""green""\t",');
});

test('a day without payments has an empty bill', async () => {
  const rig = await openAlipayRig();
  const [detail = []] = (await download(rig, '2030-01-08')).values();
  expect(detail.filter((line) => line !== '' && !line.startsWith('#'))).toHaveLength(1);
});

test.each<[what: string, date: string, type: string, code: string]>([
  ['today', '2030-01-10', 'trade', 'INVAILID_ARGUMENTS'],
  ['tomorrow', '2030-01-11', 'trade', 'INVAILID_ARGUMENTS'],
  ['this month', '2030-01', 'trade', 'INVAILID_ARGUMENTS'],
  ['a day that there is not', '2029-02-29', 'trade', 'INVAILID_ARGUMENTS'],
  ['another writing', '20300109', 'trade', 'INVAILID_ARGUMENTS'],
  ['a kind that the sandbox has not', '2030-01-09', 'signcustomer', 'INVAILID_ARGUMENTS'],
])('the bill of %s is refused', async (_what, date, type, code) => {
  const rig = await openAlipayRig();
  expect(await subCode(link(rig, date, type))).toBe(code);
});

test("yesterday's bill is ready at ten o'clock, and so is last month's", async () => {
  const rig = await openAlipayRig();
  await rig.sandbox.advance(untilReadyMs - 1000);
  expect(await subCode(link(rig, '2030-01-10'))).toBe('BILL_NOT_EXIST');
  await rig.sandbox.advance(1000);
  expect(await subCode(link(rig, '2030-01-10'))).toBeUndefined();
  expect(await subCode(link(rig, '2029-12'))).toBeUndefined();
  await paid(rig, 'page', 'pay_1');
  await rig.sandbox.advance(30 * dayMs);
  const [detail = []] = (await download(rig, '2030-01')).values();
  expect(detail.some((line) => line.includes('pay_1'))).toBe(true);
});

test('a link is valid for thirty seconds', async () => {
  const rig = await openAlipayRig();
  const { bill_download_url: url } = await link(rig, '2030-01-09');
  await rig.sandbox.advance(29_999);
  expect((await fetch(url)).status).toBe(200);
  await rig.sandbox.advance(1);
  expect((await fetch(url)).status).toBe(403);
  expect((await fetch(`${url}x`)).status).toBe(404);
});

test('every tenth row of a synthetic bill refunds the row before', async () => {
  const rig = await openAlipayRig();
  await rig.control('/bills', { date: '2030-01-09', rows: 20_000 });
  const [detail = []] = (await download(rig, '2030-01-09')).values();
  const rows = detail
    .filter((line) => line !== '' && !line.startsWith('#'))
    .slice(1)
    .map(cells);
  expect(rows).toHaveLength(20_000);
  expect(new Set(rows.map(([tradeNo]) => tradeNo)).size).toBe(18_000);
  const [payment, back] = rows.slice(8, 10);
  expect(back?.[2]).toBe('退款');
  expect(back?.slice(0, 2)).toEqual(payment?.slice(0, 2));
  expect(back?.[12]).toBe(`-${payment?.[12]}`);
  await expect(rig.control('/bills', { date: '2030-13', rows: 1 })).rejects.toThrow('date');
  await expect(rig.control('/bills', { date: '2030-01-09', rows: 1.5 })).rejects.toThrow('rows');
});
