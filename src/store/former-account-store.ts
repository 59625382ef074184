import type { Database, Tx } from '../database/database.ts';
import type { ProviderName } from '../domain/payment.ts';
import { lockOrders } from './order-store.ts';

/** An account at a provider that has a new name: rows may still have the name `former`. */
export type RenamedAccount = {
  readonly provider: ProviderName;
  readonly former: string;
  readonly account: string;
};

export type FormerPayment = {
  readonly id: string;
  readonly orderId: string;
  readonly createdAt: Date;
  /** True when the provider's id of the payment is recorded. */
  readonly isNamed: boolean;
};

const deliveriesPerBatch = 500;

const listSql = `
  select id, order_id as "orderId", created_at as "createdAt",
    provider_payment_id is not null or provider_reference is not null as "isNamed"
  from payments
  where provider = $1 and provider_account = $2 and ($3::timestamptz is null or (created_at, id) < ($3, $4))
  order by created_at desc, id desc limit $5`;
const renamePaymentsSql = `
  update payments set provider_account = $4 where provider = $1 and provider_account = $2 and id = any($3)`;
// Renames the callbacks of the account's own payments, and all callbacks that are not applied yet: those are compared with
// the account of their payment when they are applied. When the same event has also arrived under the new name, the older
// row stays unchanged, so that the event is not applied twice.
const renameDeliveriesSql = `
  with chosen as (
    select d.id from deliveries d
    where d.provider = $1 and d.provider_account = $2
      and (d.apply_at is not null or exists (
        select from payments p where p.id = d.payment_id and p.provider = d.provider and p.provider_account = $3
      ))
      and not exists (
        select from deliveries n
        where n.provider = d.provider and n.provider_account = $3 and n.event_id = d.event_id
      )
    order by d.id limit ${deliveriesPerBatch} for update
  )
  update deliveries d set provider_account = $3 from chosen where d.id = chosen.id and d.provider_account = $2`;

/**
 * Lists payments under the former name, newest first.
 *
 * @param after the last payment of the previous page; null for the first page.
 */
export async function listFormerPayments(
  on: Database['pool'],
  { provider, former }: RenamedAccount,
  after: FormerPayment | null,
  limit: number,
): Promise<readonly FormerPayment[]> {
  const values = [provider, former, after?.createdAt ?? null, after?.id ?? null, limit];
  const { rows } = await on.query<FormerPayment>(listSql, values);
  return rows;
}

/**
 * Gives payments a new account name. Has no effect on payments that no longer have the former name. Locks the orders,
 * because a concurrent change of an order would write the former name back.
 */
export async function renamePayments(
  db: Database,
  { provider, former }: RenamedAccount,
  ids: readonly string[],
  to: string,
): Promise<void> {
  if (ids.length === 0) return;
  await db.transaction(async (tx) => {
    const { rows } = await tx.query<{ id: string }>('select distinct order_id as id from payments where id = any($1)', [
      ids,
    ]);
    await lockOrders(tx, rows.map(({ id }) => id).sort());
    await tx.query(renamePaymentsSql, [provider, former, ids, to]);
  });
}

/** Gives the next batch of callbacks the account's new name. Returns their number: 0 when none is left. */
export async function renameDeliveries(tx: Tx, { provider, former, account }: RenamedAccount): Promise<number> {
  const { rowCount } = await tx.query(renameDeliveriesSql, [provider, former, account]);
  return rowCount ?? 0;
}
