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
  linesOf,
  type NumberedLine,
  noMoreThan,
  readAt,
  removingAfter,
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

/** The first of the two rows at the end, the header of the totals, begins with it. */
const totalsMark = '总交易单数';
/** The header, the header of the totals, the totals. */
const otherLines = 3;

const columnNames = [
  ...(['交易时间', '微信订单号', '商户订单号', '交易状态', '货币种类', '订单金额'] as const),
  ...(['微信退款单号', '商户退款单号', '申请退款金额', '退款状态'] as const),
] as const;
type Columns = Readonly<Record<(typeof columnNames)[number], number>>;
type Header = { readonly columns: Columns; readonly width: number };

export type BillDesk = {
  readonly client: WechatpayClient;
  readonly signer: Signer;
  readonly baseUrl: string;
  readonly now: () => Date;
};

/** Asks WeChat Pay for its trade bill of a day, and fetches it at once: the link is good for minutes at most. */
export async function fetchWechatpayBill(desk: BillDesk, date: string, signal: AbortSignal): Promise<Bill> {
  const target = `/v3/bill/tradebill?bill_date=${date}&bill_type=ALL&tar_type=GZIP`;
  const answer = await withDeadline(signal, askDeadlineMs, (deadline) =>
    answeredInTime(deadline, () => desk.client.get(target, deadline)),
  );
  if (answer.kind === 'refused') throw noBillBy(answer.refusal, date);
  const { hash_value: sha1, download_url: link } = readAnswer(() => linkSchema.parse(answer.body));
  const url = new URL(link);
  // What is signed goes to WeChat Pay and to nobody else.
  if (url.origin !== new URL(desk.baseUrl).origin && !realOrigins.has(url.origin)) {
    throw new OutcomeUnknownError('WeChat Pay’s bill is said to be somewhere that is not WeChat Pay.');
  }
  const request = { method: 'GET', target: url.pathname + url.search, body: '' };
  const headers = { Authorization: authorizationOf(desk.signer, request, desk.now()), 'User-Agent': 'paystream' };
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
 * WeChat Pay's trade bill of a day: compressed rows whose every cell begins with a back-tick, two rows of totals at the end. The file comes
 * unsigned, so no line is told before the whole of it has the SHA-1 that the signed answer gave.
 *
 * @param sha1 of what the file unpacks to, in hexadecimal.
 * @throws {BillUnreadableError} and the file is gone then.
 */
export async function readWechatpayBill(file: BillFile, sha1: string): Promise<Bill> {
  try {
    return { linesExpected: await verify(file, sha1), lines: removingAfter(file, billLinesOf(file)) };
  } catch (error) {
    await file.remove();
    throw error;
  }
}

/** Returns how many lines there are to tell. */
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
    const told: BillLine[] = [];
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
        if (billLine !== null) told.push(billLine);
      }
    }
    yield told;
  }
  if (!hasTotals) throw new BillUnreadableError('WeChat Pay’s bill was cut off: its totals are missing.');
}

type Cell = (name: (typeof columnNames)[number]) => string;

/**
 * Null for a refund that WeChat Pay gave up: no money moved. Null, too, for what we cannot read of other systems of the same merchant, as
 * a sale in a shop that was reversed, or one in another currency: it is none of our business, and must not keep us from ours.
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
  const at = readAt(line, 'time', () => instantOfBeijing(cell('交易时间')));
  const number = cell('商户订单号') || null;
  const currency = cell('货币种类');
  if (currency !== 'CNY') throw unreadable(line.number, 'its currency is not CNY');
  const told = { providerPaymentId: cell('微信订单号') || null, currency, at };
  switch (cell('交易状态')) {
    case 'SUCCESS': {
      const amountMinor = readAt(line, 'amount', () => fenOfYuan(cell('订单金额')));
      const names = { merchantNumber: number, paymentNumber: null, providerRefundId: null };
      return { ...told, ...names, kind: 'payment', status: 'SUCCEEDED', amountMinor };
    }
    case 'REFUND': {
      const amountMinor = readAt(line, 'amount', () => fenOfYuan(cell('申请退款金额')));
      const status = refundStatusOf(line, cell('退款状态'));
      if (status === null) return null;
      const refundNumber = cell('商户退款单号') || null;
      const isOurs = refundNumber !== null && isId('refund', refundNumber);
      const providerRefundId = isOurs ? cell('微信退款单号') || null : refundNumber;
      const names = { merchantNumber: refundNumber, paymentNumber: number, providerRefundId };
      return { ...told, ...names, kind: 'refund', status, amountMinor };
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
    case 'CHANGE': // what is to be sent another way by hand has not moved yet
    case 'ABNORMAL':
      return null;
    default:
      throw unreadable(number, 'its refund has a state that is not known');
  }
}

/** The cells of a row. Names of goods may contain commas, so it is the back-tick behind a comma that begins a cell. */
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
  packed.once('error', (error) => stream.destroy(error)); // a pipe does not hand errors on
  try {
    yield* noMoreThan()(stream);
  } catch (error) {
    if (error instanceof BillUnreadableError) throw error;
    throw new BillUnreadableError('WeChat Pay’s bill could not be unpacked.', { cause: error });
  } finally {
    packed.destroy();
  }
}
