import { onlyAccounts } from '../../src/accounts/provider-accounts.ts';
import type { PaymentProvider } from '../../src/providers/provider.ts';

/** Accounts for a webhook route without a database, which routing does not need. */
export function routedAccounts(...providers: readonly PaymentProvider[]) {
  const { atRoute, refresh } = onlyAccounts({ pool: undefined as never, writes: undefined as never }, providers);
  return { atRoute, refresh };
}
