import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { HttpResponse } from '../http.ts';
import { type BillContent, type BillType, billText, billTypes } from './bill-lines.ts';
import { invalidRequest, paramError, WechatpayRefusal } from './errors.ts';
import type { WechatpayState } from './state.ts';
import { beijingDate, beijingHour } from './time.ts';

/** How long a `download_url` can be used. */
export const downloadMs = 5 * 60_000;
/** The bill of yesterday is ready from this hour on, in Beijing. */
const readyHour = 10;
const monthsBack = 3;
const dayMs = 24 * 3_600_000;
const pieceCharacters = 65_536;

type Ready = {
  readonly content: BillContent;
  readonly type: BillType;
  readonly gzip: boolean;
  readonly untilAtMs: number;
};

/** Writes bills and hands them out. What was asked for is kept in memory until its link is over. */
export class BillDesk {
  readonly downloadPath = '/v3/billdownload/file';
  #wechatpay: WechatpayState;
  #ready = new Map<string, Ready>();

  constructor(wechatpay: WechatpayState) {
    this.#wechatpay = wechatpay;
  }

  /** The answer of `GET /v3/bill/tradebill`. @throws {WechatpayRefusal} */
  order(query: URLSearchParams): object {
    const date = this.#readDate(query.get('bill_date') ?? '');
    const type = billTypes.find((known) => known === (query.get('bill_type') ?? 'ALL'));
    if (type === undefined) throw paramError('bill_type', `must be one of ${billTypes.join(', ')}`, 'query');
    const tarType = query.get('tar_type');
    if (tarType !== null && tarType !== 'GZIP') throw paramError('tar_type', 'must be GZIP', 'query');
    const content = this.#contentOf(date);
    if (isEmpty(content, type)) throw new WechatpayRefusal(404, 'NO_STATEMENT_EXIST', '账单文件不存在');
    this.#forgetOld();
    const token = this.#wechatpay.newId('', 64);
    const untilAtMs = this.#wechatpay.clock.nowMs() + downloadMs;
    this.#ready.set(token, { content, type, gzip: tarType !== null, untilAtMs });
    const download = `${this.#wechatpay.baseUrl()}${this.downloadPath}?token=${token}`;
    return {
      hash_type: 'SHA1',
      hash_value: sha1Of(content, type),
      download_url: tarType === null ? download : `${download}&tartype=gzip`,
    };
  }

  /** The file, unsigned. @throws {WechatpayRefusal} when the link is none, or over. */
  download(query: URLSearchParams): HttpResponse {
    const ready = this.#ready.get(query.get('token') ?? '');
    if (!ready || this.#wechatpay.clock.nowMs() > ready.untilAtMs)
      throw invalidRequest('下载链接已失效，请重新申请账单');
    const text = (): Readable => Readable.from(pieces(ready.content, ready.type), { objectMode: false });
    return {
      status: 200,
      headers: {
        'Content-Type': ready.gzip ? 'application/x-gzip' : 'text/plain; charset=utf-8',
        'Request-ID': this.#wechatpay.newId('', 32),
      },
      body: ready.gzip ? () => zipped(text()) : text,
    };
  }

  /** By the sandbox's own clock: when that was moved to tomorrow, today's bill is there. */
  #readDate(date: string): string {
    if (!isDate(date)) throw paramError('bill_date', 'must be a day like 2027-01-01', 'query');
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

  #forgetOld(): void {
    const nowMs = this.#wechatpay.clock.nowMs();
    for (const [token, { untilAtMs }] of this.#ready) if (nowMs > untilAtMs) this.#ready.delete(token);
  }
}

function isEmpty({ payments, refunds, synthetic }: BillContent, type: BillType): boolean {
  const paid = type === 'REFUND' ? 0 : payments.length + synthetic;
  return paid + (type === 'SUCCESS' ? 0 : refunds.length) === 0;
}

/** Of the file as it is when it is unpacked. */
function sha1Of(content: BillContent, type: BillType): string {
  const hash = createHash('sha1');
  for (const piece of pieces(content, type)) hash.update(piece);
  return hash.digest('hex');
}

function* pieces(content: BillContent, type: BillType): Generator<Buffer> {
  let text = '';
  for (const line of billText(content, type)) {
    text += line;
    if (text.length < pieceCharacters) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text);
}

function zipped(text: Readable): Readable {
  const zip = createGzip();
  text.on('error', (error) => zip.destroy(error));
  zip.on('close', () => text.destroy());
  return text.pipe(zip);
}

export function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 10) === text;
}

function monthsBefore(date: string): string {
  const at = new Date(`${date}T00:00:00Z`);
  at.setUTCMonth(at.getUTCMonth() - monthsBack);
  return at.toISOString().slice(0, 10);
}
