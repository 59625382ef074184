import type { ProviderDefinition, ProviderSetup, Settings } from '../provider.ts';
import { mustMatch, readUrl, reportMissing } from '../settings.ts';
import { isLiveKey, type StripeConfig } from './config.ts';

export function stripeSetup(config: StripeConfig): ProviderSetup {
  const mode = isLiveKey(config.secretKey) ? 'live' : 'test';
  return {
    name: 'STRIPE',
    description: `${mode} key at ${new URL(config.apiBase).host}`,
    isTest: mode === 'test',
    // Without cards the SDK is not loaded.
    async findAccount(log) {
      const { findStripeAccount } = await import('./account.ts');
      return findStripeAccount(config, log);
    },
    async open({ now }, account) {
      const { createStripeProvider } = await import('./adapter.ts');
      return createStripeProvider({ ...config, account, now });
    },
  };
}

const required = ['STRIPE_SECRET_KEY', 'STRIPE_PUBLISHABLE_KEY', 'STRIPE_WEBHOOK_SECRETS'] as const;
const variables = [...required, 'STRIPE_ACCOUNT', 'STRIPE_API_BASE', 'STRIPE_CARD_FORM_URL'] as const;

/** Configures cards from the `STRIPE_…` variables. */
export const stripeDefinition: ProviderDefinition = {
  name: 'STRIPE',
  variables,
  operatorVariables: ['STRIPE_API_BASE', 'STRIPE_CARD_FORM_URL'],
  secretVariables: ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRETS'],
  readSetup(settings) {
    const config = variables.some(settings.isSet) ? readConfig(settings) : null;
    return config === null ? null : stripeSetup(config);
  },
};

function readConfig(settings: Settings): StripeConfig | null {
  const { at, isProduction, violations } = settings;
  const before = violations.length;
  reportMissing(settings, 'Cards are', required, 'STRIPE_*');
  const apiBase = readUrl(settings, 'STRIPE_API_BASE');
  const cardFormUrl = readUrl(settings, 'STRIPE_CARD_FORM_URL');
  const [secretKey = null, publishableKey = null, secrets = null] = required.map(at);
  const webhookSecrets = secrets?.split(',').map((secret) => secret.trim()) ?? [];
  const secretForm = 'STRIPE_SECRET_KEY must start with sk_test_, sk_live_, rk_test_ or rk_live_, and have no blanks.';
  mustMatch(settings, secretKey, /^(sk|rk)_(test|live)_[!-~]*$/, secretForm);
  const publishableForm = 'STRIPE_PUBLISHABLE_KEY must start with pk_test_ or pk_live_, and have no blanks.';
  mustMatch(settings, publishableKey, /^pk_(test|live)_[!-~]*$/, publishableForm);
  const accountId = at('STRIPE_ACCOUNT');
  mustMatch(settings, accountId, /^acct_\w{1,50}$/, 'STRIPE_ACCOUNT must be the id of a Stripe account: acct_…');
  if (secretKey !== null && publishableKey !== null && isLiveKey(secretKey) !== isLiveKey(publishableKey)) {
    violations.push('STRIPE_SECRET_KEY and STRIPE_PUBLISHABLE_KEY must both be test keys or both live keys.');
  }
  if (!isProduction && secretKey !== null && isLiveKey(secretKey)) {
    violations.push('STRIPE_SECRET_KEY is a live key: real money moves only with NODE_ENV=production.');
  }
  if (webhookSecrets.length > 2 || webhookSecrets.some((secret) => !/^whsec_[!-~]{8,}$/.test(secret))) {
    violations.push(
      'STRIPE_WEBHOOK_SECRETS must be one secret, or two separated by a comma, each starting with whsec_.',
    );
  }
  if (apiBase !== null && new URL(apiBase).pathname !== '/') {
    violations.push('STRIPE_API_BASE must have no path: Stripe’s paths begin with /v1.');
  }
  if (apiBase?.startsWith('http:') && secretKey !== null && isLiveKey(secretKey)) {
    violations.push('STRIPE_API_BASE must be https with a live key.');
  }
  if (cardFormUrl !== null && secretKey !== null && isLiveKey(secretKey)) {
    violations.push('STRIPE_CARD_FORM_URL must be unset with a live key: cards are entered into Stripe’s own form.');
  }
  if (violations.length > before || secretKey === null || publishableKey === null) return null;
  return {
    ...{ secretKey, publishableKey, webhookSecrets, apiBase: apiBase ?? 'https://api.stripe.com' },
    ...(accountId !== null && { accountId }),
    ...(cardFormUrl !== null && { cardFormUrl }),
  };
}
