import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
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
import { answeredInTime, OutcomeUnknownError } from '../provider.ts';
import { fenOfYuan } from '../yuan.ts';
import type { WechatpayClient } from './client.ts';
import { errorOf, isRefusedAs, type Refusal } from './outcome.ts';
import { readAnswer } from './prepay.ts';
import { authorizationOf, type Signer } from './signature.ts';

const askDeadlineMs = 20_000;
const linkSchema = z.object({
  hash_type: z.literal('SHA1'),
  hash_value: z.string().regex(/^[0-9a-fA-F]{40}$/),
  download_url: z.url(),
});
const realOrigins: ReadonlySet<string> = new Set(['https://api.mch.weixin.qq.com', 'https://api2.mch.weixin.qq.com']);

/** The first cell of the totals header, which is the first of the last two rows. */
const totalsMark = '总交易单数';
/** The header, the totals header and the totals. */
const otherLines = 3;

const columnNames = [
  ...(['交易时间', '微信订单号', '商户订单号', '交易状态', '货币种类', '订单金额'] as const),
  ...(['微信退款单号', '商户退款单号', '申请退款金额', '退款状态'] as const),
] as const;
type Columns = Readonly<Record<(typeof columnNames)[number], number>>;
type Header = { readonly columns: Columns; readonly width: number };

export type BillOptions = {
  readonly client: WechatpayClient;
  readonly signer: Signer;
  readonly baseUrl: string;
  readonly now: () => Date;
};

/** Requests WeChat Pay's trade bill of a day and downloads it at once: the link is valid for a few minutes at most. */
export async function fetchWechatpayBill(options: BillOptions, date: string, signal: AbortSignal): Promise<Bill> {
  const target = `/v3/bill/tradebill?bill_date=${date}&bill_type=ALL&tar_type=GZIP`;
  const answer = await withDeadline(signal, askDeadlineMs, (deadline) =>
    answeredInTime(deadline, () => options.client.get(target, deadline)),
  );
  if (answer.kind === 'refused') throw noBillBy(answer.refusal, date);
  const { hash_value: sha1, download_url: link } = readAnswer(() => linkSchema.parse(answer.body));
  const url = new URL(link);
  // A signed request must go to WeChat Pay only.
  if (url.origin !== new URL(options.baseUrl).origin && !realOrigins.has(url.origin)) {
    throw new OutcomeUnknownError('The download address of WeChat Pay’s bill is not at WeChat Pay.');
  }
  const request = { method: 'GET', target: url.pathname + url.search, body: '' };
  const authorization = await authorizationOf(options.signer, request, options.now());
  const headers = { Authorization: authorization, 'User-Agent': 'paystream' };
  return readWechatpayBill(await downloadBill(url.href, signal, headers), sha1);
}

function noBillBy(refusal: Refusal, date: string): Error {
  if (isRefusedAs(refusal, 'NO_STATEMENT_EXIST')) {
    return new NoBillError(
      `WeChat Pay has no bill of ${date}: it is there from about 10:00 of the next day, Beijing time, and a day without trades has none.`,
    );
  }
  if (isRefusedAs(refusal, 'STATEMENT_CREATING')) {
    return new BillNotAvailableError(
      `WeChat Pay has no bill of ${date} yet, and is making it: it is there from about 10:00 of the next day, Beijing time.`,
    );
  }
  if (isRefusedAs(refusal, 'INVALID_REQUEST', 'PARAM_ERROR')) {
    return new BillNotAvailableError(
      `WeChat Pay gives out no bill of ${date}: the day is not over, or more than three months ago.`,
    );
  }
  return errorOf(refusal);
}

/**
 * Reads WeChat Pay's trade bill: compressed rows in which every cell begins with a back-tick, followed by two rows of
 * totals. The file is not signed, so no line is returned before the whole file matches the SHA-1 from the signed
 * answer.
 *
 * @param sha1 of the unpacked file, in hexadecimal.
 * @throws {BillUnreadableError} after removing the file.
 */
export async function readWechatpayBill(file: BillFile, sha1: string): Promise<Bill> {
  try {
    return { linesExpected: await verify(file, sha1), lines: removeAfter(file, billLinesOf(file)) };
  } catch (error) {
    await file.remove();
    throw error;
  }
}

/** Checks the SHA-1 and returns the number of bill lines. */
async function verify({ path }: BillFile, sha1: string): Promise<number> {
  const hash = createHash('sha1');
  let lineFeeds = 0;
  for await (const chunk of unpacked(path)) {
    hash.update(chunk);
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lineFeeds += 1;
  }
  if (hash.digest('hex') !== sha1.toLowerCase()) {
    throw new BillUnreadableError(
      'WeChat Pay’s bill is not the one that its signed answer described: its SHA-1 differs.',
    );
  }
  return Math.max(0, lineFeeds - otherLines);
}

async function* billLinesOf({ path }: BillFile): AsyncGenerator<readonly BillLine[]> {
  let header: Header | null = null;
  let isAtTotals = false;
  let hasTotals = false;
  for await (const lines of linesOf(unpacked(path), 'utf-8')) {
    const batch: BillLine[] = [];
    for (const line of lines) {
      if (line.text === '') continue;
      if (header === null) {
        const names = line.text.split(',');
        header = { columns: columnsOf(line, names, columnNames), width: names.length };
      } else if (isAtTotals) {
        if (hasTotals) throw unreadable(line.number, 'it stands behind the totals');
        hasTotals = true;
      } else if (line.text.startsWith(totalsMark)) {
        isAtTotals = true;
      } else {
        const billLine = billLineOf(line, header);
        if (billLine !== null) batch.push(billLine);
      }
    }
    yield batch;
  }
  if (!hasTotals) throw new BillUnreadableError('WeChat Pay’s bill was cut off: its totals are missing.');
}

type Cell = (name: (typeof columnNames)[number]) => string;

/**
 * Null for a failed refund, which moved no money. Null also for a row of another system of the same merchant that
 * cannot be read, such as a reversed sale in a shop or one in another currency. It must not stop the reconciliation of
 * our rows.
 */
function billLineOf(line: NumberedLine, { columns, width }: Header): BillLine | null {
  const cells = cellsOf(line);
  if (cells.length !== width) throw unreadable(line.number, `it has ${cells.length} cells, and the header ${width}`);
  const cell: Cell = (name) => cells[columns[name]] ?? '';
  try {
    return ownLineOf(line, cell);
  } catch (error) {
    const isOurs = isId('payment', cell('商户订单号')) || isId('refund', cell('商户退款单号'));
    if (isOurs || !(error instanceof BillUnreadableError)) throw error;
    return null;
  }
}

function ownLineOf(line: NumberedLine, cell: Cell): BillLine | null {
  const at = readCell(line, 'time', () => instantOfBeijing(cell('交易时间')));
  const number = cell('商户订单号') || null;
  const currency = cell('货币种类');
  if (currency !== 'CNY') throw unreadable(line.number, 'its currency is not CNY');
  const common = { providerPaymentId: cell('微信订单号') || null, currency, at };
  switch (cell('交易状态')) {
    case 'SUCCESS': {
      const amountMinor = readCell(line, 'amount', () => fenOfYuan(cell('订单金额')));
      const names = { merchantNumber: number, paymentNumber: null, providerRefundId: null };
      return { ...common, ...names, kind: 'payment', status: 'SUCCEEDED', amountMinor };
    }
    case 'REFUND': {
      const amountMinor = readCell(line, 'amount', () => fenOfYuan(cell('申请退款金额')));
      const status = refundStatusOf(line, cell('退款状态'));
      if (status === null) return null;
      const refundNumber = cell('商户退款单号') || null;
      const isOurs = refundNumber !== null && isId('refund', refundNumber);
      const providerRefundId = isOurs ? cell('微信退款单号') || null : refundNumber;
      const names = { merchantNumber: refundNumber, paymentNumber: number, providerRefundId };
      return { ...common, ...names, kind: 'refund', status, amountMinor };
    }
    default:
      throw unreadable(line.number, 'it is neither a payment that succeeded nor a refund');
  }
}

function refundStatusOf({ number }: NumberedLine, text: string): 'SUCCEEDED' | 'PENDING' | null {
  switch (text) {
    case 'SUCCESS':
      return 'SUCCEEDED';
    case 'PROCESSING':
      return 'PENDING';
    case 'FAIL':
    case 'CLOSED':
    case 'CHANGE': // to be refunded manually; no money has moved
    case 'ABNORMAL':
      return null;
    default:
      throw unreadable(number, 'its refund has a state that is not known');
  }
}

/** The cells of a row. Product names may contain commas, so a comma followed by a back-tick separates cells. */
function cellsOf({ number, text }: NumberedLine): string[] {
  if (!text.startsWith('`')) throw unreadable(number, 'it does not begin with a back-tick');
  return text
    .slice(1)
    .split(',`')
    .map((cell) => cell.trim());
}

async function* unpacked(path: string): AsyncGenerator<Uint8Array> {
  const packed = createReadStream(path);
  const stream = packed.pipe(createGunzip());
  packed.once('error', (error) => stream.destroy(error)); // a pipe does not forward errors
  try {
    yield* limitBytes()(stream);
  } catch (error) {
    if (error instanceof BillUnreadableError) throw error;
    throw new BillUnreadableError('WeChat Pay’s bill could not be unpacked.', { cause: error });
  } finally {
    packed.destroy();
  }
}
