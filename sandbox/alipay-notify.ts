import { beijingTime, readYuan, yuan } from './alipay-formats.ts';
import { signedText, unsignedInNotices } from './alipay-signing.ts';
import type { Sender } from './deliveries.ts';

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
 * JSON object of those fields that do not change from one attempt to the next.
 */
export function alipaySender(sign: (text: string) => string): Sender {
  return {
    provider: 'alipay',
    write(content, atSeconds, secret) {
      const fields: Record<string, string> = { notify_time: beijingTime(atSeconds * 1000), ...JSON.parse(content) };
      const text = signedText(Object.entries(fields), unsignedInNotices);
      const body = new URLSearchParams(fields);
      body.set('sign', sign(secret === 'right' ? text : `${text}&forged=1`)); // of another text: as good as another key's
      body.set('sign_type', 'RSA2');
      const headers = {
        'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
        'User-Agent': 'Mozilla/4.0',
        Accept: '*/*',
      };
      return { headers, body: body.toString() };
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
  };
}

/** One yuan more. */
function oneMore(amount: string): string {
  return yuan((readYuan(amount) ?? 0) + 100);
}
