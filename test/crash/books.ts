import type pg from 'pg';
import type { Sandbox } from '../../sandbox/server.ts';
import type { Answers } from './shop.ts';

const unsettledSql = `
  select string_agg(what, ', ') as what from (
    select id || ' ' || status as what from payments
    where status not in ('SUCCEEDED', 'FAILED', 'CANCELED', 'EXPIRED') and (status <> 'AUTHORIZED' or capture_minor is not null)
    union all select id || ' ' || status from refunds where status in ('PENDING', 'UNKNOWN')
    union all select id || ' ' || status from orders where status = 'CLOSING'
    union all select id || ' ' || status from deliveries where status = 'PENDING'
    union all select event_id || ' ' || status || ' at ' || endpoint_id from webhook_messages where status <> 'DELIVERED'
    union all select w.id || ' has more events' from webhook_endpoints w where exists (
      select from events e where e.merchant_id = w.merchant_id and (e.epoch, e.xid, e.pos) > (w.epoch, w.xid, w.pos))
  ) open`;
const paymentsSql = `
  select id, captured_minor as captured, refunded_minor as refunded, reserved_minor as reserved,
    applied_minor + surplus_minor + quarantined_minor as placed from payments`;
const gapsSql = `
  select o.id from orders o left join events e on e.order_id = o.id
  group by o.id, o.version having count(*) <> o.version or max(e.sequence) <> o.version`;
const namedSql = `
  select id from (select id from orders union all select id from payments union all select id from refunds) held where id = any($1)`;

/** Lists the unfinished work; empty when there is none. */
export async function unsettled(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ what: string | null }>(unsettledSql);
  return rows[0]?.what ?? '';
}

/** Compares our rows with the provider's ledger and with the answers to clients. Returns the differences. */
export async function checkBooks(pool: pg.Pool, sandbox: Sandbox, answers: Answers): Promise<string[]> {
  const complaints: string[] = [];
  const { totals, refunds } = sandbox.ledger().stripe;
  type Row = Record<'captured' | 'refunded' | 'reserved' | 'placed', string> & { id: string };
  const { rows: payments } = await pool.query<Row>(paymentsSql);
  for (const { id, captured, refunded, reserved, placed } of payments) {
    const total = totals[id] ?? { paymentIntents: 0, charges: 0, captured: 0, refunded: 0 };
    if (total.paymentIntents > 1) complaints.push(`${id} was made ${total.paymentIntents} times`);
    if (total.charges > 1) complaints.push(`${id} was charged ${total.charges} times`);
    if (Number(captured) !== total.captured) complaints.push(`${id}: captured ${captured}, not ${total.captured}`);
    if (Number(refunded) !== total.refunded) complaints.push(`${id}: refunded ${refunded}, not ${total.refunded}`);
    if (placed !== captured) complaints.push(`${id}: captured ${captured}, placed ${placed}`);
    if (reserved !== '0') complaints.push(`${id}: ${reserved} are still set aside`);
  }
  for (const id of Object.keys(totals)) {
    if (!payments.some((payment) => payment.id === id)) complaints.push(`${id} is at the provider and not here`);
  }
  const named = refunds.map(({ metadata }) => metadata.refund_id);
  for (const id of new Set(named)) {
    if (named.filter((other) => other === id).length > 1) complaints.push(`${id} was refunded more than once`);
  }
  const { rows: gaps } = await pool.query<{ id: string }>(gapsSql);
  complaints.push(...gaps.map(({ id }) => `${id}: its events do not count to its version`));
  const promised = new Set(answers.values());
  const { rows: held } = await pool.query<{ id: string }>(namedSql, [[...promised]]);
  const lost = [...promised].filter((id) => !held.some((row) => row.id === id));
  complaints.push(...lost.map((id) => `${id} was answered and is lost`));
  return complaints;
}
