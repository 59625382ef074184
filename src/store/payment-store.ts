import type { Database, Tx } from '../database/database.ts';
import type { OrderScope } from '../domain/actor.ts';
import { after } from '../domain/clock.ts';
import { leaseMs } from '../domain/lease.ts';
import { isLive, type Payment, type ProviderName, paymentStatuses } from '../domain/payment.ts';
import { fromRow } from './rows.ts';

type Reader = Database['pool'] | Tx;
type PaymentRow = { readonly payment: Record<string, unknown> };

/** An account at a provider, by the name that the configured adapter has for it. */
export type ProviderAccount = { readonly name: ProviderName; readonly account: string };

const refreshIntervalMs = 1000;
const hintDelayMs = 2000;

/** The statuses of live payments as an SQL list. */
export const liveStatusesSql = `('${paymentStatuses.filter((status) => isLive({ status })).join("', '")}')`;

const findSql = `
  select to_jsonb(p) as payment from unnest($1::text[]) with ordinality w(id, place) left join payments p on p.id = w.id
  order by w.place`;
const findVisibleSql = `
  select to_jsonb(p) as payment from payments p join orders o on o.id = p.order_id
  where p.id = $1 and o.merchant_id = $2 and ($3::text is null or o.customer_id = $3) and ($4::text is null or o.id = $4)`;
const claimDueSql = `
  update payments set leased_until = $2
  where id in (
    select id from payments
    where provider = $4 and provider_account = $5 and check_at <= $1 and (leased_until is null or leased_until <= $1)
    order by check_at limit $3 for update skip locked
  ) returning id`;
const claimRefreshSql = `
  update payments set asked_at = $2 where id = $1 and (asked_at is null or asked_at <= $3) returning id`;
// Rows that a change of their order holds are skipped: that change knows more.
const hintSql = `
  update payments p set hinted_at = v.at, check_at = least(p.check_at, v.check_at)
  from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[]) v(id, provider, provider_account, at, check_at)
  where p.id = v.id and p.id in (
    select h.id from payments h join unnest($1::text[], $2::text[], $3::text[]) w(id, provider, provider_account)
      on h.id = w.id and h.provider = w.provider and h.provider_account = w.provider_account
    where h.hinted_at is null and h.status in ${liveStatusesSql} for update of h skip locked
  )`;

const delaySql = 'update payments set check_at = $2 where id = $1 and check_at < $2';
const findNamedSql = `
  select to_jsonb(p) as payment from payments p
  where p.provider = $1 and p.provider_account = $2 and p.provider_payment_id = $3`;

/** The payment with this provider payment id in the same account; null when the id is not recorded. */
export async function findPaymentNamed(
  on: Reader,
  { provider, providerAccount }: Pick<Payment, 'provider' | 'providerAccount'>,
  providerPaymentId: string,
): Promise<Payment | null> {
  const values = [provider, providerAccount, providerPaymentId];
  const { rows } = await on.query<PaymentRow>({ name: 'find payment by provider id', text: findNamedSql, values });
  return rows[0] === undefined ? null : fromRow<Payment>(rows[0].payment);
}

/** The payments with these ids, in the same order; null for those that do not exist. */
export async function findPayments(on: Reader, paymentIds: readonly string[]): Promise<readonly (Payment | null)[]> {
  const { rows } = await on.query<{ payment: PaymentRow['payment'] | null }>({
    ...{ name: 'find payments', text: findSql, values: [paymentIds] },
  });
  return rows.map(({ payment }) => (payment === null ? null : fromRow<Payment>(payment)));
}

/** A payment of an order in the scope; null when there is none. */
export async function findVisiblePayment(on: Reader, scope: OrderScope, paymentId: string): Promise<Payment | null> {
  const { merchantId, customerId, orderId } = scope;
  const values = [paymentId, merchantId, customerId, orderId];
  const { rows } = await on.query<PaymentRow>({ name: 'find visible payment', text: findVisibleSql, values });
  return rows[0] === undefined ? null : fromRow<Payment>(rows[0].payment);
}

/**
 * Claims overdue payments of one account, at most `limit`, and returns their ids. They are leased to the caller, and other
 * nodes skip them until the lease ends.
 */
export async function claimDuePayments(
  on: Reader,
  { name, account }: ProviderAccount,
  now: Date,
  limit: number,
): Promise<string[]> {
  const { rows } = await on.query<{ id: string }>(claimDueSql, [now, after(now, leaseMs), limit, name, account]);
  return rows.map(({ id }) => id);
}

/** Postpones a check that fails because of an error on our side, so that it does not block other payments. */
export async function delayPaymentCheck(on: Reader, paymentId: string, at: Date): Promise<void> {
  await on.query(delaySql, [paymentId, at]);
}

/** True when the caller may query the provider about the payment now: at most once a second over all nodes. */
export async function claimRefresh(
  db: Database,
  { id, orderId }: Pick<Payment, 'id' | 'orderId'>,
  now: Date,
): Promise<boolean> {
  const values = [id, now, after(now, -refreshIntervalMs)];
  const { rowCount } = await db.transaction((tx) => tx.query(claimRefreshSql, values), { turn: orderId });
  return rowCount === 1;
}

/** A payment that an unverifiable callback at an account named. */
export type PaymentHint = ProviderAccount & { readonly paymentId: string; readonly at: Date };

/**
 * Brings the next check of live payments forward, because unverifiable callbacks named them. Works once per payment, so that forged
 * callbacks cannot cause more than one query.
 */
export async function hintPayments(on: Reader, hints: readonly PaymentHint[]): Promise<void> {
  const values = [
    ...[hints.map(({ paymentId }) => paymentId), hints.map(({ name }) => name), hints.map(({ account }) => account)],
    ...[hints.map(({ at }) => at), hints.map(({ at }) => after(at, hintDelayMs))],
  ];
  await on.query({ name: 'hint payments', text: hintSql, values });
}
