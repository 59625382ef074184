import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { beijingDate, beijingHour, parseBeijingDate } from '../beijing-time.ts';
import { encodedChunks } from '../bill-files.ts';
import { dayMs, minuteMs } from '../durations.ts';
import type { HttpResponse } from '../http.ts';
import { type BillContent, type BillType, billText, billTypes } from './bill-lines.ts';
import { invalidRequest, paramError, WechatpayRefusal } from './errors.ts';
import type { WechatpayState } from './state.ts';

/** The lifetime of a `download_url`. */
export const downloadMs = 5 * minuteMs;
/** The bill of a day is ready at this hour of the next day, in Beijing. */
const readyHour = 10;
const monthsBack = 3;

type PreparedBill = {
  readonly content: BillContent;
  readonly type: BillType;
  readonly gzip: boolean;
  readonly untilAtMs: number;
};

/** Prepares bills for download. A prepared bill stays in memory until its link expires. */
export class BillDownloads {
  readonly downloadPath = '/v3/billdownload/file';
  #wechatpay: WechatpayState;
  #prepared = new Map<string, PreparedBill>();

  constructor(wechatpay: WechatpayState) {
    this.#wechatpay = wechatpay;
  }

  /** The response of `GET /v3/bill/tradebill`. @throws {WechatpayRefusal} */
  prepare(query: URLSearchParams): object {
    const date = this.#readDate(query.get('bill_date') ?? '');
    const type = billTypes.find((known) => known === (query.get('bill_type') ?? 'ALL'));
    if (type === undefined) throw paramError('bill_type', `must be one of ${billTypes.join(', ')}`, 'query');
    const tarType = query.get('tar_type');
    if (tarType !== null && tarType !== 'GZIP') throw paramError('tar_type', 'must be GZIP', 'query');
    const content = this.#contentOf(date);
    if (isEmpty(content, type)) throw new WechatpayRefusal(404, 'NO_STATEMENT_EXIST', '账单文件不存在');
    this.#deleteExpired();
    const token = this.#wechatpay.newId('', 64);
    const untilAtMs = this.#wechatpay.clock.nowMs() + downloadMs;
    this.#prepared.set(token, { content, type, gzip: tarType !== null, untilAtMs });
    const download = `${this.#wechatpay.baseUrl()}${this.downloadPath}?token=${token}`;
    return {
      hash_type: 'SHA1',
      hash_value: sha1Of(content, type),
      download_url: tarType === null ? download : `${download}&tartype=gzip`,
    };
  }

  /** The file, unsigned. @throws {WechatpayRefusal} when the link is unknown or has expired. */
  download(query: URLSearchParams): HttpResponse {
    const bill = this.#prepared.get(query.get('token') ?? '');
    if (!bill || this.#wechatpay.clock.nowMs() > bill.untilAtMs) throw invalidRequest('下载链接已失效，请重新申请账单');
    const text = (): Readable => Readable.from(chunks(bill.content, bill.type), { objectMode: false });
    return {
      status: 200,
      headers: {
        'Content-Type': bill.gzip ? 'application/x-gzip' : 'text/plain; charset=utf-8',
        'Request-ID': this.#wechatpay.newId('', 32),
      },
      body: bill.gzip ? () => zipped(text()) : text,
    };
  }

  /** Uses the sandbox's clock: after it is moved to tomorrow, today's bill is ready. */
  #readDate(date: string): string {
    if (parseBeijingDate(date) === null) throw paramError('bill_date', 'must be a day like 2027-01-01', 'query');
    const nowMs = this.#wechatpay.clock.nowMs();
    if (date >= beijingDate(nowMs)) throw invalidRequest('账单日期须早于今天');
    if (date === beijingDate(nowMs - dayMs) && beijingHour(nowMs) < readyHour) {
      throw new WechatpayRefusal(400, 'STATEMENT_CREATING', '账单生成中，请在上午10点以后再下载');
    }
    if (date < monthsBefore(beijingDate(nowMs))) throw invalidRequest('仅支持三个月内的账单下载申请');
    return date;
  }

  #contentOf(date: string): BillContent {
    const { merchant, orders, refunds, syntheticBills } = this.#wechatpay;
    const isThatDay = (ms: number | null | undefined): boolean => typeof ms === 'number' && beijingDate(ms) === date;
    return {
      merchant,
      date,
      payments: [...orders.all()].filter(({ paid }) => isThatDay(paid?.successWireMs)),
      refunds: [...refunds.all()]
        .filter((refund) => refund.status === 'SUCCESS' && isThatDay(refund.successWireMs))
        .flatMap((refund) => {
          const order = orders.get(refund.order);
          return order ? { refund, order } : [];
        }),
      synthetic: syntheticBills.get(date)?.rows ?? 0,
    };
  }

  #deleteExpired(): void {
    const nowMs = this.#wechatpay.clock.nowMs();
    for (const [token, { untilAtMs }] of this.#prepared) if (nowMs > untilAtMs) this.#prepared.delete(token);
  }
}

function isEmpty({ payments, refunds, synthetic }: BillContent, type: BillType): boolean {
  const paid = type === 'REFUND' ? 0 : payments.length + synthetic;
  return paid + (type === 'SUCCESS' ? 0 : refunds.length) === 0;
}

/** The hash of the uncompressed file. */
function sha1Of(content: BillContent, type: BillType): string {
  const hash = createHash('sha1');
  for (const chunk of chunks(content, type)) hash.update(chunk);
  return hash.digest('hex');
}

function chunks(content: BillContent, type: BillType): Iterable<Buffer> {
  return encodedChunks(billText(content, type), (text) => Buffer.from(text));
}

function zipped(text: Readable): Readable {
  const zip = createGzip();
  text.on('error', (error) => zip.destroy(error));
  zip.on('close', () => text.destroy());
  return text.pipe(zip);
}

function monthsBefore(date: string): string {
  const at = new Date(`${date}T00:00:00Z`);
  at.setUTCMonth(at.getUTCMonth() - monthsBack);
  return at.toISOString().slice(0, 10);
}
