import type pg from 'pg';
import { newId } from '../../src/domain/ids.ts';
import { environmentAccount, stripeAccountOf } from './stand-in-stripe.ts';

const rowsAtOnce = 5000;

/**
 * Inserts open orders with a card payment each that waits for its buyer, at the account of the environment. The product has not seen them
 * before, so that only what follows is measured.
 *
 * @returns the ids of the payments.
 */
export async function preparePayments(pool: pg.Pool, merchantId: string, count: number): Promise<readonly string[]> {
  const account = `${stripeAccountOf(environmentAccount).accountId}.test`;
  const paymentIds: string[] = [];
  for (let from = 0; from < count; from += rowsAtOnce) {
    const rows = Math.min(rowsAtOnce, count - from);
    const payments = Array.from({ length: rows }, () => newId('payment'));
    paymentIds.push(...payments);
    await pool.query(
      `with given as (select * from unnest($1::text[], $2::text[]) g(order_id, payment_id)),
      inserted as (
        insert into orders (id, merchant_id, number, status, payment_status, capture_mode, currency, total_minor, authorized_minor, captured_minor,
          refunded_minor, reserved_minor, metadata, review_reasons, created_at, updated_at, expires_at, version, epoch, xid)
        select order_id, $3, order_id, 'OPEN', 'PENDING', 'AUTOMATIC', 'EUR', 2500, 0, 0, 0, 0, '{}', '{}', now(), now(), now() + interval '1 day', 1, 1, 1
        from given)
      insert into payments (id, order_id, merchant_id, method, flow, provider, provider_account, status, capture_mode, currency, amount_minor,
        authorized_minor, captured_minor, refunded_minor, reserved_minor, applied_minor, surplus_minor, quarantined_minor, late, provider_payment_id,
        created_at, updated_at, expires_at, check_attempts)
      select payment_id, order_id, $3, 'CARD', 'EMBEDDED', 'STRIPE', $4, 'ACTION_REQUIRED', 'AUTOMATIC', 'EUR', 2500, 0, 0, 0, 0, 0, 0, 0, false,
        'pi_' || substr(payment_id, 5), now(), now(), now() + interval '1 day', 0
      from given`,
      [payments.map(() => newId('order')), payments, merchantId, account],
    );
  }
  await pool.query('analyze orders, payments');
  return paymentIds;
}
