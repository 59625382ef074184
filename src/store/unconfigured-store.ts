import type { Database } from '../database/database.ts';
import type { ProviderName } from '../domain/payment.ts';
import { liveStatusesSql, type ProviderAccount } from './payment-store.ts';

/** The numbers of rows with planned work for an account that is not configured. Nobody can process them here. */
export type UnconfiguredAccount = {
  readonly provider: ProviderName;
  readonly account: string;
  /** Live payments. */
  readonly live: number;
  /** Payments that have ended and have a later check planned. */
  readonly watched: number;
  readonly refunds: number;
  readonly callbacks: number;
};

const sql = `
  with waiting as (
    select provider, provider_account, case when status in ${liveStatusesSql} then 'live' else 'watched' end as what
    from payments where check_at is not null
    union all
    select p.provider, p.provider_account, 'refund'
    from refunds r join payments p on p.id = r.payment_id where r.check_at is not null
    union all
    select provider, provider_account, 'callback' from deliveries where apply_at is not null
  )
  select provider, provider_account as account,
    count(*) filter (where what = 'live')::int as live,
    count(*) filter (where what = 'watched')::int as watched,
    count(*) filter (where what = 'refund')::int as refunds,
    count(*) filter (where what = 'callback')::int as callbacks
  from waiting
  where (provider, provider_account) not in (select * from unnest($1::text[], $2::text[]))
  group by provider, provider_account order by provider, provider_account`;

/** Finds planned work for accounts other than the configured ones, with one entry for each account. */
export async function findUnconfigured(
  on: Database['pool'],
  configured: readonly ProviderAccount[],
): Promise<readonly UnconfiguredAccount[]> {
  const { rows } = await on.query<UnconfiguredAccount>(sql, [
    configured.map(({ name }) => name),
    configured.map(({ account }) => account),
  ]);
  return rows;
}
