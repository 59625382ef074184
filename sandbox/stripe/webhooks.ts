import { createHmac } from 'node:crypto';
import type { Sender } from '../deliveries.ts';

/**
 * Stripe's way of posting events. While a secret is rotated there are two, and each signs: `t=…,v1=…,v1=…,v0=…`. `v0` is
 * the scheme of test events that nobody may accept.
 */
export function stripeSender(secrets: readonly string[]): Sender {
  return {
    provider: 'stripe',
    write(content, atSeconds, secret) {
      const keys = secret === 'right' ? secrets : secrets.map((key) => `${key}_forged`);
      const signatures = keys.map((key) => `v1=${signature(key, atSeconds, content)}`);
      const headers = {
        'Content-Type': 'application/json; charset=utf-8',
        'User-Agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
        Accept: '*/*; q=0.5, application/xml',
        'Stripe-Signature': [`t=${atSeconds}`, ...signatures, `v0=${signature('v0', atSeconds, content)}`].join(','),
      };
      return { headers, body: content };
    },
    altered: withWrongAmount,
    isAcknowledged: (status) => status >= 200 && status < 300,
    withWrongAmount,
    withUnknownStatus: (content) => content.replace(/("status": )"\w+"/g, '$1"dreamt"'),
    withoutAmount: (content) => content.replace(/("amount(?:_total)?": )\d+/g, '$1"a lot"'),
    inGbk: (content) => content,
    // As Stripe tells a platform of its connected accounts.
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

function signature(key: string, atSeconds: number, body: string): string {
  return createHmac('sha256', key).update(`${atSeconds}.${body}`).digest('hex');
}
