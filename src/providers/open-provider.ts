import type { Log } from '../domain/log.ts';
import { type PaymentProvider, ProviderAwayError, type ProviderParts, type ProviderSetup } from './provider.ts';

/**
 * Makes the adapter of a provider that is configured, once it is known whose account it is.
 * @throws {ProviderAwayError} when the provider must be asked for that and does not answer.
 * @throws {Error} with a sentence for the operator when something is wrong with the configuration.
 */
export async function openProvider(setup: ProviderSetup, parts: ProviderParts, log: Log): Promise<PaymentProvider> {
  return setup.open(parts, await setup.findAccount(log));
}

/** The providers of a server that starts, whether or not all of them answer. */
export type OpenedProviders = {
  /** Those whose accounts are known. It grows: what is handed it sees the others once they are there. */
  readonly open: readonly PaymentProvider[];
  /** Those that are still to say whose account it is. */
  readonly away: readonly ProviderSetup[];
  /** Asks those that are away once more. What cannot be opened is logged. */
  retry(): Promise<void>;
};

/**
 * Opens all that are configured. One that is away does not keep the others from work: until it answers, it is as if it were not configured.
 * @param open makes one of them.
 * @param opened is done for each before anybody sees it.
 * @throws {Error} with a sentence for the operator when something is wrong with the configuration of one.
 */
export async function openProviders(
  setups: readonly ProviderSetup[],
  open: (setup: ProviderSetup) => Promise<PaymentProvider>,
  opened: (provider: PaymentProvider) => Promise<void>,
  log: Log,
): Promise<OpenedProviders> {
  const away: ProviderSetup[] = [];
  const tries = await Promise.all(
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
  const providers = tries.filter((provider) => provider !== null);
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
