import { Readable } from 'node:stream';
import iconv from 'iconv-lite';
import { ZipFile } from 'yazl';
import { beijingDate, beijingTime, parseBeijingDate } from '../beijing-time.ts';
import { encodedChunks } from '../bill-files.ts';
import { dayMs, hourMs, secondMs } from '../durations.ts';
import type { HttpResponse } from '../http.ts';
import { formatYuan } from '../yuan.ts';
import { type BillRow, cellsOf, columns, type Period, rowsOfLedger, syntheticRows } from './bill-rows.ts';
import { businessRefusal } from './errors.ts';
import type { AlipayState } from './state.ts';

/** The bill of a day is ready at ten o'clock of the next day. */
const readyAfterMs = 10 * hourMs;
const linkMs = 30 * secondMs;

/** A day or a month; `text` is its form in the request. */
type BillDate = { readonly text: string } & Period;

/** Parses `yyyy-MM-dd` or `yyyy-MM`; null for any other text and for dates that do not exist. */
export function readBillDate(text: string): BillDate | null {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) {
    const fromMs = parseBeijingDate(text);
    return fromMs === null ? null : { text, fromMs, untilMs: fromMs + dayMs };
  }
  const fromMs = /^\d{4}-\d\d$/.test(text) ? parseBeijingDate(`${text}-01`) : null;
  if (fromMs === null) return null;
  const nextMonth = `${beijingDate(fromMs + 31 * dayMs).slice(0, 7)}-01`;
  return { text, fromMs, untilMs: parseBeijingDate(nextMonth) ?? fromMs };
}

/**
 * A download link of a bill, valid for thirty seconds of the sandbox's clock.
 *
 * @throws {AlipayRefusal} when the period is not over, the bill is not ready, or the sandbox does not implement the bill type.
 */
export function billLink(alipay: AlipayState, billType: string, dateText: string): string {
  if (billType !== 'trade') throw invalidArguments('bill_type：沙箱只提供 trade 业务账单');
  const date = readBillDate(dateText);
  if (date === null) throw invalidArguments('bill_date：格式为 yyyy-MM-dd 或 yyyy-MM');
  const nowMs = alipay.clock.wireMs();
  if (nowMs < date.untilMs) throw invalidArguments('bill_date：不支持下载当日或当月账单');
  if (nowMs < date.untilMs + readyAfterMs && !alipay.syntheticBills.get(dateText)) {
    throw businessRefusal('BILL_NOT_EXIST', '账单不存在，当日账单一般于次日 10 点后生成');
  }
  deleteExpiredLinks(alipay);
  const { id } = alipay.billLinks.put({
    id: alipay.newId('bill', 24),
    billDate: dateText,
    untilMs: alipay.clock.nowMs() + linkMs,
  });
  return `${alipay.baseUrl()}/alipay/bills/${id}`;
}

/** The file of a download link. It is not signed. */
export function serveBill(alipay: AlipayState, linkId: string): HttpResponse {
  const link = alipay.billLinks.get(linkId);
  const date = readBillDate(link?.billDate ?? '');
  if (!link || date === null) return { status: 404, headers: {}, body: '' };
  if (alipay.clock.nowMs() >= link.untilMs) return { status: 403, headers: {}, body: '链接已失效' };
  const synthetic = alipay.syntheticBills.get(date.text);
  const rows = synthetic ? syntheticRows(date, synthetic.rows) : rowsOfLedger(alipay, date);
  const name = `${alipay.sellerId}0156_${date.text.replaceAll('-', '')}`;
  return {
    status: 200,
    headers: { 'Content-Type': 'application/zip', 'Content-Disposition': `attachment; filename="${name}.csv.zip"` },
    body: () => zipBill(alipay, name, date, rows),
  };
}

/**
 * A ZIP of `<name>_业务明细.csv` and `<name>_业务明细(汇总).csv`, both in GBK with CRLF. Lines that begin with `#` are comments before
 * the header row and after the last row. Each cell outside the header ends with a tab; a cell with a comma, a quote or a line break
 * is quoted. The ZIP is written row by row as it is read, so a million rows need little memory.
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
  add(`${name}_业务明细(汇总).csv`, () => summaryLines(alipay, date, sums)); // opened after the details are written, so the sums are complete
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
  yield* headerLines(alipay, date);
  yield '#-----------------------------------------业务明细列表----------------------------------------';
  yield columns.join(',');
  for (const row of rows) {
    sums.add(row);
    yield csvLine(cellsOf(row));
  }
  const { payments, refunds } = sums;
  yield '#-----------------------------------------业务明细列表结束------------------------------------';
  yield `#交易合计：${payments.count}笔，商家实收共${formatYuan(payments.amount)}元，商家优惠共0.00元`;
  yield `#退款合计：${refunds.count}笔，商家实收退款共${formatYuan(refunds.amount)}元，商家优惠退款共0.00元`;
  yield `#导出时间：[${chineseTime(alipay.clock.wireMs())}]`;
}

function* summaryLines(alipay: AlipayState, date: BillDate, { payments, refunds }: Sums): Generator<string> {
  const net = formatYuan(payments.amount + refunds.amount);
  yield '#支付宝业务汇总查询';
  yield* headerLines(alipay, date);
  yield '#-----------------------------------------业务汇总列表----------------------------------------';
  yield '门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）';
  yield csvLine(['合计', '', `${payments.count}`, `${refunds.count}`, net, net, ...Array(5).fill(formatYuan(0)), net]);
  yield '#-----------------------------------------业务汇总列表结束------------------------------------';
  yield `#导出时间：[${chineseTime(alipay.clock.wireMs())}]`;
}

function* headerLines({ sellerId }: AlipayState, { fromMs, untilMs }: BillDate): Generator<string> {
  yield `#账号：[${sellerId}0156]`;
  yield `#起始日期：[${chineseTime(fromMs)}]   终止日期：[${chineseTime(untilMs)}]`;
}

function csvLine(cells: readonly string[]): string {
  return cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}\t"` : `${cell}\t`)).join(',');
}

/** `yyyy年MM月dd日 HH:mm:ss` */
function chineseTime(ms: number): string {
  return beijingTime(ms).replace(/^(\d{4})-(\d\d)-(\d\d)/, '$1年$2月$3日');
}

function gbkStream(lines: Iterable<string>): Readable {
  return Readable.from(
    encodedChunks(terminated(lines), (text) => iconv.encode(text, 'gbk')),
    { objectMode: false },
  );
}

function* terminated(lines: Iterable<string>): Generator<string> {
  for (const line of lines) yield `${line}\r\n`;
}

function deleteExpiredLinks(alipay: AlipayState): void {
  for (const link of [...alipay.billLinks.all()]) {
    if (alipay.clock.nowMs() >= link.untilMs) alipay.billLinks.delete(link.id);
  }
}

/** The misspelling is Alipay's own. */
function invalidArguments(why: string): Error {
  return businessRefusal('INVAILID_ARGUMENTS', `入参不合法：${why}`);
}
