import type Stripe from 'stripe';
import type { ProviderKind, ProviderSetup, Settings } from '../provider.ts';
import { urlAt } from '../settings.ts';

export type StripeConfig = {
  readonly secretKey: string;
  readonly publishableKey: string;
  /** One, or two while one is being replaced. */
  readonly webhookSecrets: readonly string[];
  /** Where Stripe's API is: `https://api.stripe.com`, or a sandbox. */
  readonly apiBase: string;
  /** Carries the SDK's requests; Node's own when left out. */
  readonly httpClient?: Stripe.HttpClient;
};

export function stripeSetup(config: StripeConfig): ProviderSetup {
  return {
    name: 'STRIPE',
    async open({ now }) {
      const { createStripeProvider } = await import('./adapter.ts'); // a start without cards does not load the SDK
      return createStripeProvider({ ...config, now });
    },
  };
}

/** Cards, by `STRIPE_…`. */
export const stripeKind: ProviderKind = {
  name: 'STRIPE',
  readSetup(settings) {
    const config = readConfig(settings);
    return config === null ? null : stripeSetup(config);
  },
};

function readConfig(settings: Settings): StripeConfig | null {
  const required = ['STRIPE_SECRET_KEY', 'STRIPE_PUBLISHABLE_KEY', 'STRIPE_WEBHOOK_SECRETS'] as const;
  const { at, isProduction, violations } = settings;
  const apiBase = urlAt(settings, 'STRIPE_API_BASE');
  const values = required.map(at);
  const [secretKey, publishableKey, secrets] = values;
  const missing = required.filter((_, index) => values[index] === null);
  if (missing.length === required.length && apiBase === null) return null;
  if (secretKey == null || publishableKey == null || secrets == null) {
    violations.push(`Cards are configured in part: ${missing.join(' and ')} must be set too, or nothing of STRIPE_*.`);
    return null;
  }
  const webhookSecrets = secrets.split(',').map((secret) => secret.trim());
  if (!/^(sk|rk)_(test|live)_/.test(secretKey)) {
    violations.push('STRIPE_SECRET_KEY must start with sk_test_, sk_live_, rk_test_ or rk_live_.');
  }
  if (!/^pk_(test|live)_/.test(publishableKey)) {
    violations.push('STRIPE_PUBLISHABLE_KEY must start with pk_test_ or pk_live_.');
  }
  if (/_live_/.test(secretKey) !== /_live_/.test(publishableKey)) {
    violations.push('STRIPE_SECRET_KEY and STRIPE_PUBLISHABLE_KEY must both be test keys or both live keys.');
  }
  if (!isProduction && /_live_/.test(secretKey)) {
    violations.push('STRIPE_SECRET_KEY is a live key: real money moves only with NODE_ENV=production.');
  }
  if (webhookSecrets.length > 2 || webhookSecrets.some((secret) => !/^whsec_.{8,}$/.test(secret))) {
    violations.push(
      'STRIPE_WEBHOOK_SECRETS must be one secret, or two with a comma between, each starting with whsec_.',
    );
  }
  if (apiBase !== null && new URL(apiBase).pathname !== '/') {
    violations.push('STRIPE_API_BASE must have no path: Stripe’s own begins with /v1.');
  }
  if (apiBase?.startsWith('http:') && /_live_/.test(secretKey)) {
    violations.push('STRIPE_API_BASE must be https with a live key.');
  }
  return { secretKey, publishableKey, webhookSecrets, apiBase: apiBase ?? 'https://api.stripe.com' };
}
