import { randomBytes } from 'node:crypto';
import { type MasterKeys, readMasterKey } from '../../src/accounts/master-key.ts';
import { addProviderAccount } from '../../src/commands/add-provider-account.ts';
import { createApiKey } from '../../src/commands/create-api-key.ts';
import { createMerchant } from '../../src/commands/create-merchant.ts';
import type { AccountParts, GivenVariables } from '../../src/commands/provider-account-input.ts';
import type { StoredAccount } from '../../src/store/provider-account-store.ts';
import { type TestApp, testStripe, withToken } from './test-app.ts';

export const testMasterKeys: MasterKeys = { current: readMasterKey(randomBytes(32).toString('hex')), old: null };

/** What the paystream command works with, beside a running server. */
export function accountParts({ database: db, clock, app }: TestApp): AccountParts {
  return { db, clock, log: app.log, masterKeys: testMasterKeys, isProduction: false };
}

/** Another merchant, and a client with its API key on this node. */
export async function addMerchant(node: TestApp, name: string) {
  const parts = accountParts(node);
  const { merchant } = await createMerchant(parts, { name, returnOrigins: ['*'] }, false);
  const { token } = await createApiKey(parts, { merchantId: merchant.id, name }, 'test');
  return { id: merchant.id, at: (other: TestApp) => withToken(other, token) };
}

/** The variables of a Stripe account in the sandbox of a node. */
export function stripeVariables({ sandboxUrl }: Pick<TestApp, 'sandboxUrl'>, secretKey: string): GivenVariables {
  const values = {
    STRIPE_SECRET_KEY: secretKey,
    STRIPE_PUBLISHABLE_KEY: testStripe.publishableKey,
    STRIPE_WEBHOOK_SECRETS: testStripe.webhookSecret,
    STRIPE_API_BASE: sandboxUrl,
  };
  return { values, names: Object.keys(values), violations: [] };
}

export async function addStripeAccount(node: TestApp, merchantId: string, secretKey: string): Promise<StoredAccount> {
  const variables = stripeVariables(node, secretKey);
  const added = { merchantId, provider: 'stripe', variables, allowsTest: false };
  return (await addProviderAccount(accountParts(node), added)).account;
}
