import { beijingTime } from '../beijing-time.ts';
import type { CallbackProtocol } from '../callback-protocol.ts';
import { hourMs, minuteMs } from '../durations.ts';
import { formatYuan, parseYuan } from '../yuan.ts';
import { encoded, encodedForm } from './charset.ts';
import { signedText, unsignedInNotifications } from './signing.ts';

/** The delay after each failed attempt: eight attempts within 25 hours. */
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
 * Alipay posts a form. Its field `sign` covers all other fields except `sign_type`. The content is a JSON object of the fields that are
 * the same for all attempts; its field `charset` is the charset of the form.
 */
export function alipayCallbackProtocol(sign: (text: Buffer) => string): CallbackProtocol {
  return {
    provider: 'alipay',
    write(content, atSeconds, signature) {
      const fields: Record<string, string> = { notify_time: beijingTime(atSeconds * 1000), ...JSON.parse(content) };
      const text = signedText(Object.entries(fields), unsignedInNotifications);
      const charset = fields.charset === 'GBK' ? 'GBK' : 'utf-8';
      // A signature of another text fails like a signature of another key.
      const signed = sign(encoded(signature === 'right' ? text : `${text}&forged=1`, charset));
      const headers = {
        'Content-Type': `application/x-www-form-urlencoded; charset=${charset}`,
        'User-Agent': 'Mozilla/4.0',
        Accept: '*/*',
      };
      return { headers, body: encodedForm({ ...fields, sign: signed, sign_type: 'RSA2' }, charset) };
    },
    altered: (body) =>
      body.replace(
        /(^|&)total_amount=([\d.]+)/,
        (_whole, before: string, amount: string) => `${before}total_amount=${plusOneYuan(amount)}`,
      ),
    isAcknowledged: (status, body) => status === 200 && body === 'success',
    ofAnotherAccount: (content) => JSON.stringify({ ...JSON.parse(content), app_id: '2021999999999999' }),
    withWrongAmount: (content) =>
      content.replace(
        /"(total_amount|receipt_amount|buyer_pay_amount|invoice_amount)":"([\d.]+)"/g,
        (_whole, name: string, amount: string) => `"${name}":"${plusOneYuan(amount)}"`,
      ),
    withUnknownStatus: (content) => content.replace(/"trade_status":"\w+"/, '"trade_status":"TRADE_DREAMT"'),
    withoutAmount: (content) => content.replace(/"total_amount":"[\d.]+"/, '"total_amount":"a lot"'),
    inGbk: (content) => content.replace('"charset":"utf-8"', '"charset":"GBK"'),
  };
}

function plusOneYuan(amount: string): string {
  return formatYuan((parseYuan(amount) ?? 0) + 100);
}
