import type { Database } from '../database/database.ts';
import type { ProviderName } from '../domain/payment.ts';
import { liveStatusesSql, type ProviderAccount } from './payment-store.ts';

/** What waits for an account that nobody here can ask, in numbers of rows. */
export type UnconfiguredAccount = {
  readonly provider: ProviderName;
  readonly account: string;
  /** Payments that have not ended. */
  readonly live: number;
  /** Payments that have ended, and would be asked about once more. */
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

/** What is planned for accounts other than these, an entry for each of them. */
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
