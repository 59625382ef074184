// usage: DATABASE_URL admin; node fill.ts dbname rows
import pg from 'pg';
import { openDatabase } from '/tmp/w/graphql-path/src/database/database.ts';
const [name, rowsText] = process.argv.slice(2); const rows = Number(rowsText);
const admin = new pg.Client({ connectionString: 'postgresql://postgres@127.0.0.1:5432/postgres' }); await admin.connect();
await admin.query(`drop database if exists ${name} with (force)`); await admin.query(`create database ${name}`); await admin.end();
const db = await openDatabase({ databaseUrl: `postgresql://postgres@127.0.0.1:5432/${name}`, dataDir: '/tmp/gq/none' });
const client = new pg.Client({ connectionString: `postgresql://postgres@127.0.0.1:5432/${name}` }); await client.connect();
const q = (sql: string) => client.query(sql);
await q(`insert into merchants (id, name, return_origins, created_at) values ('mch_00000000000000000000000001', 'Tea', '{}', now()), ('mch_00000000000000000000000002', 'Other', '{}', now())`);
const at = `timestamptz '2026-11-01' - (${rows} - n) * interval '20 seconds'`;
const id = (p: string) => `'${p}_' || lpad(n::text, 26, '0')`;
// base 32 of time would be needed for real ids; a padded number keeps the order
await q(`set synchronous_commit = off`);
for (let from = 1; from <= rows; from += 100000) {
  const to = Math.min(from + 99999, rows);
  const g = `generate_series(${from}, ${to}) n`;
  const merchant = `case when n % 10 = 9 then 'mch_00000000000000000000000002' else 'mch_00000000000000000000000001' end`;
  // rare values sit only among the oldest tenth, where a scan from the newest finds them last; 40 of each
  const rare = (k: number) => `(n <= ${Math.floor(rows / 10)} and n % ${Math.floor(rows / 400)} = ${k})`;
  await q(`insert into orders (id, merchant_id, number, status, payment_status, capture_mode, currency, total_minor, authorized_minor, captured_minor, refunded_minor, reserved_minor, customer_id, metadata, review_reasons, created_at, updated_at, expires_at, version, epoch, xid)
   select ${id('ord')}, ${merchant}, case when ${rare(1)} then 'RARE-' || n else 'A-' || n end,
    (case when ${rare(2)} then 'CANCELED' when n > ${rows} - 30 then 'OPEN' when n % 5 = 0 then 'EXPIRED' else 'CONFIRMED' end)::"OrderStatus",
    (case when ${rare(3)} then 'OVERPAID' when n > ${rows} - 30 then 'PENDING' when n % 5 = 0 then 'UNPAID' when n % 50 = 1 then 'REFUNDED' else 'PAID' end)::"OrderPaymentStatus",
    'AUTOMATIC', case when ${rare(4)} then 'JPY' when n % 3 = 0 then 'EUR' else 'CNY' end, 1000, 1000, 1000, 0, 0,
    case when ${rare(5)} then 'rare' else 'customer-' || (n % 1000) end, '{}', (case when ${rare(6)} then '{LATE_PAYMENT}' else '{}' end)::"ReviewReason"[], ${at}, ${at}, ${at} + interval '30 minutes', 4, 1, 100 + n / 3 from ${g}`);
  await q(`insert into payments (id, order_id, merchant_id, method, flow, provider, provider_account, status, capture_mode, currency, amount_minor, authorized_minor, captured_minor, refunded_minor, reserved_minor, applied_minor, surplus_minor, quarantined_minor, late, created_at, updated_at, expires_at, check_attempts)
   select ${id('pay')}, ${id('ord')}, ${merchant}, (case when ${rare(7)} then 'WECHAT_PAY' when n % 2 = 0 then 'CARD' else 'ALIPAY' end)::"PaymentMethod", 'QR_CODE', 'ALIPAY', 'a', 'SUCCEEDED', 'AUTOMATIC', 'CNY', 1000, 1000, 1000, 0, 0, 1000, 0, 0, false, ${at}, ${at}, ${at}, 0 from ${g}`);
  await q(`insert into events (id, epoch, xid, merchant_id, order_id, sequence, type, occurred_at, order_number, order_status, order_payment_status, currency, changes)
   select ${id('evt')} || 'x' || s, 1, 100 + n / 3, ${merchant}, ${id('ord')}, s, (case when s = 2 and ${rare(8)} then 'ORDER_REVIEW_NEEDED' when s = 1 then 'ORDER_CREATED' when s = 2 then 'PAYMENT_STARTED' else 'PAYMENT_SUCCEEDED' end)::"EventType", ${at}, 'A-' || n, 'OPEN', 'UNPAID', 'CNY', '{}' from ${g}, generate_series(1, 3) s`);
  console.log(to);
}
await q('vacuum analyze');
await client.end(); await db.close();
process.exit(0);
