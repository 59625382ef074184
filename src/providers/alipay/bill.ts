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
  linesOf,
  type NumberedLine,
  noMoreThan,
  readAt,
  removingAfter,
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

/** Beside the lines of the day, the archive holds a file of sums with this word in its name. */
const sumsName = '汇总';
/** In a ZIP, of an entry whose name is in UTF-8. */
const utf8Flag = 0x800;
const endMark = '列表结束';
/** `#交易合计：3笔，商家实收共28.00元，…`; the same of refunds. */
const countText = /^#(?:交易|退款)合计：(\d{1,9})笔/;

const columnNames = [
  ...(['支付宝交易号', '商户订单号', '业务类型', '完成时间', '订单金额（元）', '退款批次号/请求号'] as const),
] as const;
type Columns = Readonly<Record<(typeof columnNames)[number], number>>;
type Header = { readonly columns: Columns; readonly width: number };

/** Asks Alipay for its trade bill of a day, and fetches it at once: the link is good for 30 seconds. */
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
  // As Alipay spells it, and as it should be spelled.
  if (/(^|\.)(invailid|invalid)_arguments?$/i.test(subCode)) {
    return new BillNotAvailableError(`Alipay gives out no bill of ${date}: the day is not over, or too long ago.`);
  }
  return rejectionBy(subCode);
}

/**
 * Alipay's trade bill of a day: a ZIP, and in it a list of comma-separated values in GBK, with comments before and after it. The whole
 * file is read once before any line is told: nothing of a file that was cut off, or does not hold as many lines as it says, is believed.
 *
 * @throws {BillUnreadableError} and the file is gone then.
 */
export async function readAlipayBill(file: BillFile): Promise<Bill> {
  try {
    return { linesExpected: await countLines(file), lines: removingAfter(file, billLinesOf(file)) };
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
    const told: BillLine[] = [];
    for (const line of lines) {
      const { cells } = line;
      if (cells === null) continue;
      if (header === null) {
        header = { columns: columnsOf(line, cells, columnNames), width: cells.length };
      } else {
        const billLine = billLineOf(line, cells, header);
        if (billLine !== null) told.push(billLine);
      }
    }
    yield told;
  }
}

type Cell = (name: (typeof columnNames)[number]) => string;

/** Null for what we cannot read of other systems of the same merchant: it is none of our business, and must not keep us from ours. */
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
  const at = readAt(line, 'time', () => instantOfBeijing(cell('完成时间')));
  const told = { providerPaymentId: cell('支付宝交易号') || null, currency: 'CNY', status: 'SUCCEEDED', at } as const;
  const amount = cell('订单金额（元）');
  switch (cell('业务类型')) {
    case '交易': {
      const amountMinor = readAt(line, 'amount', () => fenOfYuan(amount));
      const names = { merchantNumber: number, paymentNumber: null, providerRefundId: null };
      return { ...told, ...names, kind: 'payment', amountMinor };
    }
    case '退款': {
      // What goes back has a minus. A refund that was not given a number has that of its trade, says Alipay.
      const amountMinor = readAt(line, 'amount', () => fenOfYuan(amount.replace(/^-/, '')));
      const refundNumber = cell('退款批次号/请求号') || number;
      const names = { merchantNumber: refundNumber, paymentNumber: number, providerRefundId: refundNumber };
      return { ...told, ...names, kind: 'refund', amountMinor };
    }
    default:
      throw unreadable(line.number, 'it is neither a trade nor a refund');
  }
}

/** The day's lines as they are in the archive. @throws {BillUnreadableError} also when its checksum is wrong, once all is read. */
async function* unzipped(path: string): AsyncGenerator<Uint8Array> {
  try {
    const zip = await openZip(path, { lazyEntries: true, decodeStrings: false, autoClose: false });
    try {
      for await (const entry of zip.eachEntry()) {
        // Names are in GBK, too, unless the archive says otherwise.
        const isUtf8 = (entry.generalPurposeBitFlag & utf8Flag) !== 0;
        const name = new TextDecoder(isUtf8 ? 'utf-8' : 'gbk').decode(entry.fileNameRaw);
        if (!name.endsWith('.csv') || name.includes(sumsName)) continue;
        let sum = 0;
        for await (const chunk of noMoreThan()(await zip.openReadStreamPromise(entry))) {
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
