import type { Database, Tx } from '../database/database.ts';
import { after } from '../domain/clock.ts';
import { leaseMs } from '../domain/lease.ts';
import type { Refund } from '../domain/refund.ts';
import type { ProviderAccount } from './payment-store.ts';
import { fromRow } from './rows.ts';

type Reader = Database['pool'] | Tx;

const findSql = 'select to_jsonb(r) as refund from refunds r where r.id = $1';
const claimDueSql = `
  update refunds set leased_until = $2
  where id in (
    select r.id from refunds r join payments p on p.id = r.payment_id
    where p.provider = $4 and p.provider_account = $5 and r.check_at <= $1
      and (r.leased_until is null or r.leased_until <= $1)
    order by r.check_at limit $3 for update of r skip locked
  ) returning id`;

const delaySql = 'update refunds set check_at = $2 where id = $1 and check_at < $2';

/** Postpones a check that fails because of an error on our side, so that it does not block other refunds. */
export async function delayRefundCheck(on: Reader, refundId: string, at: Date): Promise<void> {
  await on.query(delaySql, [refundId, at]);
}

export async function findRefund(on: Reader, refundId: string): Promise<Refund | null> {
  const { rows } = await on.query<{ refund: Record<string, unknown> }>(findSql, [refundId]);
  return rows[0] === undefined ? null : fromRow<Refund>(rows[0].refund);
}

/** Claims overdue refunds of one account, as `claimDuePayments` for payments. */
export async function claimDueRefunds(
  on: Reader,
  { name, account }: ProviderAccount,
  now: Date,
  limit: number,
): Promise<string[]> {
  const { rows } = await on.query<{ id: string }>(claimDueSql, [now, after(now, leaseMs), limit, name, account]);
  return rows.map(({ id }) => id);
}
