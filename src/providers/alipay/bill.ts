import { crc32 } from 'node:zlib';
import { openPromise as openZip } from 'yauzl';
import { z } from 'zod';
import { isId } from '../../domain/ids.ts';
import type { BillLine } from '../../domain/reconciliation.ts';
import { instantOfBeijing } from '../beijing-time.ts';
import { type Bill, BillNotAvailableError, BillUnreadableError, NoBillError } from '../bill.ts';
import {
  type BillFile,
  columnsOf,
  downloadBill,
  limitBytes,
  linesOf,
  type NumberedLine,
  readCell,
  removeAfter,
  unreadable,
} from '../bill-file.ts';
import { withDeadline } from '../deadline.ts';
import { answeredInTime } from '../provider.ts';
import { fenOfYuan } from '../yuan.ts';
import { parseAnswer } from './answers.ts';
import { rowsOf } from './bill-rows.ts';
import type { AlipayGateway } from './gateway.ts';
import { rejectionBy } from './refusals.ts';

const askDeadlineMs = 20_000;
const linkSchema = z.object({ bill_download_url: z.url() });

/** The archive also contains a summary file, which has this word in its name. */
const summaryName = '汇总';
/** The ZIP flag of an entry with a UTF-8 name. */
const utf8Flag = 0x800;
const endMark = '列表结束';
/** `#交易合计：3笔，商家实收共28.00元，…` has the number of payments. A similar line has the number of refunds. */
const countText = /^#(?:交易|退款)合计：(\d{1,9})笔/;

const columnNames = [
  ...(['支付宝交易号', '商户订单号', '业务类型', '完成时间', '订单金额（元）', '退款批次号/请求号'] as const),
] as const;
type Columns = Readonly<Record<(typeof columnNames)[number], number>>;
type Header = { readonly columns: Columns; readonly width: number };

/** Requests Alipay's trade bill of a day and downloads it at once: the link is valid for 30 seconds. */
export async function fetchAlipayBill(gateway: AlipayGateway, date: string, signal: AbortSignal): Promise<Bill> {
  const method = 'alipay.data.dataservice.bill.downloadurl.query';
  const answer = await withDeadline(signal, askDeadlineMs, (deadline) =>
    answeredInTime(deadline, () => gateway.call(method, { bill_type: 'trade', bill_date: date }, deadline)),
  );
  if (answer.kind === 'refused') throw noBillBy(answer.subCode, date);
  const { bill_download_url: url } = parseAnswer(linkSchema, answer.node);
  return readAlipayBill(await downloadBill(url, signal));
}

function noBillBy(subCode: string, date: string): Error {
  if (/(^|\.)bill_not_exist$/i.test(subCode)) {
    return new NoBillError(
      `Alipay has no bill of ${date}: it is there from about 10:00 of the next day, Beijing time, and a day without trades has none.`,
    );
  }
  // Alipay's misspelling, and the correct spelling.
  if (/(^|\.)(invailid|invalid)_arguments?$/i.test(subCode)) {
    return new BillNotAvailableError(`Alipay gives out no bill of ${date}: the day is not over, or too long ago.`);
  }
  return rejectionBy(subCode);
}

/**
 * Reads Alipay's trade bill: a ZIP with comma-separated values in GBK, with comment lines before and after the rows.
 *
 * The whole file is checked before the first line is returned, so that a truncated file, or one with a wrong number of
 * lines, is never used in part.
 *
 * @throws {BillUnreadableError} after removing the file.
 */
export async function readAlipayBill(file: BillFile): Promise<Bill> {
  try {
    return { linesExpected: await countLines(file), lines: removeAfter(file, billLinesOf(file)) };
  } catch (error) {
    await file.remove();
    throw error;
  }
}

async function countLines({ path }: BillFile): Promise<number> {
  let counted = 0;
  let claimed = 0;
  let isClaimed = false;
  let hasEnd = false;
  let hasHeader = false;
  for await (const lines of rowsOf(linesOf(unzipped(path), 'gbk'))) {
    for (const { text, cells } of lines) {
      if (cells === null) {
        hasEnd ||= text.includes(endMark);
        const [, count] = countText.exec(text) ?? [];
        if (count === undefined) continue;
        claimed += Number(count);
        isClaimed = true;
      } else {
        if (hasHeader) counted += 1;
        hasHeader = true;
      }
    }
  }
  if (!hasEnd || !hasHeader) throw new BillUnreadableError('Alipay’s bill was cut off: its end is missing.');
  if (isClaimed && claimed !== counted) {
    throw new BillUnreadableError(`Alipay’s bill has ${counted} lines, and says that it has ${claimed}.`);
  }
  return counted;
}

async function* billLinesOf({ path }: BillFile): AsyncGenerator<readonly BillLine[]> {
  let header: Header | null = null;
  for await (const lines of rowsOf(linesOf(unzipped(path), 'gbk'))) {
    const batch: BillLine[] = [];
    for (const line of lines) {
      const { cells } = line;
      if (cells === null) continue;
      if (header === null) {
        header = { columns: columnsOf(line, cells, columnNames), width: cells.length };
      } else {
        const billLine = billLineOf(line, cells, header);
        if (billLine !== null) batch.push(billLine);
      }
    }
    yield batch;
  }
}

type Cell = (name: (typeof columnNames)[number]) => string;

/**
 * Null for a row of another system of the same merchant that cannot be read. It must not stop the reconciliation of our
 * rows.
 */
function billLineOf(line: NumberedLine, cells: readonly string[], { columns, width }: Header): BillLine | null {
  if (cells.length !== width) throw unreadable(line.number, `it has ${cells.length} cells, and the header ${width}`);
  const cell: Cell = (name) => cells[columns[name]] ?? '';
  try {
    return ownLineOf(line, cell);
  } catch (error) {
    const isOurs = isId('payment', cell('商户订单号')) || isId('refund', cell('退款批次号/请求号'));
    if (isOurs || !(error instanceof BillUnreadableError)) throw error;
    return null;
  }
}

function ownLineOf(line: NumberedLine, cell: Cell): BillLine {
  const number = cell('商户订单号') || null;
  const at = readCell(line, 'time', () => instantOfBeijing(cell('完成时间')));
  const common = { providerPaymentId: cell('支付宝交易号') || null, currency: 'CNY', status: 'SUCCEEDED', at } as const;
  const amount = cell('订单金额（元）');
  switch (cell('业务类型')) {
    case '交易': {
      const amountMinor = readCell(line, 'amount', () => fenOfYuan(amount));
      const names = { merchantNumber: number, paymentNumber: null, providerRefundId: null };
      return { ...common, ...names, kind: 'payment', amountMinor };
    }
    case '退款': {
      // Refund amounts are negative. According to Alipay, a refund without a number has the number of its trade.
      const amountMinor = readCell(line, 'amount', () => fenOfYuan(amount.replace(/^-/, '')));
      const refundNumber = cell('退款批次号/请求号') || number;
      const names = { merchantNumber: refundNumber, paymentNumber: number, providerRefundId: refundNumber };
      return { ...common, ...names, kind: 'refund', amountMinor };
    }
    default:
      throw unreadable(line.number, 'it is neither a trade nor a refund');
  }
}

/**
 * Unpacks the file with the day's rows. @throws {BillUnreadableError} at the end of the file when its checksum is
 * wrong.
 */
async function* unzipped(path: string): AsyncGenerator<Uint8Array> {
  try {
    const zip = await openZip(path, { lazyEntries: true, decodeStrings: false, autoClose: false });
    try {
      for await (const entry of zip.eachEntry()) {
        // Names are in GBK unless the entry has the UTF-8 flag.
        const isUtf8 = (entry.generalPurposeBitFlag & utf8Flag) !== 0;
        const name = new TextDecoder(isUtf8 ? 'utf-8' : 'gbk').decode(entry.fileNameRaw);
        if (!name.endsWith('.csv') || name.includes(summaryName)) continue;
        let sum = 0;
        for await (const chunk of limitBytes()(await zip.openReadStreamPromise(entry))) {
          sum = crc32(chunk, sum);
          yield chunk;
        }
        if (sum !== entry.crc32) throw new BillUnreadableError('Alipay’s bill was damaged on its way.');
        return;
      }
    } finally {
      zip.close();
    }
  } catch (error) {
    if (error instanceof BillUnreadableError) throw error;
    throw new BillUnreadableError('Alipay’s bill is no archive that could be read.', { cause: error });
  }
  throw new BillUnreadableError('Alipay’s archive holds no list of the day’s trades.');
}
