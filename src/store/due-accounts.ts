import type { Database } from '../database/database.ts';
import type { ProviderName } from '../domain/payment.ts';

/** The kinds of background work that belong to provider accounts. */
export type AccountWork = 'callbacks' | 'payments' | 'refunds';

export type DueAccount = { readonly provider: ProviderName; readonly providerAccount: string };

const columns = 'select distinct provider, provider_account as "providerAccount"';
const dueSql: Readonly<Record<AccountWork, string>> = {
  callbacks: `${columns} from deliveries where status = 'PENDING' and apply_at <= $1`,
  payments: `${columns} from payments where check_at <= $1 and (leased_until is null or leased_until <= $1)`,
  refunds: `${columns} from refunds r join payments p on p.id = r.payment_id
    where r.check_at <= $1 and (r.leased_until is null or r.leased_until <= $1)`,
};

/** The accounts that have due work of a kind. One query for all accounts, because most of them have none most of the time. */
export async function findDueAccounts(
  on: Database['pool'],
  work: AccountWork,
  now: Date,
): Promise<readonly DueAccount[]> {
  const { rows } = await on.query<DueAccount>(dueSql[work], [now]);
  return rows;
}
