import { createHmac } from 'node:crypto';
import type { CallbackProtocol } from '../callback-protocol.ts';
import { hourMs, minuteMs, secondMs } from '../durations.ts';

/** Live Stripe retries for up to three days at growing intervals. The first intervals are shorter here. */
export const webhookRetryDelaysMs: readonly number[] = [
  ...[secondMs, 5 * secondMs, 30 * secondMs, 5 * minuteMs, 30 * minuteMs],
  ...[hourMs, 2 * hourMs, 4 * hourMs, 8 * hourMs, 8 * hourMs, 24 * hourMs, 24 * hourMs],
];

/**
 * Stripe posts events with the header `Stripe-Signature: t=…,v1=…,v1=…,v0=…`. During the rotation of a secret, both secrets sign. `v0` is a
 * scheme of test events that a merchant must not accept.
 */
export function stripeCallbackProtocol(secrets: readonly string[]): CallbackProtocol {
  return {
    provider: 'stripe',
    write(content, atSeconds, signature) {
      const keys = signature === 'right' ? secrets : secrets.map((key) => `${key}_forged`);
      const signatures = keys.map((key) => `v1=${hmac(key, atSeconds, content)}`);
      const headers = {
        'Content-Type': 'application/json; charset=utf-8',
        'User-Agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
        Accept: '*/*; q=0.5, application/xml',
        'Stripe-Signature': [`t=${atSeconds}`, ...signatures, `v0=${hmac('v0', atSeconds, content)}`].join(','),
      };
      return { headers, body: content };
    },
    altered: withWrongAmount,
    isAcknowledged: (status) => status >= 200 && status < 300,
    withWrongAmount,
    withUnknownStatus: (content) => content.replace(/("status": )"\w+"/g, '$1"dreamt"'),
    withoutAmount: (content) => content.replace(/("amount(?:_total)?": )\d+/g, '$1"a lot"'),
    inGbk: (content) => content,
    // An event of a connected account, as Stripe sends it to its platform.
    ofAnotherAccount: (content) =>
      JSON.stringify({ ...JSON.parse(content), account: 'acct_1AnotherAccount00' }, null, 2),
  };
}

function withWrongAmount(content: string): string {
  return content.replace(
    /("amount(?:_received|_capturable|_captured|_total|_subtotal)?": )(\d+)/g,
    (_whole, name: string, amount: string) => `${name}${amount === '0' ? 0 : Number(amount) + 100}`,
  );
}

function hmac(key: string, atSeconds: number, body: string): string {
  return createHmac('sha256', key).update(`${atSeconds}.${body}`).digest('hex');
}
