import type Stripe from 'stripe';

export type StripeConfig = {
  readonly secretKey: string;
  /** The id of the key's account, `acct_…`. Stripe is asked for it when it is not set. */
  readonly accountId?: string;
  readonly publishableKey: string;
  /** One signing secret, or two during a replacement. */
  readonly webhookSecrets: readonly string[];
  /** The URL of Stripe's API, `https://api.stripe.com`, or of a sandbox. */
  readonly apiBase: string;
  /** The URL of a page with card fields that a checkout embeds in place of Stripe.js: the sandbox's. */
  readonly cardFormUrl?: string;
  /** Sends the SDK's requests. Without it Node's own client is used. */
  readonly httpClient?: Stripe.HttpClient;
};

export function isLiveKey(key: string): boolean {
  return key.includes('_live_');
}
