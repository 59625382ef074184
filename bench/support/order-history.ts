import pg from 'pg';
import { termsOfOrderSql } from '../../src/store/order-terms.ts';

const rowsAtOnce = 50_000;
/** The number of orders of each rare kind. A page has 20. */
export const rareCount = 25;
const year = `interval '365 days'`;

/**
 * Inserts orders `from` to `to` of a shop that has `total` of them after a year, with a payment and three events each. The first orders are the rare
 * ones: 25 of each kind, so that a filter that scans from the newest order reads all the others before it finds one. The rare type of event is that of the last orders.
 */
export async function fillHistory(
  pool: pg.Pool,
  {
    merchantId,
    from,
    to,
    total,
  }: { readonly merchantId: string; readonly from: number; readonly to: number; readonly total: number },
): Promise<void> {
  for (let first = from; first <= to; first += rowsAtOnce) {
    const last = Math.min(first + rowsAtOnce - 1, to);
    await pool.query(fillSql(first, last, total, pg.escapeLiteral(merchantId)));
  }
}

/** True for the `nth` group of 25 of the oldest orders. */
const isRare = (nth: number) => `n between ${nth * rareCount + 1} and ${(nth + 1) * rareCount}`;
const id = (prefix: string) => `'${prefix}_' || lpad(n::text, 26, '0')`;

function fillSql(first: number, last: number, total: number, merchant: string): string {
  const at = `(now() - ${year} + (n::float8 / ${total}) * ${year})`;
  const status = `(case when ${isRare(0)} then 'CLOSING' when n % 25 < 20 then 'CONFIRMED' when n % 25 < 23 then 'EXPIRED' else 'CANCELED' end)`;
  const paymentStatus = `(case when ${isRare(1)} then 'PARTIALLY_REFUNDED' when n % 25 < 20 then 'PAID' else 'UNPAID' end)`;
  const method = `(case when ${isRare(5)} then 'ALIPAY' else 'CARD' end)`;
  const rows = `generate_series(${first}::bigint, ${last}) n`;
  const event = (sequence: number, type: string, payment: string) => `
    select 'evt_' || lpad((n * 4 + ${sequence})::text, 26, '0'), ${merchant}, ${id('ord')}, ${sequence}, ${type}::"EventType", ${at}, 'A-' || n,
      ${status}::"OrderStatus", ${paymentStatus}::"OrderPaymentStatus", ${payment}, 'EUR', '{}'::jsonb, (select epoch from log_state), n from ${rows}`;
  return `
    insert into orders (id, merchant_id, number, status, payment_status, capture_mode, currency, total_minor, authorized_minor, captured_minor,
      refunded_minor, reserved_minor, customer_id, metadata, review_reasons, created_at, updated_at, expires_at, version, epoch, xid)
    select ${id('ord')}, ${merchant}, (case when ${isRare(6)} then 'R-' else 'A-' end) || n, ${status}::"OrderStatus",
      ${paymentStatus}::"OrderPaymentStatus", 'AUTOMATIC', case when ${isRare(2)} then 'JPY' else 'EUR' end, 2500, 0, 0, 0, 0,
      case when ${isRare(4)} then 'customer-rare' else 'customer-' || n % 1000 end, '{}',
      case when ${isRare(3)} then '{SURPLUS}' else '{}' end::"ReviewReason"[], ${at}, ${at}, ${at} + interval '30 minutes', 3, 1, 1 from ${rows};
    insert into order_terms (merchant_id, term, created_at, order_id)
    select o.merchant_id, t.term, o.created_at, o.id from ${rows} join orders o on o.id = ${id('ord')} cross join lateral ${termsOfOrderSql};
    insert into payments (id, order_id, merchant_id, method, flow, provider, provider_account, status, capture_mode, currency, amount_minor, authorized_minor,
      captured_minor, refunded_minor, reserved_minor, applied_minor, surplus_minor, quarantined_minor, late, created_at, updated_at, expires_at, check_attempts)
    select ${id('pay')}, ${id('ord')}, ${merchant}, ${method}::"PaymentMethod", 'REDIRECT', 'STRIPE', 'acct_bench.test', 'SUCCEEDED', 'AUTOMATIC', 'EUR', 2500,
      2500, 2500, 0, 0, 2500, 0, 0, false, ${at}, ${at}, ${at} + interval '30 minutes', 0 from ${rows};
    insert into events (id, merchant_id, order_id, sequence, type, occurred_at, order_number, order_status, order_payment_status, payment_id, payment_status,
      payment_method, amount_minor, currency, changes, epoch)
    select * from (
      select id, merchant_id, order_id, sequence, type, occurred_at, number, order_status, payment_status, payment_id, payment_state, method, amount, currency, changes, epoch
      from (
        ${event(1, `'ORDER_CREATED'`, 'null::text, null::"PaymentStatus", null::"PaymentMethod", null::bigint')}
        union all ${event(2, `'PAYMENT_STARTED'`, `${id('pay')}, 'SUBMITTING', ${method}::"PaymentMethod", 2500`)}
        union all ${event(3, `case when n > ${total - rareCount} then 'ORDER_REVIEW_NEEDED' else 'PAYMENT_SUCCEEDED' end`, `${id('pay')}, 'SUCCEEDED', ${method}::"PaymentMethod", 2500`)}
      ) e(id, merchant_id, order_id, sequence, type, occurred_at, number, order_status, payment_status, payment_id, payment_state, method, amount, currency, changes, epoch, n)
      order by n, sequence
    ) sorted`;
}
