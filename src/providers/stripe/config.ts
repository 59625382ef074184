import type Stripe from 'stripe';

export type StripeConfig = {
  readonly secretKey: string;
  /** The id of the key's account, `acct_…`; Stripe is asked for it where it is left out. */
  readonly accountId?: string;
  readonly publishableKey: string;
  /** One, or two while one is being replaced. */
  readonly webhookSecrets: readonly string[];
  /** Where Stripe's API is: `https://api.stripe.com`, or a sandbox. */
  readonly apiBase: string;
  /** Carries the SDK's requests; Node's own when left out. */
  readonly httpClient?: Stripe.HttpClient;
};

export function isLiveKey(key: string): boolean {
  return key.includes('_live_');
}
