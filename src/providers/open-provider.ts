import type { Log } from '../domain/log.ts';
import { type PaymentProvider, ProviderAwayError, type ProviderParts, type ProviderSetup } from './provider.ts';

/**
 * Creates the adapter of a configured provider, after the account is known.
 *
 * @throws {ProviderAwayError} when the provider must be asked for the account and does not answer.
 * @throws {Error} with a sentence for the operator when the configuration is wrong.
 */
export async function openProvider(setup: ProviderSetup, parts: ProviderParts, log: Log): Promise<PaymentProvider> {
  return setup.open(parts, await setup.findAccount(log));
}

/** The providers of a starting server. Some of them may not answer yet. */
export type OpenedProviders = {
  /** Providers whose accounts are known. The array grows: its users see late providers as soon as they are opened. */
  readonly open: readonly PaymentProvider[];
  /** Providers that have not answered yet which account our key belongs to. */
  readonly away: readonly ProviderSetup[];
  /** Asks the providers in `away` again. Failures are logged. */
  retry(): Promise<void>;
};

/**
 * Opens all configured providers. A provider that does not answer does not delay the others. Until it answers, it is
 * treated as not configured.
 *
 * @param open creates one adapter.
 * @param opened runs for each adapter before it becomes visible.
 * @throws {Error} with a sentence for the operator when a configuration is wrong.
 */
export async function openProviders(
  setups: readonly ProviderSetup[],
  open: (setup: ProviderSetup) => Promise<PaymentProvider>,
  opened: (provider: PaymentProvider) => Promise<void>,
  log: Log,
): Promise<OpenedProviders> {
  const away: ProviderSetup[] = [];
  const results = await Promise.all(
    setups.map(async (setup) => {
      try {
        return await open(setup);
      } catch (error) {
        if (!(error instanceof ProviderAwayError)) throw error;
        log.error({ err: error, provider: setup.name }, 'a provider is away: until it answers, nothing is done there');
        away.push(setup);
        return null;
      }
    }),
  );
  const providers = results.filter((provider) => provider !== null);
  for (const provider of providers) await opened(provider);

  async function openLate(setup: ProviderSetup): Promise<void> {
    try {
      const provider = await open(setup);
      await opened(provider);
      providers.push(provider);
      away.splice(away.indexOf(setup), 1);
      log.info({ provider: provider.name, account: provider.account }, 'a provider that was away is there');
    } catch (error) {
      log.error({ err: error, provider: setup.name }, 'a provider that is away could not be opened');
    }
  }

  return {
    open: providers,
    away,
    async retry() {
      await Promise.all([...away].map(openLate));
    },
  };
}
