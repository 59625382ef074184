import type { Database } from '../database/database.ts';
import { gatherLookups } from '../database/gathered-lookups.ts';
import { isId } from '../domain/ids.ts';
import type { Log } from '../domain/log.ts';
import type { ProviderName } from '../domain/payment.ts';
import type { OpenedProviders } from '../providers/open-provider.ts';
import type { PaymentProvider } from '../providers/provider.ts';
import {
  findLatestRevision,
  findOwners,
  listChangedAccounts,
  type OwnedAccount,
  type StoredAccount,
} from '../store/provider-account-store.ts';
import { rankOf } from './account-settings.ts';

/** The provider and the account that a payment or a callback belongs to. */
export type OfAccount = {
  readonly provider: ProviderName;
  readonly providerAccount: string;
  /** Of a payment: an account that another merchant stored under the same name is another one. Null for a callback. */
  readonly merchantId: string | null;
};

/** The account that the path of a callback names. */
export type CallbackAccount =
  | { readonly kind: 'open'; readonly provider: PaymentProvider }
  /** `away`: it exists and cannot receive callbacks yet. `name` is null when nothing is configured for the provider. */
  | { readonly kind: 'away' | 'none'; readonly name: ProviderName | null };

/** All provider accounts: those of the environment, which belong to the first merchant, and those of the database. */
export type ProviderAccounts = {
  /** The accounts that new payments of the merchant may use, in order of preference. Sees every committed change. */
  payableBy(merchantId: string): Promise<readonly PaymentProvider[]>;
  /**
   * The account of a payment or a callback, also a disabled one. Null when it is not configured or not open yet, and when a
   * stored account has the name of the payment's account but belongs to another merchant.
   */
  find(of: OfAccount): PaymentProvider | null;
  /** Whether the account is a former name of a configured one: see `createAdoption`. */
  isFormer(of: OfAccount): boolean;
  /** Every open account once. */
  all(): readonly PaymentProvider[];
  /** The account of `/webhooks/<provider>/<account>`. `account` is an id `pac_…`; without one, the account is the environment's. */
  atRoute(provider: string, account: string | undefined): CallbackAccount;
  /** Reads what any node has changed since the last time. Costs one small query when nothing has. */
  refresh(): Promise<void>;
};

type Entry = {
  readonly stored: OwnedAccount;
  /** Null when it could not be opened, which is logged. */
  readonly provider: PaymentProvider | null;
};

const keyOf = ({ name, account }: Pick<PaymentProvider, 'name' | 'account'>) => `${name} ${account}`;

/** @param openStored opens an account of the database; null for a process that uses only the given accounts. */
export function createProviderAccounts({
  db,
  log,
  environment,
  openStored,
}: {
  readonly db: Pick<Database, 'pool' | 'writes'>;
  readonly log: Log;
  readonly environment: Pick<OpenedProviders, 'open' | 'away'>;
  readonly openStored: ((stored: StoredAccount) => Promise<PaymentProvider>) | null;
}): ProviderAccounts {
  /** By id. */
  const entries = new Map<string, Entry>();
  /** By merchant, and by id: a payment must not cost a look at the accounts of all merchants. */
  const ofMerchants = new Map<string, Map<string, Entry>>();
  /** By provider and account. The database has each pair once. */
  const named = new Map<string, Entry>();
  const findOwner = gatherLookups((merchantIds: readonly string[]) => findOwners(db.writes, merchantIds));
  let revision = 0;
  /** True after the first load, whose accounts are not changes. */
  let isLoaded = false;
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;

  const ofEnvironment = (key: string) => environment.open.find((provider) => keyOf(provider) === key);
  /** Nobody takes over the account of the environment by storing it for another merchant. */
  const isUsable = ({ stored, provider }: Entry) =>
    provider !== null && (stored.usesEnvironment || ofEnvironment(keyOf(provider)) === undefined);
  const usable = (some: ReadonlyMap<string, Entry>) =>
    [...some.values()].flatMap((entry) =>
      isUsable(entry) && entry.provider !== null ? [{ ...entry, provider: entry.provider }] : [],
    );
  /** An account of the environment that the database has too is used as the database says. */
  const unstored = () =>
    environment.open.filter((provider) => {
      const entry = named.get(keyOf(provider));
      return entry === undefined || !isUsable(entry);
    });

  async function enter(stored: OwnedAccount): Promise<void> {
    const { id, merchantId, provider: name, account } = stored;
    const about = { providerAccountId: id, merchantId, provider: name, account };
    let provider = entries.get(id)?.provider ?? null;
    try {
      provider = (await openStored?.(stored)) ?? null;
    } catch (error) {
      log.error(
        { err: error, ...about },
        'a provider account could not be opened: correct it, or restart with its key',
      );
    }
    if (isLoaded && provider !== null) {
      log.info({ ...about, disabled: stored.disabledAt !== null }, 'a provider account was added or changed');
    }
    const entry = { stored, provider };
    entries.set(id, entry);
    const own = ofMerchants.get(merchantId) ?? new Map<string, Entry>();
    ofMerchants.set(merchantId, own.set(id, entry));
    named.set(keyOf({ name, account }), entry);
    if (provider !== null && !isUsable(entry)) {
      log.error(about, 'a provider account is not used: the environment has it too, and belongs to another merchant');
    }
  }

  async function load(): Promise<void> {
    const latest = await findLatestRevision(db.pool);
    if (latest !== revision) await loadChanges(latest);
    isLoaded = true;
  }

  async function loadChanges(latest: number): Promise<void> {
    // The database was restored from a backup.
    if (latest < revision) {
      entries.clear();
      ofMerchants.clear();
      named.clear();
      revision = 0;
    }
    for (const stored of await listChangedAccounts(db.pool, revision)) {
      await enter(stored);
      revision = stored.revision;
    }
  }

  function start(): Promise<void> {
    running = load().finally(() => {
      running = null;
    });
    return running;
  }

  /** At most one load runs and one waits. Each caller gets a load that begins after the call. */
  async function refresh(): Promise<void> {
    if (openStored === null) return;
    if (running === null) return start();
    next ??= running
      .catch(() => undefined) // its own caller handles the error
      .then(() => {
        next = null;
        return running ?? start();
      });
    return next;
  }

  return {
    refresh,
    async payableBy(merchantId) {
      const owner = await findOwner(merchantId);
      if (owner.revision !== revision) await refresh();
      const own = usable(ofMerchants.get(merchantId) ?? new Map()).filter(({ stored }) => stored.disabledAt === null);
      own.sort((one, other) => (one.stored.id < other.stored.id ? -1 : 1));
      const accounts = [...(owner.usesEnvironment ? unstored() : []), ...own.map(({ provider }) => provider)];
      return accounts.sort((one, other) => rankOf(one.name) - rankOf(other.name));
    },
    find({ provider: name, providerAccount: account, merchantId }) {
      const key = keyOf({ name, account });
      const entry = named.get(key);
      if (entry === undefined || !isUsable(entry)) return ofEnvironment(key) ?? null;
      return merchantId === null || merchantId === entry.stored.merchantId ? entry.provider : null;
    },
    isFormer: ({ provider: name, providerAccount }) =>
      environment.open.some((one) => one.name === name && one.formerAccounts.includes(providerAccount)),
    all: () => [...unstored(), ...usable(entries).map(({ provider }) => provider)],
    atRoute(route, account) {
      const isOf = (name: ProviderName) => name.toLowerCase() === route;
      const entry = account === undefined ? undefined : entries.get(account);
      if (entry !== undefined && isOf(entry.stored.provider)) {
        const { stored, provider } = entry;
        if (provider === null) return { kind: 'away', name: stored.provider };
        return isUsable(entry) ? { kind: 'open', provider } : { kind: 'none', name: stored.provider };
      }
      const ofAny = () => [...entries.values()].find(({ stored }) => isOf(stored.provider))?.stored.provider ?? null;
      const provider = environment.open.find(({ name }) => isOf(name));
      const away = environment.away.find(({ name }) => isOf(name));
      if (account !== undefined && isId('providerAccount', account)) {
        return { kind: 'none', name: provider?.name ?? away?.name ?? ofAny() };
      }
      if (provider === undefined) return { kind: away === undefined ? 'none' : 'away', name: away?.name ?? ofAny() };
      // The provider's console may still hold an address with a former name of the account.
      const names = [undefined, provider.account, ...provider.formerAccounts];
      return names.includes(account) ? { kind: 'open', provider } : { kind: 'none', name: provider.name };
    },
  };
}

/**
 * The accounts of a process that uses only these, as if they were those of the environment.
 *
 * @param db is read by `payableBy` alone.
 */
export function onlyAccounts(
  db: Pick<Database, 'pool' | 'writes'>,
  open: readonly PaymentProvider[],
): ProviderAccounts {
  const log: Log = { info: () => {}, warn: () => {}, error: () => {} }; // nothing is opened, so nothing is logged
  return createProviderAccounts({ db, log, environment: { open, away: [] }, openStored: null });
}
