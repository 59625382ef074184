import type { Database, Tx } from '../database/database.ts';
import { newId } from '../domain/ids.ts';
import type { LatePaymentPolicy } from '../domain/order.ts';

export type Merchant = {
  readonly id: string;
  readonly name: string;
  /** Origins that a return URL may have; `*` allows all. */
  readonly returnOrigins: readonly string[];
  readonly createdAt: Date;
};

type Reader = Pick<Database['pool'], 'query'>;

const columns = 'id, name, return_origins as "returnOrigins", created_at as "createdAt"';
const firstSql = `select ${columns} from merchants order by id limit 1`;
const listSql = `select ${columns} from merchants order by id`;
const findSql = `select ${columns} from merchants where id = $1`;
// The lock ensures that two nodes that start at the same time create only one merchant.
const lockSql = 'lock table merchants in share row exclusive mode';
const insertSql = `
  insert into merchants (id, name, late_payment_policy, return_origins, created_at) values ($1, $2, 'ACCEPT', $3, $4)`;
const policySql = 'update merchants set late_payment_policy = $2::"LatePaymentPolicy" where id = $1';

/** The first merchant of each database. Ids sort by age and merchants are never deleted, so it stays the same. */
const firstIds = new WeakMap<Database, string>();

export async function updateLatePaymentPolicy(
  on: Database['pool'],
  merchantId: string,
  policy: LatePaymentPolicy,
): Promise<void> {
  await on.query(policySql, [merchantId, policy]);
}

export async function insertMerchant(on: Reader, merchant: Merchant): Promise<void> {
  const { id, name, returnOrigins, createdAt } = merchant;
  await on.query(insertSql, [id, name, returnOrigins, createdAt]);
}

/** All merchants, the oldest first. */
export async function listMerchants(on: Reader): Promise<readonly Merchant[]> {
  const { rows } = await on.query<Merchant>(listSql);
  return rows;
}

export async function findMerchant(on: Reader, merchantId: string): Promise<Merchant | null> {
  const { rows } = await on.query<Merchant>(findSql, [merchantId]);
  return rows[0] ?? null;
}

/** The oldest merchant; null when there is none. */
export async function findFirstMerchant(on: Reader): Promise<Merchant | null> {
  const { rows } = await on.query<Merchant>(firstSql);
  return rows[0] ?? null;
}

/** True for the merchant that the environment's provider accounts belong to: the oldest. */
export async function ownsEnvironmentAccounts(db: Database, merchantId: string): Promise<boolean> {
  const known = firstIds.get(db);
  if (known !== undefined) return known === merchantId;
  const first = await findFirstMerchant(db.pool);
  if (first !== null) firstIds.set(db, first.id);
  return first?.id === merchantId;
}

/** The merchant of the development token. It is created at the first start. */
export async function ensureFirstMerchant(db: Database, at: Date): Promise<Merchant> {
  return db.transaction(async (tx: Tx) => {
    const held = await findFirstMerchant(tx);
    if (held !== null) return held;
    await tx.query(lockSql);
    const made = await findFirstMerchant(tx);
    if (made !== null) return made;
    const merchant: Merchant = {
      id: newId('merchant'),
      name: 'First merchant',
      returnOrigins: ['*'],
      createdAt: at,
    };
    await insertMerchant(tx, merchant);
    return merchant;
  });
}
