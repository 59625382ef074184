import type { Database } from '../database/database.ts';
import { after } from '../domain/clock.ts';

type Reader = Pick<Database['pool'], 'query'>;

/** An order is payable for at most a week, so older ones and their payments have no new failures. */
const payableMsMax = 7 * 24 * 3_600_000;

/** Failed attempts to pay by card: of one customer, of one order, or of the payments that one client address started. */
export type CardFailuresOf =
  | { readonly merchantId: string; readonly customerId: string }
  | { readonly orderId: string }
  | { readonly merchantId: string; readonly address: string };

const isFailure = `
  e.payment_method = 'CARD' and e.type in ('PAYMENT_FAILED', 'PAYMENT_ACTION_REQUIRED') and e.occurred_at > $1
  and e.changes -> 'payment' ->> 'failureReason' is not null`;
const newestFirst = 'order by e.occurred_at desc offset $2 limit 1';
const byOrderSql = `select e.occurred_at as at from events e where e.order_id = $3 and ${isFailure} ${newestFirst}`;
const byCustomerSql = `
  select e.occurred_at as at from orders o join events e on e.order_id = o.id
  where o.merchant_id = $3 and o.customer_id = $4 and o.created_at > $5 and ${isFailure} ${newestFirst}`;
const byAddressSql = `
  select e.occurred_at as at
  from payment_addresses a join payments p on p.id = a.payment_id join events e on e.order_id = p.order_id and e.payment_id = p.id
  where p.merchant_id = $3 and a.address = $4 and a.created_at > $5 and ${isFailure} ${newestFirst}`;
const insertSql = `
  insert into payment_addresses (payment_id, address, created_at) values ($1, $2, $3) on conflict do nothing`;
const dropSql = 'delete from payment_addresses where created_at <= $1';

/** The time of the failure before which `newer` others came, counting from the newest; null when there are fewer since `since`. */
export async function findCardFailure(
  on: Reader,
  of: CardFailuresOf,
  { newer, since }: { readonly newer: number; readonly since: Date },
): Promise<Date | null> {
  const oldest = after(since, -payableMsMax);
  const query = (key: string, text: string, values: readonly unknown[]) =>
    on.query<{ at: Date }>({ name: `card failures ${key}`, text, values: [since, newer, ...values] });
  const { rows } =
    'orderId' in of
      ? await query('by order', byOrderSql, [of.orderId])
      : 'customerId' in of
        ? await query('by customer', byCustomerSql, [of.merchantId, of.customerId, oldest])
        : await query('by address', byAddressSql, [of.merchantId, of.address, oldest]);
  return rows[0]?.at ?? null;
}

/** Records the client address that a payment was started from. */
export async function insertPaymentAddress(on: Reader, paymentId: string, address: string, at: Date): Promise<void> {
  await on.query(insertSql, [paymentId, address, at]);
}

/** Deletes the addresses that nothing is decided by any more. */
export async function dropOldPaymentAddresses(on: Reader, now: Date): Promise<void> {
  await on.query(dropSql, [after(now, -2 * payableMsMax)]);
}
