import type { Sender } from '../deliveries.ts';
import { encoded, encodedForm } from './charset.ts';
import { beijingTime, readYuan, yuan } from './formats.ts';
import { signedText, unsignedInNotices } from './signing.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** After each attempt that was not taken: eight deliveries within 25 hours. */
export const notifyRetryDelaysMs: readonly number[] = [
  4 * minuteMs,
  10 * minuteMs,
  10 * minuteMs,
  hourMs,
  2 * hourMs,
  6 * hourMs,
  15 * hourMs,
];

/**
 * Alipay's way of posting: a flat form whose signature is one of its fields, over all the others but `sign_type`. Content is the
 * JSON object of those fields that do not change from one attempt to the next; its `charset` says in which one it is written.
 */
export function alipaySender(sign: (text: Buffer) => string): Sender {
  return {
    provider: 'alipay',
    write(content, atSeconds, secret) {
      const fields: Record<string, string> = { notify_time: beijingTime(atSeconds * 1000), ...JSON.parse(content) };
      const text = signedText(Object.entries(fields), unsignedInNotices);
      const charset = fields.charset === 'GBK' ? 'GBK' : 'utf-8';
      // A forgery is signed over another text: as good as another key's.
      const signature = sign(encoded(secret === 'right' ? text : `${text}&forged=1`, charset));
      const headers = {
        'Content-Type': `application/x-www-form-urlencoded; charset=${charset}`,
        'User-Agent': 'Mozilla/4.0',
        Accept: '*/*',
      };
      return { headers, body: encodedForm({ ...fields, sign: signature, sign_type: 'RSA2' }, charset) };
    },
    altered: (body) =>
      body.replace(
        /(^|&)total_amount=([\d.]+)/,
        (_whole, before: string, amount: string) => `${before}total_amount=${oneMore(amount)}`,
      ),
    isAcknowledged: (status, body) => status === 200 && body === 'success',
    ofAnotherAccount: (content) => JSON.stringify({ ...JSON.parse(content), app_id: '2021999999999999' }),
    withWrongAmount: (content) =>
      content.replace(
        /"(total_amount|receipt_amount|buyer_pay_amount|invoice_amount)":"([\d.]+)"/g,
        (_whole, name: string, amount: string) => `"${name}":"${oneMore(amount)}"`,
      ),
    withUnknownStatus: (content) => content.replace(/"trade_status":"\w+"/, '"trade_status":"TRADE_DREAMT"'),
    withoutAmount: (content) => content.replace(/"total_amount":"[\d.]+"/, '"total_amount":"a lot"'),
    inGbk: (content) => content.replace('"charset":"utf-8"', '"charset":"GBK"'),
  };
}

/** One yuan more. */
function oneMore(amount: string): string {
  return yuan((readYuan(amount) ?? 0) + 100);
}
