import { type Database, overloadIn, type Tx } from '../database/database.ts';
import { createGatherer, type Gatherer, RefusedBatchError } from '../database/gatherer.ts';
import { after } from '../domain/clock.ts';
import { newId } from '../domain/ids.ts';
import { leaseMs } from '../domain/lease.ts';
import type { ProviderName } from '../domain/payment.ts';

/**
 * One verified callback as it was received. `applyAttempts` counts the attempts to apply it, including the current one.
 */
export type Delivery = {
  readonly id: string;
  readonly provider: ProviderName;
  readonly providerAccount: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly body: Buffer;
  readonly receivedAt: Date;
  readonly applyAttempts: number;
};

/** The result of one attempt to apply a delivery: its final status, or the time of the next attempt. */
export type DeliveryVerdict =
  | {
      readonly status: 'APPLIED' | 'IGNORED' | 'REVIEW';
      /** Null only for APPLIED. */
      readonly reason: string | null;
      readonly paymentId: string | null;
      /** The part of the body that is kept from now on. */
      readonly body: Buffer;
    }
  | { readonly status: 'POSTPONED'; readonly reason: string; readonly applyAt: Date };

/** A stored verdict. */
export type DeliveryOutcome = {
  readonly status: DeliveryVerdict['status'];
  readonly reason: string | null;
  readonly paymentId: string | null;
};

export type NewDelivery = Omit<Delivery, 'id' | 'applyAttempts'> & {
  readonly headers: Record<string, string>;
  /** True when the caller applies the delivery at once: then it is leased to the caller for a moment. */
  readonly isClaimed: boolean;
};

type Reader = Database['pool'] | Tx;

/** Per provider and minute, at most this many refused callbacks are stored: enough for inspection, too few to fill a disk. */
export const rejectedPerMinuteMax = 5;
/** The stored part of the body of a refused callback. */
export const rejectedBodyBytesMax = 4096;
/** How long a refused callback is stored. */
export const rejectedForMs = 7 * 24 * 60 * 60_000;

// Sorted: a statement that inserts an event waits for another one that has inserted the same event.
const insertSql = `
  insert into deliveries
    (id, provider, provider_account, event_id, event_type, headers, body, status, received_at, apply_at, apply_attempts,
     merchant_id)
  select id, provider, provider_account, event_id, event_type, headers, body, 'PENDING', received_at, apply_at, apply_attempts,
    coalesce(
      (select a.merchant_id from provider_accounts a where a.provider = v.provider and a.account = v.provider_account),
      (select m.id from merchants m where m.uses_environment_accounts order by m.id limit 1)
    )
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::bytea[], $8::timestamptz[],
      $9::timestamptz[], $10::int[])
    v(id, provider, provider_account, event_id, event_type, headers, body, received_at, apply_at, apply_attempts)
  order by provider, provider_account, event_id
  on conflict (provider, provider_account, event_id) do nothing returning id`;
const deliveryColumns = `id, provider, provider_account as "providerAccount", event_id as "eventId", event_type as "eventType", body,
  received_at as "receivedAt", apply_attempts as "applyAttempts"`;
const claimDueSql = `
  update deliveries set apply_at = $2, apply_attempts = apply_attempts + 1
  where id in (
    select id from deliveries
    where status = 'PENDING' and apply_at <= $1 and provider = $4 and provider_account = $5
    order by apply_at limit $3 for update skip locked
  )
  returning ${deliveryColumns}`;
const findSql = `
  select ${deliveryColumns}, status, reason, payment_id as "paymentId", pruned_at is not null as "isPruned"
  from deliveries where id = $1 and merchant_id = $2`;
const reopenSql = `
  update deliveries set status = 'PENDING', apply_at = $2, applied_at = null, apply_attempts = apply_attempts + 1
  where id = $1 and pruned_at is null returning ${deliveryColumns}`;
const finishSql = `
  update deliveries set status = $2::"DeliveryStatus", reason = $3, payment_id = $4, applied_at = $5, apply_at = null, body = $6
  where id = $1 and status = 'PENDING'`;
const postponeSql = `update deliveries set apply_at = $2, reason = $3 where id = $1 and status = 'PENDING'`;
// Each provider has a fixed number of slots per minute, and each slot is unique. Counting the rows first would admit all
// callers that count at the same time. The free slot is chosen at random, so that concurrent callers rarely conflict.
const rejectSql = `
  insert into rejected_deliveries (provider, reason, headers, body, received_at, slot)
  select $1, $2, $3, $4, $5::timestamptz, free.slot
  from (select $6 || '/' || n as slot from generate_series(1, $7::int) n) free
  where not exists (select from rejected_deliveries r where r.provider = $1 and r.slot = free.slot)
  order by random() limit 1
  on conflict (provider, slot) do nothing`;

const dropRejectedSql = `
  delete from rejected_deliveries where id in (
    select id from rejected_deliveries where received_at < $1 limit $2 for update skip locked
  )`;
// Callbacks that wait, and those of an order whose review is open, keep their content. A scalar subquery, because the planner may turn an
// EXISTS into a hash of all orders.
const pruneSql = `
  update deliveries set headers = '{}', body = '', pruned_at = $2
  where id in (
    select id from deliveries d
    where pruned_at is null and status <> 'PENDING' and received_at < $1 and not (
      status = 'REVIEW' and coalesce((
        select cardinality(o.review_reasons) from payments p join orders o on o.id = p.order_id where p.id = d.payment_id
      ), 0) > 0
    )
    order by received_at limit $3 for update of d skip locked
  )`;

/**
 * How long the node that received a callback has it to itself. It is shorter than other leases, so that the callbacks of a node that dies are
 * applied soon. One that takes longer, because a provider is asked, may be applied twice at the same time, which has the effect of once.
 */
export const receiverLeaseMs = 5000;
/** The maximum number of callbacks that one statement stores. Their bodies are in memory. */
const insertedTogetherMax = 64;

/**
 * Stores a verified callback; null when the same event is already stored. Callbacks that arrive at the same time are stored
 * by one statement. Acknowledge the callback only after this has resolved.
 */
export type Inbox = Gatherer<NewDelivery, Delivery | null>;

export function openInbox(on: Reader): Inbox {
  return createGatherer({
    name: 'callbacks',
    sizeMax: insertedTogetherMax,
    keysOf: ({ provider, providerAccount, eventId }) => [JSON.stringify([provider, providerAccount, eventId])],
    async run(deliveries) {
      const stored = deliveries.map(({ isClaimed, headers, ...delivery }) => ({
        ...{ ...delivery, id: newId('delivery'), applyAttempts: isClaimed ? 1 : 0 },
      }));
      const inserted = await insertDeliveries(on, deliveries, stored);
      return stored.map((delivery) => ({ kind: 'done', result: inserted.has(delivery.id) ? delivery : null }));
    },
  });
}

/** The ids of the deliveries that were not stored before. */
async function insertDeliveries(
  on: Reader,
  given: readonly NewDelivery[],
  stored: readonly Delivery[],
): Promise<ReadonlySet<string>> {
  const values = [
    ...[stored.map(({ id }) => id), stored.map(({ provider }) => provider)],
    ...[stored.map(({ providerAccount }) => providerAccount), stored.map(({ eventId }) => eventId)],
    ...[stored.map(({ eventType }) => eventType), given.map(({ headers }) => JSON.stringify(headers))],
    ...[stored.map(({ body }) => body), stored.map(({ receivedAt }) => receivedAt)],
    given.map(({ isClaimed, receivedAt }) => (isClaimed ? after(receivedAt, receiverLeaseMs) : receivedAt)),
    stored.map(({ applyAttempts }) => applyAttempts),
  ];
  try {
    const { rows } = await on.query<{ id: string }>({ name: 'insert deliveries', text: insertSql, values });
    return new Set(rows.map(({ id }) => id));
  } catch (error) {
    if (overloadIn(error)?.keepsConnection === false) throw error;
    throw new RefusedBatchError('The callbacks could not be stored together.', { cause: error });
  }
}

/**
 * Claims overdue callbacks of one account, at most `limit`. They are leased to the caller, and other nodes skip them until
 * the lease ends. The claim counts as an attempt.
 */
export async function claimDueDeliveries(
  on: Reader,
  { name, account }: { readonly name: ProviderName; readonly account: string },
  now: Date,
  limit: number,
): Promise<Delivery[]> {
  const { rows } = await on.query<Delivery>(claimDueSql, [now, after(now, leaseMs), limit, name, account]);
  return rows;
}

/** A delivery of the merchant as it was received, with its current status, and whether its body has been deleted. */
export type StoredDelivery = Delivery & {
  readonly status: 'PENDING' | 'APPLIED' | 'IGNORED' | 'REVIEW';
  readonly reason: string | null;
  readonly paymentId: string | null;
  readonly isPruned: boolean;
};

/** Null when the merchant has no such delivery. */
export async function findDelivery(on: Reader, merchantId: string, id: string): Promise<StoredDelivery | null> {
  const { rows } = await on.query<StoredDelivery>(findSql, [id, merchantId]);
  return rows[0] ?? null;
}

/** Makes a delivery pending again, leased to the caller. The claim counts as an attempt. Null when its body has been deleted. */
export async function reopenDelivery(on: Reader, id: string, now: Date): Promise<Delivery | null> {
  const { rows } = await on.query<Delivery>(reopenSql, [id, after(now, leaseMs)]);
  return rows[0] ?? null;
}

/** Stores a verdict. It has no effect on a delivery that already has its final status. `at` is the time of the verdict. */
export async function writeVerdict(
  on: Reader,
  id: string,
  verdict: DeliveryVerdict,
  at: Date,
): Promise<DeliveryOutcome> {
  if (verdict.status === 'POSTPONED') await on.query(postponeSql, [id, verdict.applyAt, verdict.reason]);
  else await on.query(finishSql, [id, verdict.status, verdict.reason, verdict.paymentId, at, verdict.body]);
  return outcomeOf(verdict);
}

/** A verdict as it is stored. */
export function outcomeOf(verdict: DeliveryVerdict): DeliveryOutcome {
  const { status, reason } = verdict;
  return { status, reason, paymentId: verdict.status === 'POSTPONED' ? null : verdict.paymentId };
}

/**
 * Stores a refused callback for inspection, with at most `rejectedBodyBytesMax` of its body. Has no effect when
 * `rejectedPerMinuteMax` callbacks of the provider are already stored in this minute.
 */
export async function insertRejectedDelivery(
  on: Reader,
  rejected: { provider: ProviderName; reason: string; headers: Record<string, string>; body: Buffer; receivedAt: Date },
): Promise<void> {
  const { provider, reason, headers, receivedAt } = rejected;
  const body = rejected.body.subarray(0, rejectedBodyBytesMax);
  const minute = receivedAt.toISOString().slice(0, 16);
  const values = [provider, reason, JSON.stringify(headers), body, receivedAt, minute, rejectedPerMinuteMax];
  await on.query(rejectSql, values);
}

/** Deletes refused callbacks older than `rejectedForMs`, at most `limit`. Returns their number. */
export async function dropOldRejectedDeliveries(on: Reader, now: Date, limit: number): Promise<number> {
  const { rowCount } = await on.query(dropRejectedSql, [after(now, -rejectedForMs), limit]);
  return rowCount ?? 0;
}

/**
 * Deletes the headers and bodies of at most `limit` callbacks that were received before `before`. The rows stay: a callback that the provider
 * repeats is a duplicate forever. Returns their number.
 */
export async function pruneDeliveries(on: Reader, before: Date, now: Date, limit: number): Promise<number> {
  const { rowCount } = await on.query(pruneSql, [before, now, limit]);
  return rowCount ?? 0;
}
