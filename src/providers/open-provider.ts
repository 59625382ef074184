import type { Log } from '../domain/log.ts';
import type { PaymentProvider, ProviderParts, ProviderSetup } from './provider.ts';

/**
 * Makes the adapter of a provider that is configured, once it is known whose account it is.
 * @throws {Error} with a sentence for the operator.
 */
export async function openProvider(setup: ProviderSetup, parts: ProviderParts, log: Log): Promise<PaymentProvider> {
  return setup.open(parts, await setup.findAccount(log));
}
