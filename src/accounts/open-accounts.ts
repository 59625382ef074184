import type { Database } from '../database/database.ts';
import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import { loggedProvider } from '../providers/logged-provider.ts';
import { type OpenedProviders, openProvider, openProviders } from '../providers/open-provider.ts';
import type { PaymentProvider, ProviderSetup } from '../providers/provider.ts';
import { webhookUrlOf } from '../providers/webhook-url.ts';
import { countByMasterKey, type StoredAccount } from '../store/provider-account-store.ts';
import { countSigningKeys } from '../store/signing-key-store.ts';
import { countWebhookSecrets } from '../store/webhook-endpoint-store.ts';
import { masterKeyMissing, settingsOfStored } from './account-settings.ts';
import type { MasterKeys } from './master-key.ts';
import { createProviderAccounts, type ProviderAccounts } from './provider-accounts.ts';

type OpeningParts = {
  readonly db: Pick<Database, 'pool' | 'writes'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly publicUrl: string;
  readonly isProduction: boolean;
  readonly masterKeys: MasterKeys | null;
  /** Called at the start of each call of a provider. The function that it returns is called at the end. */
  readonly beganCall?: () => () => void;
};

export type OpenedAccounts = {
  readonly accounts: ProviderAccounts;
  readonly environment: OpenedProviders;
  /** The number of accounts in the database, with those that are disabled. */
  readonly stored: number;
};

/**
 * Opens the accounts of the environment and of the database.
 *
 * @param setups the accounts of the environment.
 * @param opened runs for each account of the environment before it becomes visible.
 * @throws {Error} with a sentence for the operator when the configuration is wrong, or a master key is missing.
 */
export async function openAccounts(
  parts: OpeningParts,
  setups: readonly ProviderSetup[],
  opened: (provider: PaymentProvider) => Promise<void>,
): Promise<OpenedAccounts> {
  const { db, clock, log, publicUrl, beganCall } = parts;
  const stored = await requireMasterKeys(parts);
  const now = () => clock.now();
  const environment = await openProviders(
    setups,
    async (setup) =>
      loggedProvider(
        await openProvider(setup, { webhookUrl: webhookUrlOf(publicUrl, setup.name), now }, log),
        log,
        beganCall,
      ),
    opened,
    log,
  );
  const openStored = (stored: StoredAccount) => openStoredAccount(parts, stored);
  const accounts = createProviderAccounts({ db, log, environment, openStored });
  await accounts.refresh();
  return { accounts, environment, stored };
}

/** Creates the adapter of a stored account. Makes no request: the account's name is stored. */
export async function openStoredAccount(
  { clock, log, publicUrl, isProduction, masterKeys, beganCall }: OpeningParts,
  stored: StoredAccount,
): Promise<PaymentProvider> {
  const { setup } = settingsOfStored(stored, masterKeys, { isProduction });
  const webhookUrl = webhookUrlOf(publicUrl, stored.provider, stored.id);
  const opened = await setup.open({ webhookUrl, now: () => clock.now() }, stored.account);
  // The former names belong to the time before accounts were stored.
  return loggedProvider({ ...opened, formerAccounts: [] }, log, beganCall);
}

/**
 * A server without a key would take no payments at these accounts, and nobody would notice it at the start. Returns the
 * number of stored accounts.
 */
async function requireMasterKeys({ db, masterKeys }: OpeningParts): Promise<number> {
  const held = [masterKeys?.current.id, masterKeys?.old?.id];
  const counts = await countByMasterKey(db.pool);
  const secrets = [
    ...counts.map(({ keyId, accounts: count }) => ({ keyId, count, what: 'provider accounts' })),
    ...(await countSigningKeys(db.pool)).map((counted) => ({ ...counted, what: 'signing keys' })),
    ...(await countWebhookSecrets(db.pool)).map((counted) => ({ ...counted, what: 'webhook endpoints' })),
  ];
  for (const { keyId, count, what } of secrets) {
    if (held.includes(keyId)) continue;
    const missing = `The secrets of ${count} ${what} are encrypted with the master key ${keyId}, which is not set.`;
    const remedy =
      masterKeys === null
        ? masterKeyMissing
        : `MASTER_KEY is ${masterKeys.current.id}: set MASTER_KEY_OLD to the other one.`;
    throw new Error(`${missing} ${remedy}`);
  }
  return counts.reduce((sum, { accounts }) => sum + accounts, 0);
}
