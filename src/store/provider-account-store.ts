import type { Database } from '../database/database.ts';
import type { ProviderName } from '../domain/payment.ts';

/** An account of a merchant at a provider, as it is stored. */
export type StoredAccount = {
  /** `pac_…` */
  readonly id: string;
  readonly merchantId: string;
  readonly provider: ProviderName;
  /** The account's name, as payments store it. */
  readonly account: string;
  /** The variables that are not secret, by name. */
  readonly settings: Readonly<Record<string, string>>;
  /** The secret variables, encrypted with the master key `keyId`. */
  readonly secrets: Buffer;
  readonly keyId: string;
  /** Whether production accepts an account in which no money moves. */
  readonly allowsTest: boolean;
  /** Grows with every change of any account. */
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** From then on no payment starts at the account; null while payments may start. */
  readonly disabledAt: Date | null;
};

/** An account with whether its merchant is the one that the accounts of the environment belong to. */
export type OwnedAccount = StoredAccount & { readonly usesEnvironment: boolean };

/** The parts that a change of the settings replaces. */
export type AccountChange = Pick<StoredAccount, 'settings' | 'secrets' | 'keyId' | 'allowsTest'>;

type Reader = Pick<Database['pool'], 'query'>;

const columns = `
  id, merchant_id as "merchantId", provider, account, settings, secrets, key_id as "keyId", allows_test as "allowsTest",
  revision, created_at as "createdAt", updated_at as "updatedAt", disabled_at as "disabledAt"`;
// One writer at a time, so that revisions are committed in their order and no node misses one.
const lockSql = 'lock table provider_accounts in share row exclusive mode';
const nextSql = '(select coalesce(max(revision), 0) + 1 from provider_accounts)';
const insertSql = `
  insert into provider_accounts
    (id, merchant_id, provider, account, settings, secrets, key_id, allows_test, revision, created_at, updated_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, ${nextSql}, $9, $9)`;
const changeSql = `
  update provider_accounts
  set settings = $3, secrets = $4, key_id = $5, allows_test = $6, disabled_at = null, updated_at = $2, revision = ${nextSql}
  where id = $1 returning ${columns}`;
const disableSql = `
  update provider_accounts
  set disabled_at = coalesce(disabled_at, $2), updated_at = $2, revision = ${nextSql}
  where id = $1 returning ${columns}`;
const findSql = `select ${columns} from provider_accounts where id = $1`;
const findNamedSql = `select ${columns} from provider_accounts where provider = $1 and account = $2`;
const listSql = `select ${columns} from provider_accounts where $1::text is null or merchant_id = $1 order by id`;
const changedSql = `
  select a.*, m.uses_environment_accounts as "usesEnvironment"
  from (select ${columns} from provider_accounts where revision > $1) a join merchants m on m.id = a."merchantId"
  order by a.revision`;
const latestSql = 'select max(revision) as revision from provider_accounts';
const ownersSql = `
  select coalesce(m.uses_environment_accounts, false) as "usesEnvironment", coalesce((${latestSql}), 0) as revision
  from unnest($1::text[]) with ordinality w(id, place) left join merchants m on m.id = w.id
  order by w.place`;
const foreignSql = `
  select exists (select from payments where provider = $1 and provider_account = $2 and merchant_id <> $3) as "isForeign"`;
const keysSql = 'select key_id as "keyId", count(*)::int as accounts from provider_accounts group by 1 order by 1';
const sealedSql = `
  select ${columns} from provider_accounts where key_id <> $1 and id > $2 order by id limit $3 for update`;
const resealSql = 'update provider_accounts set secrets = $2, key_id = $3 where id = $1';

/**
 * Inserts an account, unless another one has the same name at the provider. Returns the account that has the name then:
 * the new one has the id of `account`.
 */
export function insertProviderAccount(
  db: Database,
  account: Omit<StoredAccount, 'revision' | 'updatedAt' | 'disabledAt'>,
): Promise<StoredAccount> {
  const { id, merchantId, provider, account: name, settings, secrets, keyId, allowsTest, createdAt } = account;
  return db.transaction(async (tx) => {
    await tx.query(lockSql);
    const held = await findProviderAccountNamed(tx, provider, name);
    if (held !== null) return held;
    const values = [id, merchantId, provider, name, JSON.stringify(settings), secrets, keyId, allowsTest, createdAt];
    await tx.query(insertSql, values);
    const made = await findProviderAccount(tx, id);
    if (made === null) throw new Error(`Account ${id} was not inserted.`);
    return made;
  });
}

/** Replaces the settings of an account and enables it; null when there is no such account. */
export function changeProviderAccount(
  db: Database,
  id: string,
  { settings, secrets, keyId, allowsTest }: AccountChange,
  at: Date,
): Promise<StoredAccount | null> {
  return write(db, changeSql, [id, at, JSON.stringify(settings), secrets, keyId, allowsTest]);
}

/** Disables an account. Disabling it again keeps the first time. Null when there is no such account. */
export function disableProviderAccount(db: Database, id: string, at: Date): Promise<StoredAccount | null> {
  return write(db, disableSql, [id, at]);
}

function write(db: Database, sql: string, values: unknown[]): Promise<StoredAccount | null> {
  return db.transaction(async (tx) => {
    await tx.query(lockSql);
    const { rows } = await tx.query<StoredAccount>(sql, values);
    return rows[0] ?? null;
  });
}

export async function findProviderAccount(on: Reader, id: string): Promise<StoredAccount | null> {
  const { rows } = await on.query<StoredAccount>(findSql, [id]);
  return rows[0] ?? null;
}

async function findProviderAccountNamed(on: Reader, provider: string, account: string): Promise<StoredAccount | null> {
  const { rows } = await on.query<StoredAccount>(findNamedSql, [provider, account]);
  return rows[0] ?? null;
}

/** The accounts of a merchant, or of all merchants, the oldest first, with those that are disabled. */
export async function listProviderAccounts(on: Reader, merchantId: string | null): Promise<readonly StoredAccount[]> {
  const { rows } = await on.query<StoredAccount>(listSql, [merchantId]);
  return rows;
}

/** The accounts that were added or changed after this revision, in the order of the changes. */
export async function listChangedAccounts(on: Reader, revision: number): Promise<readonly OwnedAccount[]> {
  const { rows } = await on.query<OwnedAccount>(changedSql, [revision]);
  return rows;
}

/** The revision of the last change; 0 when there is no account. */
export async function findLatestRevision(on: Reader): Promise<number> {
  const { rows } = await on.query<{ revision: number | null }>(latestSql);
  return rows[0]?.revision ?? 0;
}

/** Whether the accounts of the environment belong to each of these merchants, and the revision of the last change of any account. */
export async function findOwners(
  on: Reader,
  merchantIds: readonly string[],
): Promise<readonly { readonly usesEnvironment: boolean; readonly revision: number }[]> {
  const { rows } = await on.query<{ usesEnvironment: boolean; revision: number }>({
    ...{ name: 'find owners', text: ownersSql, values: [merchantIds] },
  });
  return rows;
}

/** True when payments of another merchant were made with the account. */
export async function hasForeignPayments(
  on: Reader,
  { provider, account, merchantId }: Pick<StoredAccount, 'provider' | 'account' | 'merchantId'>,
): Promise<boolean> {
  const { rows } = await on.query<{ isForeign: boolean }>(foreignSql, [provider, account, merchantId]);
  return rows[0]?.isForeign === true;
}

/** The number of accounts for each master key that encrypts some. */
export async function countByMasterKey(
  on: Reader,
): Promise<readonly { readonly keyId: string; readonly accounts: number }[]> {
  const { rows } = await on.query<{ keyId: string; accounts: number }>(keysSql);
  return rows;
}

/**
 * Encrypts the next accounts that another key than this one encrypts. Nodes need not read them again, so the revision stays.
 *
 * @param after the id of the last account of the previous batch; empty for the first one.
 * @param encrypt returns the secrets under this key; null leaves the account as it is.
 * @returns the ids of the accounts of the batch, in order; less than `limit` at the end.
 */
export function resealBatch(
  db: Database,
  { keyId, after, limit }: { readonly keyId: string; readonly after: string; readonly limit: number },
  encrypt: (account: StoredAccount) => Buffer | null,
): Promise<readonly string[]> {
  return db.transaction(async (tx) => {
    const { rows } = await tx.query<StoredAccount>(sealedSql, [keyId, after, limit]);
    for (const account of rows) {
      const secrets = encrypt(account);
      if (secrets !== null) await tx.query(resealSql, [account.id, secrets, keyId]);
    }
    return rows.map(({ id }) => id);
  });
}
