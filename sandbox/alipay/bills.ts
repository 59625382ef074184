import { Readable } from 'node:stream';
import iconv from 'iconv-lite';
import { ZipFile } from 'yazl';
import type { HttpResponse } from '../http.ts';
import { type BillRow, cellsOf, columns, madeUpRows, type Period, rowsOfBooks } from './bill-rows.ts';
import { businessRefusal } from './errors.ts';
import { beijingDate, beijingTime, readBeijingTime, yuan } from './formats.ts';
import type { AlipayState } from './state.ts';

const dayMs = 24 * 3_600_000;
/** A day's bill is there from ten o'clock of the next day. */
const readyAfterMs = 10 * 3_600_000;
const linkMs = 30_000;
/** Written to the ZIP at once. */
const chunkChars = 65_536;

/** A day or a month. `text` is how it was asked for. */
type BillDate = { readonly text: string } & Period;

/** `yyyy-MM-dd` or `yyyy-MM`; null for any other text, also for days that there are not. */
export function readBillDate(text: string): BillDate | null {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) {
    const fromMs = readBeijingTime(`${text} 00:00:00`);
    return fromMs === null ? null : { text, fromMs, untilMs: fromMs + dayMs };
  }
  const fromMs = /^\d{4}-\d\d$/.test(text) ? readBeijingTime(`${text}-01 00:00:00`) : null;
  if (fromMs === null) return null;
  const nextMonth = `${beijingDate(fromMs + 31 * dayMs).slice(0, 7)}-01 00:00:00`;
  return { text, fromMs, untilMs: readBeijingTime(nextMonth) ?? fromMs };
}

/**
 * A link to a bill, good for thirty seconds of the sandbox's clock.
 *
 * @throws {AlipayRefusal} for a day or month that is not over, for a bill that is not ready, and for bills that the sandbox has not.
 */
export function billLink(alipay: AlipayState, billType: string, dateText: string): string {
  if (billType !== 'trade') throw invalidArguments('bill_type：沙箱只提供 trade 业务账单');
  const date = readBillDate(dateText);
  if (date === null) throw invalidArguments('bill_date：格式为 yyyy-MM-dd 或 yyyy-MM');
  const nowMs = alipay.clock.wireMs();
  if (nowMs < date.untilMs) throw invalidArguments('bill_date：不支持下载当日或当月账单');
  if (nowMs < date.untilMs + readyAfterMs && !alipay.madeUpBills.get(dateText)) {
    throw businessRefusal('BILL_NOT_EXIST', '账单不存在，当日账单一般于次日 10 点后生成');
  }
  forgetOldLinks(alipay);
  const { id } = alipay.billLinks.put({
    id: alipay.newId('bill', 24),
    billDate: dateText,
    untilMs: alipay.clock.nowMs() + linkMs,
  });
  return `${alipay.baseUrl()}/alipay/bills/${id}`;
}

/** The file behind a link: unsigned, as it is. */
export function serveBill(alipay: AlipayState, linkId: string): HttpResponse {
  const link = alipay.billLinks.get(linkId);
  const date = readBillDate(link?.billDate ?? '');
  if (!link || date === null) return { status: 404, headers: {}, body: '' };
  if (alipay.clock.nowMs() >= link.untilMs) return { status: 403, headers: {}, body: '链接已失效' };
  const madeUp = alipay.madeUpBills.get(date.text);
  const rows = madeUp ? madeUpRows(date, madeUp.rows) : rowsOfBooks(alipay, date);
  const name = `${alipay.sellerId}0156_${date.text.replaceAll('-', '')}`;
  return {
    status: 200,
    headers: { 'Content-Type': 'application/zip', 'Content-Disposition': `attachment; filename="${name}.csv.zip"` },
    body: () => zipBill(alipay, name, date, rows),
  };
}

/**
 * `<name>_业务明细.csv` and `<name>_业务明细(汇总).csv`, both in GBK with CRLF. Lines that begin with `#` are comment, before the
 * header row and after the last row; every cell but the header's ends with a tab; a cell with a comma, a quote or a line break is
 * quoted. Written row by row as it is read, so that a million of them take no memory to speak of.
 */
function zipBill(alipay: AlipayState, name: string, date: BillDate, rows: Iterable<BillRow>): Readable {
  const zip = new ZipFile();
  const zipped = Readable.from(zip.outputStream, { objectMode: false });
  zip.on('error', (error: Error) => zipped.destroy(error));
  const options = { mtime: new Date(alipay.clock.wireMs()), mode: 0o100644 };
  const sums = new Sums();
  const add = (fileName: string, lines: () => Iterable<string>): void =>
    zip.addReadStreamLazy(fileName, options, (give) => give(null, gbkStream(lines())));
  add(`${name}_业务明细.csv`, () => detailLines(alipay, date, rows, sums));
  add(`${name}_业务明细(汇总).csv`, () => summaryLines(alipay, date, sums)); // opened once the details are written
  zip.end();
  return zipped;
}

class Sums {
  payments = { count: 0, amount: 0 };
  refunds = { count: 0, amount: 0 };

  add({ kind, amount }: BillRow): void {
    const sum = kind === '交易' ? this.payments : this.refunds;
    sum.count += 1;
    sum.amount += amount;
  }
}

function* detailLines(alipay: AlipayState, date: BillDate, rows: Iterable<BillRow>, sums: Sums): Generator<string> {
  yield '#支付宝业务明细查询';
  yield* opening(alipay, date);
  yield '#-----------------------------------------业务明细列表----------------------------------------';
  yield columns.join(',');
  for (const row of rows) {
    sums.add(row);
    yield csvLine(cellsOf(row));
  }
  const { payments, refunds } = sums;
  yield '#-----------------------------------------业务明细列表结束------------------------------------';
  yield `#交易合计：${payments.count}笔，商家实收共${yuan(payments.amount)}元，商家优惠共0.00元`;
  yield `#退款合计：${refunds.count}笔，商家实收退款共${yuan(refunds.amount)}元，商家优惠退款共0.00元`;
  yield `#导出时间：[${writtenTime(alipay.clock.wireMs())}]`;
}

function* summaryLines(alipay: AlipayState, date: BillDate, { payments, refunds }: Sums): Generator<string> {
  const net = yuan(payments.amount + refunds.amount);
  yield '#支付宝业务汇总查询';
  yield* opening(alipay, date);
  yield '#-----------------------------------------业务汇总列表----------------------------------------';
  yield '门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）';
  yield csvLine(['合计', '', `${payments.count}`, `${refunds.count}`, net, net, ...Array(5).fill(yuan(0)), net]);
  yield '#-----------------------------------------业务汇总列表结束------------------------------------';
  yield `#导出时间：[${writtenTime(alipay.clock.wireMs())}]`;
}

function* opening({ sellerId }: AlipayState, { fromMs, untilMs }: BillDate): Generator<string> {
  yield `#账号：[${sellerId}0156]`;
  yield `#起始日期：[${writtenTime(fromMs)}]   终止日期：[${writtenTime(untilMs)}]`;
}

function csvLine(cells: readonly string[]): string {
  return cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}\t"` : `${cell}\t`)).join(',');
}

/** `yyyy年MM月dd日 HH:mm:ss` */
function writtenTime(ms: number): string {
  return beijingTime(ms).replace(/^(\d{4})-(\d\d)-(\d\d)/, '$1年$2月$3日');
}

function gbkStream(lines: Iterable<string>): Readable {
  return Readable.from(gbkChunks(lines), { objectMode: false });
}

function* gbkChunks(lines: Iterable<string>): Generator<Buffer> {
  let text = '';
  for (const line of lines) {
    text += `${line}\r\n`;
    if (text.length < chunkChars) continue;
    yield iconv.encode(text, 'gbk');
    text = '';
  }
  yield iconv.encode(text, 'gbk');
}

function forgetOldLinks(alipay: AlipayState): void {
  for (const link of [...alipay.billLinks.all()]) {
    if (alipay.clock.nowMs() >= link.untilMs) alipay.billLinks.delete(link.id);
  }
}

/** Spelt as Alipay spells it. */
function invalidArguments(why: string): Error {
  return businessRefusal('INVAILID_ARGUMENTS', `入参不合法：${why}`);
}
