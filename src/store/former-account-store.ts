import type { Database, Tx } from '../database/database.ts';
import type { ProviderName } from '../domain/payment.ts';
import { lockOrders } from './order-store.ts';

/** An account at a provider that had another name before. */
export type RenamedAccount = {
  readonly provider: ProviderName;
  readonly former: string;
  readonly account: string;
};

/** A payment that its provider has given a name. */
export type NamedPayment = { readonly id: string; readonly orderId: string; readonly createdAt: Date };

const ordersPerBatch = 50;
const deliveriesPerBatch = 500;

const sampleSql = `
  with named as (
    select id, order_id, created_at,
      row_number() over (order by created_at desc, id desc) as place, count(*) over () as total
    from payments
    where provider = $1 and provider_account = $2
      and (provider_payment_id is not null or provider_reference is not null)
  )
  select id, order_id as "orderId", created_at as "createdAt" from named
  where place = 1 or place = total or place % greatest(total / $3, 1) = 0
  order by place`;

const sinceSql = '($3::timestamptz is null or created_at >= $3)';
const ordersSql = `
  select distinct order_id as id from payments
  where provider = $1 and provider_account = $2 and ${sinceSql} order by order_id limit ${ordersPerBatch}`;
const renamePaymentsSql = `
  update payments set provider_account = $4
  where provider = $1 and provider_account = $2 and ${sinceSql} and order_id = any($5)`;
// The same event may have come again under the new name: the older row stays as it is, for nothing is applied twice.
const renameDeliveriesSql = `
  with chosen as (
    select d.id from deliveries d
    where d.provider = $1 and d.provider_account = $2 and ($3::timestamptz is null or d.received_at >= $3)
      and not exists (
        select from deliveries n
        where n.provider = d.provider and n.provider_account = $4 and n.event_id = d.event_id
      )
    order by d.id limit ${deliveriesPerBatch} for update
  )
  update deliveries d set provider_account = $4 from chosen where d.id = chosen.id and d.provider_account = $2`;

/** Payments that the provider has named, evenly spread over time, the newest first: about so many, always the newest and the oldest. */
export async function sampleFormerPayments(
  on: Database['pool'],
  { provider, former }: RenamedAccount,
  about: number,
): Promise<readonly NamedPayment[]> {
  const { rows } = await on.query<NamedPayment>(sampleSql, [provider, former, about]);
  return rows;
}

/**
 * Gives the next few orders' payments the account's name of today, from an instant on, or all where it is null. Their locks keep out who
 * would write the old name back. Returns how many payments were renamed: none when there are no more.
 */
export async function renamePayments(tx: Tx, renamed: RenamedAccount, since: Date | null): Promise<number> {
  const { provider, former, account } = renamed;
  const { rows } = await tx.query<{ id: string }>(ordersSql, [provider, former, since]);
  const ids = rows.map(({ id }) => id);
  if (ids.length === 0) return 0;
  await lockOrders(tx, ids);
  await tx.query(renamePaymentsSql, [provider, former, since, account, ids]);
  return ids.length;
}

/** The same for the next few callbacks. */
export async function renameDeliveries(tx: Tx, renamed: RenamedAccount, since: Date | null): Promise<number> {
  const { provider, former, account } = renamed;
  const { rowCount } = await tx.query(renameDeliveriesSql, [provider, former, since, account]);
  return rowCount ?? 0;
}
