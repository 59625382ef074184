import type { Database, Tx } from '../database/database.ts';
import { newId } from '../domain/ids.ts';
import type { LatePaymentPolicy, RefundLimit } from '../domain/order.ts';
import { rowJson, rowsJson } from './rows.ts';

export type Merchant = {
  readonly id: string;
  readonly name: string;
  /** Origins that a return URL may have; `*` allows all. */
  readonly returnOrigins: readonly string[];
  /** Origins of the pages that may call the API with tokens of the merchant; `*` allows all. */
  readonly webOrigins: readonly string[];
  /** The colour of the checkout page, `#rrggbb`; null when none was chosen. */
  readonly brandColor: string | null;
  readonly createdAt: Date;
};

/** The name of the merchant that a start makes in development. */
export const defaultMerchantName = 'First merchant';

type Reader = Pick<Database['pool'], 'query'>;

const columns =
  'id, name, return_origins as "returnOrigins", web_origins as "webOrigins", brand_color as "brandColor", created_at as "createdAt"';
const firstSql = `select ${columns} from merchants order by id limit 1`;
const listSql = `select ${columns} from merchants order by id`;
const findSql = `select ${columns} from merchants where id = $1`;
// The lock ensures that two nodes that start at the same time create only one merchant.
const lockSql = 'lock table merchants in share row exclusive mode';
const insertSql = `
  insert into merchants (id, name, late_payment_policy, return_origins, web_origins, created_at, brand_color, uses_environment_accounts)
  select $1, $2, 'ACCEPT', $3, $4, $5, $6, not exists (select from merchants)
  returning uses_environment_accounts as "usesEnvironmentAccounts"`;
const changeSql = `
  update merchants set name = coalesce($2, name), return_origins = coalesce($3::text[], return_origins),
    web_origins = coalesce($4::text[], web_origins), brand_color = coalesce($5, brand_color)
  where id = $1 returning ${columns}`;
const listedSql = `select exists (select from merchants where web_origins && array[$1, '*']) as "isListed"`;
const limitsSql = 'update merchants set refund_limits = $2::jsonb where id = $1';
const policySql = 'update merchants set late_payment_policy = $2::"LatePaymentPolicy" where id = $1';

export async function updateRefundLimits(
  on: Database['pool'],
  merchantId: string,
  limits: readonly RefundLimit[] | null,
): Promise<void> {
  await on.query(limitsSql, [merchantId, limits === null ? null : rowsJson(limits.map((limit) => rowJson(limit)))]);
}

export async function updateLatePaymentPolicy(
  on: Database['pool'],
  merchantId: string,
  policy: LatePaymentPolicy,
): Promise<void> {
  await on.query(policySql, [merchantId, policy]);
}

/** Inserts a merchant. True when it is the first, which the provider accounts of the environment belong to. */
export function insertMerchant(db: Database, merchant: Merchant): Promise<boolean> {
  return db.transaction(async (tx) => {
    await tx.query(lockSql);
    return insertLocked(tx, merchant);
  });
}

async function insertLocked(tx: Tx, merchant: Merchant): Promise<boolean> {
  const { id, name, returnOrigins, webOrigins, createdAt, brandColor } = merchant;
  const values = [id, name, returnOrigins, webOrigins, createdAt, brandColor];
  const { rows } = await tx.query<{ usesEnvironmentAccounts: boolean }>(insertSql, values);
  return rows[0]?.usesEnvironmentAccounts === true;
}

/** Changes the given fields; null when there is no such merchant. */
export async function changeMerchant(
  on: Reader,
  merchantId: string,
  change: { readonly [Field in 'name' | 'returnOrigins' | 'webOrigins' | 'brandColor']: Merchant[Field] | null },
): Promise<Merchant | null> {
  const { rows } = await on.query<Merchant>(changeSql, [
    ...[merchantId, change.name, change.returnOrigins, change.webOrigins, change.brandColor],
  ]);
  return rows[0] ?? null;
}

/** All merchants, the oldest first. */
export async function listMerchants(on: Reader): Promise<readonly Merchant[]> {
  const { rows } = await on.query<Merchant>(listSql);
  return rows;
}

/** True when pages of this origin may call the API for at least one merchant. */
export async function isWebOriginListed(on: Reader, origin: string): Promise<boolean> {
  const { rows } = await on.query<{ isListed: boolean }>(listedSql, [origin]);
  return rows[0]?.isListed === true;
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

/** Returns the first merchant; creates one if there is none. */
export async function ensureFirstMerchant(db: Database, at: Date): Promise<Merchant> {
  return db.transaction(async (tx: Tx) => {
    const held = await findFirstMerchant(tx);
    if (held !== null) return held;
    await tx.query(lockSql);
    const made = await findFirstMerchant(tx);
    if (made !== null) return made;
    const merchant: Merchant = {
      id: newId('merchant'),
      name: defaultMerchantName,
      returnOrigins: ['*'],
      webOrigins: [],
      brandColor: null,
      createdAt: at,
    };
    await insertLocked(tx, merchant);
    return merchant;
  });
}
