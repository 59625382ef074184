import type { Database, Tx } from '../database/database.ts';
import { newId } from '../domain/ids.ts';
import type { LatePaymentPolicy } from '../domain/order.ts';

export type Merchant = { readonly id: string; readonly returnOrigins: readonly string[] };

const firstSql = 'select id, return_origins from merchants order by id limit 1';
// The lock ensures that two nodes that start at the same time create only one merchant.
const lockSql = 'lock table merchants in share row exclusive mode';
const insertSql = `
  insert into merchants (id, name, late_payment_policy, return_origins, created_at) values ($1, $2, 'ACCEPT', $3, $4)`;

const policySql = 'update merchants set late_payment_policy = $2::"LatePaymentPolicy" where id = $1';

export async function updateLatePaymentPolicy(
  on: Database['pool'],
  merchantId: string,
  policy: LatePaymentPolicy,
): Promise<void> {
  await on.query(policySql, [merchantId, policy]);
}

/** Returns the merchant to which the bearer token belongs. Creates it on the first start. */
export async function ensureFirstMerchant(db: Database, at: Date): Promise<Merchant> {
  return db.transaction(async (tx) => {
    const held = await firstMerchant(tx);
    if (held !== null) return held;
    await tx.query(lockSql);
    const made = await firstMerchant(tx);
    if (made !== null) return made;
    const merchant: Merchant = { id: newId('merchant'), returnOrigins: ['*'] };
    await tx.query(insertSql, [merchant.id, 'First merchant', merchant.returnOrigins, at]);
    return merchant;
  });
}

async function firstMerchant(tx: Tx): Promise<Merchant | null> {
  const { rows } = await tx.query<{ id: string; return_origins: string[] }>(firstSql);
  const [row] = rows;
  return row === undefined ? null : { id: row.id, returnOrigins: row.return_origins };
}
