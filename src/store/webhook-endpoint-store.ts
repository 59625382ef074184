import type { Database, Tx } from '../database/database.ts';
import type { WebhookEndpoint, WebhookPauseReason } from '../domain/webhook.ts';
import type { LogPosition } from '../events/cursor.ts';

type Reader = Pick<Database['pool'], 'query'>;

/** An endpoint as it is stored. `secrets` is encrypted with the master key `keyId`. The position is how far the log became messages. */
export type StoredWebhookEndpoint = WebhookEndpoint &
  LogPosition & { readonly secrets: Buffer; readonly keyId: string };

const columns = `
  e.id, e.merchant_id as "merchantId", e.url, e.description, e.event_types as "eventTypes", e.ordered, e.status,
  e.pause_reason as "pauseReason", e.paused_at as "pausedAt", e.secrets, e.key_id as "keyId",
  e.previous_secret_until as "previousSecretUntil", e.epoch, e.xid, e.pos, e.failures, e.failing_since as "failingSince",
  e.retry_at as "retryAt", e.created_at as "createdAt", e.updated_at as "updatedAt"`;
const insertSql = `
  insert into webhook_endpoints
    (id, merchant_id, url, description, event_types, ordered, status, secrets, key_id, epoch, xid, pos, due_at, created_at, updated_at)
  values ($1, $2, $3, $4, $5::"EventType"[], $6, 'ACTIVE', $7, $8, $9, $10, $11, $12, $12, $12)`;
const listSql = `
  select ${columns} from webhook_endpoints e where e.merchant_id = $1 and e.deleted_at is null order by e.id`;
const countSql = `
  select count(*)::int as count from webhook_endpoints e where e.merchant_id = $1 and e.deleted_at is null`;
const findSql = `
  select ${columns} from webhook_endpoints e where e.id = $1 and e.merchant_id = $2 and e.deleted_at is null`;
const merchantSql = 'select merchant_id as "merchantId" from webhook_endpoints where id = $1 and deleted_at is null';
const changeSql = `
  update webhook_endpoints e set url = $3, description = $4, event_types = $5::"EventType"[], ordered = $6, updated_at = $7,
    due_at = case when e.status = 'ACTIVE' then $7 else e.due_at end
  where e.id = $1 and e.merchant_id = $2 and e.deleted_at is null returning ${columns}`;
const secretsSql = `
  update webhook_endpoints e set secrets = $3, key_id = $4, previous_secret_until = $5, updated_at = $6
  where e.id = $1 and e.merchant_id = $2 and e.deleted_at is null returning ${columns}`;
const pauseSql = `
  update webhook_endpoints e set status = 'PAUSED', pause_reason = $2::"WebhookPauseReason", paused_at = $3, due_at = null, updated_at = $3
  where e.id = $1 and e.status = 'ACTIVE' and e.deleted_at is null`;
const resumeSql = `
  update webhook_endpoints e set status = 'ACTIVE', pause_reason = null, paused_at = null, failures = 0, failing_since = null,
    retry_at = null, due_at = $2, updated_at = $2
  where e.id = $1 and e.status = 'PAUSED' and e.deleted_at is null`;
const deleteSql = `
  update webhook_endpoints e set deleted_at = $3, status = 'PAUSED', pause_reason = 'REQUESTED', paused_at = coalesce(paused_at, $3), due_at = null
  where e.id = $1 and e.merchant_id = $2 and e.deleted_at is null`;
const lockSql = 'select epoch, xid, pos, status from webhook_endpoints where id = $1 for update';

// What may be claimed: endpoints that are due, are not down, and that no other node works on. While the lease runs, `due_at` is its end, so that
// another node goes on if this one dies. Any other value says that there is something new.
const claimSql = `
  update webhook_endpoints e set lease_id = $2, leased_until = $3, due_at = $3
  where e.id in (
    select c.id from webhook_endpoints c
    where c.status = 'ACTIVE' and c.due_at <= $1 and (c.retry_at is null or c.retry_at <= $1)
      and (c.leased_until is null or c.leased_until <= $1)
    order by c.due_at limit $4 for update skip locked
  )
  returning ${columns}`;
const renewSql = `
  update webhook_endpoints e set leased_until = $3, due_at = case when e.due_at = e.leased_until then $3 else e.due_at end
  where e.id = $1 and e.lease_id = $2 and e.status = 'ACTIVE' returning ${columns}`;
const releaseSql = `
  update webhook_endpoints e set lease_id = null, leased_until = null, due_at = case when e.status = 'ACTIVE' then
      least(nullif(e.due_at, e.leased_until), case when $3::timestamptz is not null then greatest(e.retry_at, $3::timestamptz) end, (
        select greatest(e.retry_at, min(m.next_attempt_at)) from webhook_messages m
        where m.endpoint_id = e.id and m.status = 'PENDING' having min(m.next_attempt_at) is not null
      )) end
  where e.id = $1 and e.lease_id = $2`;
const wakeSql = `
  update webhook_endpoints e set due_at = $2
  where e.merchant_id = any($1) and e.status = 'ACTIVE' and (e.due_at is null or e.due_at > $2)`;
const wakeOneSql = `
  update webhook_endpoints e set due_at = $2
  where e.id = $1 and e.status = 'ACTIVE' and (e.due_at is null or e.due_at > $2)`;
// A wake is lost when its node dies. One look at the index of each merchant's events shows who missed one.
const wakeMissedSql = `
  update webhook_endpoints e set due_at = $1
  where e.status = 'ACTIVE' and e.due_at is null and exists (
    select from events v where (v.merchant_id, v.epoch, v.xid, v.pos) > (e.merchant_id, e.epoch, e.xid, e.pos) and v.merchant_id <= e.merchant_id
  )`;
const moveSql = 'update webhook_endpoints set epoch = $2, xid = $3, pos = $4 where id = $1';
const succeededSql = `
  update webhook_endpoints set failures = 0, failing_since = null, retry_at = null where id = $1 and failing_since is not null`;
const failedSql = `
  update webhook_endpoints set failures = $2, failing_since = $3, retry_at = $4 where id = $1`;
const recordSql = `
  select failures, failing_since as "failingSince" from webhook_endpoints where id = $1 and status = 'ACTIVE' for update`;
const byKeySql = `
  select key_id as "keyId", count(*)::int as count from webhook_endpoints where deleted_at is null group by 1 order by 1`;
const sealedSql = `
  select ${columns} from webhook_endpoints e where e.key_id <> $1 and e.id > $2 and e.deleted_at is null order by e.id limit $3 for update`;
const resealSql = 'update webhook_endpoints set secrets = $2, key_id = $3 where id = $1';
const deletedSql = `
  select id from webhook_endpoints where deleted_at < $1 and (leased_until is null or leased_until < $1) order by id limit 1`;
const dropSql = `delete from webhook_endpoints where id = $1`;

export type NewWebhookEndpoint = Pick<
  StoredWebhookEndpoint,
  | ('id' | 'merchantId' | 'url' | 'description' | 'eventTypes' | 'ordered' | 'secrets' | 'keyId' | 'createdAt')
  | keyof LogPosition
>;

export async function insertWebhookEndpoint(on: Reader, endpoint: NewWebhookEndpoint): Promise<void> {
  const { id, merchantId, url, description, eventTypes, ordered, secrets, keyId, epoch, xid, pos, createdAt } =
    endpoint;
  await on.query(insertSql, [
    ...[id, merchantId, url, description, eventTypes, ordered, secrets, keyId, epoch, xid, pos, createdAt],
  ]);
}

/** The endpoints of a merchant, the oldest first. */
export async function listWebhookEndpoints(on: Reader, merchantId: string): Promise<readonly StoredWebhookEndpoint[]> {
  const { rows } = await on.query<StoredWebhookEndpoint>(listSql, [merchantId]);
  return rows;
}

export async function countWebhookEndpoints(on: Reader, merchantId: string): Promise<number> {
  const { rows } = await on.query<{ count: number }>(countSql, [merchantId]);
  return rows[0]?.count ?? 0;
}

export async function findWebhookEndpoint(
  on: Reader,
  merchantId: string,
  id: string,
): Promise<StoredWebhookEndpoint | null> {
  const { rows } = await on.query<StoredWebhookEndpoint>(findSql, [id, merchantId]);
  return rows[0] ?? null;
}

/** Whose endpoint it is; null when there is no such endpoint. */
export async function findWebhookOwner(on: Reader, id: string): Promise<string | null> {
  const { rows } = await on.query<{ merchantId: string }>(merchantSql, [id]);
  return rows[0]?.merchantId ?? null;
}

export type WebhookEndpointChange = Pick<WebhookEndpoint, 'url' | 'description' | 'eventTypes' | 'ordered'>;

export async function changeWebhookEndpoint(
  on: Reader,
  merchantId: string,
  id: string,
  { url, description, eventTypes, ordered }: WebhookEndpointChange,
  at: Date,
): Promise<StoredWebhookEndpoint | null> {
  const values = [id, merchantId, url, description, eventTypes, ordered, at];
  const { rows } = await on.query<StoredWebhookEndpoint>(changeSql, values);
  return rows[0] ?? null;
}

export async function replaceWebhookSecrets(
  on: Reader,
  { merchantId, id }: Pick<WebhookEndpoint, 'merchantId' | 'id'>,
  { secrets, keyId }: { readonly secrets: Buffer; readonly keyId: string },
  previousUntil: Date | null,
  at: Date,
): Promise<StoredWebhookEndpoint | null> {
  const { rows } = await on.query<StoredWebhookEndpoint>(secretsSql, [
    id,
    merchantId,
    secrets,
    keyId,
    previousUntil,
    at,
  ]);
  return rows[0] ?? null;
}

/** True when the endpoint was active. */
export async function pauseWebhookEndpoint(
  on: Reader,
  id: string,
  reason: WebhookPauseReason,
  at: Date,
): Promise<boolean> {
  const { rowCount } = await on.query(pauseSql, [id, reason, at]);
  return rowCount === 1;
}

/** True when the endpoint was paused. */
export async function resumeWebhookEndpoint(on: Reader, id: string, at: Date): Promise<boolean> {
  const { rowCount } = await on.query(resumeSql, [id, at]);
  return rowCount === 1;
}

/** False when there is no such endpoint. */
export async function deleteWebhookEndpoint(on: Reader, merchantId: string, id: string, at: Date): Promise<boolean> {
  const { rowCount } = await on.query(deleteSql, [id, merchantId, at]);
  return rowCount === 1;
}

/**
 * Serializes everything that changes what an endpoint is to do. Must be the first statement of the transaction. Returns the position and the
 * status from then on; null when the endpoint is gone.
 */
export async function lockWebhookEndpoint(
  tx: Tx,
  id: string,
): Promise<(LogPosition & Pick<WebhookEndpoint, 'status'>) | null> {
  const { rows } = await tx.query<LogPosition & Pick<WebhookEndpoint, 'status'>>({
    ...{ name: 'lock webhook endpoint', text: lockSql, values: [id] },
  });
  return rows[0] ?? null;
}

/** Leases endpoints that have something to do, the longest waiting first, to one node. */
export async function claimWebhookEndpoints(
  on: Reader,
  now: Date,
  lease: { readonly id: string; readonly until: Date },
  limit: number,
): Promise<readonly StoredWebhookEndpoint[]> {
  const { rows } = await on.query<StoredWebhookEndpoint>({
    ...{ name: 'claim webhook endpoints', text: claimSql, values: [now, lease.id, lease.until, limit] },
  });
  return rows;
}

/** Prolongs a lease. Null when another node has the endpoint by now, or it was paused. */
export async function renewWebhookLease(
  on: Reader,
  id: string,
  lease: { readonly id: string; readonly until: Date },
): Promise<StoredWebhookEndpoint | null> {
  const { rows } = await on.query<StoredWebhookEndpoint>({
    ...{ name: 'renew webhook lease', text: renewSql, values: [id, lease.id, lease.until] },
  });
  return rows[0] ?? null;
}

/**
 * Ends a lease, and makes the endpoint due when its next message is. `again` is the time to look at it again if more is known to be there;
 * null when the messages say it.
 */
export function releaseWebhookEndpoint(db: Database, id: string, leaseId: string, again: Date | null): Promise<void> {
  return db.transaction(async (tx) => {
    await lockWebhookEndpoint(tx, id); // first: a message that is added meanwhile must be seen
    await tx.query({ name: 'release webhook endpoint', text: releaseSql, values: [id, leaseId, again] });
  });
}

/** Makes the endpoints of merchants due, because they have new events. */
export async function wakeWebhookEndpoints(on: Reader, merchantIds: readonly string[], at: Date): Promise<void> {
  await on.query({ name: 'wake webhook endpoints', text: wakeSql, values: [merchantIds, at] });
}

export async function wakeWebhookEndpoint(on: Reader, id: string, at: Date): Promise<void> {
  await on.query(wakeOneSql, [id, at]);
}

/** Makes endpoints due that have events after their position and do not know it. */
export async function wakeMissedWebhookEndpoints(on: Reader, at: Date): Promise<void> {
  await on.query(wakeMissedSql, [at]);
}

export async function moveWebhookCursor(on: Reader, id: string, { epoch, xid, pos }: LogPosition): Promise<void> {
  await on.query({ name: 'move webhook cursor', text: moveSql, values: [id, epoch, xid, pos] });
}

/** Locks the record of an endpoint; null when it is paused by now. */
export async function lockWebhookRecord(
  tx: Tx,
  id: string,
): Promise<Pick<WebhookEndpoint, 'failures' | 'failingSince'> | null> {
  const { rows } = await tx.query<Pick<WebhookEndpoint, 'failures' | 'failingSince'>>({
    ...{ name: 'lock webhook record', text: recordSql, values: [id] },
  });
  return rows[0] ?? null;
}

/** True when the endpoint had failed before. */
export async function recordWebhookSuccess(on: Reader, id: string): Promise<boolean> {
  const { rowCount } = await on.query(succeededSql, [id]);
  return rowCount === 1;
}

export async function recordWebhookFailure(
  on: Reader,
  id: string,
  { failures, failingSince, retryAt }: Pick<WebhookEndpoint, 'failures' | 'failingSince' | 'retryAt'>,
): Promise<void> {
  await on.query(failedSql, [id, failures, failingSince, retryAt]);
}

/** The number of endpoints by the master key that encrypts their secrets. */
export async function countWebhookSecrets(
  on: Reader,
): Promise<readonly { readonly keyId: string; readonly count: number }[]> {
  const { rows } = await on.query<{ keyId: string; count: number }>(byKeySql);
  return rows;
}

/** As `resealSigningKeys`. */
export function resealWebhookEndpoints(
  db: Database,
  { keyId, after, limit }: { readonly keyId: string; readonly after: string; readonly limit: number },
  encrypt: (endpoint: StoredWebhookEndpoint) => Buffer | null,
): Promise<readonly string[]> {
  return db.transaction(async (tx) => {
    const { rows } = await tx.query<StoredWebhookEndpoint>(sealedSql, [keyId, after, limit]);
    for (const row of rows) {
      const secrets = encrypt(row);
      if (secrets !== null) await tx.query(resealSql, [row.id, secrets, keyId]);
    }
    return rows.map(({ id }) => id);
  });
}

/** An endpoint that was deleted before a time, and that no node has worked on since; null for none. */
export async function findDeletedWebhookEndpoint(on: Reader, before: Date): Promise<string | null> {
  const { rows } = await on.query<{ id: string }>(deletedSql, [before]);
  return rows[0]?.id ?? null;
}

export async function dropWebhookEndpoint(on: Reader, id: string): Promise<void> {
  await on.query(dropSql, [id]);
}
