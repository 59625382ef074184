import type { Database } from '../database/database.ts';

type Reader = Pick<Database['pool'], 'query'>;

/** One request to an endpoint. */
export type WebhookAttempt = {
  /** `wha_…` */
  readonly id: string;
  readonly endpointId: string;
  readonly eventId: string;
  readonly url: string;
  /** Without the signature. */
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly requestBody: string;
  /** Null when no answer came. */
  readonly responseStatus: number | null;
  /** The beginning of the answer. */
  readonly responseBody: string | null;
  /** Why it failed, as a sentence; null when it succeeded. */
  readonly error: string | null;
  readonly attemptedAt: Date;
  readonly durationMs: number;
};

const columns = `
  a.id, a.endpoint_id as "endpointId", a.event_id as "eventId", a.url, a.request_headers as "requestHeaders", a.request_body as "requestBody",
  a.response_status as "responseStatus", a.response_body as "responseBody", a.error, a.attempted_at as "attemptedAt",
  a.duration_ms as "durationMs"`;
const insertSql = `
  insert into webhook_attempts
    (id, endpoint_id, event_id, url, request_headers, request_body, response_status, response_body, error, attempted_at, duration_ms)
  values ($1, $2, $3, $4, $5::jsonb, $6, $7, $8, $9, $10, $11)`;
const listSql = `
  select ${columns} from unnest($2::text[]) wanted(id) cross join lateral (
    select * from webhook_attempts a where a.endpoint_id = $1 and a.event_id = wanted.id order by a.id desc limit $3
  ) a order by a.event_id, a.id desc`;
const pruneSql = `
  delete from webhook_attempts where id in (
    select id from webhook_attempts where attempted_at < $1 order by attempted_at limit $2 for update skip locked
  )`;
const dropSql = `
  delete from webhook_attempts where id in (select id from webhook_attempts where endpoint_id = $1 limit $2)`;

export async function insertWebhookAttempt(on: Reader, attempt: WebhookAttempt): Promise<void> {
  const { id, endpointId, eventId, url, requestHeaders, requestBody, responseStatus } = attempt;
  const { responseBody, error, attemptedAt, durationMs } = attempt;
  const values = [
    ...[id, endpointId, eventId, url, JSON.stringify(requestHeaders), requestBody, responseStatus],
    ...[responseBody, error, attemptedAt, durationMs],
  ];
  await on.query({ name: 'insert webhook attempt', text: insertSql, values });
}

/** The newest attempts of several messages of one endpoint, at most `limit` of each, the newest first. */
export async function listWebhookAttempts(
  on: Reader,
  endpointId: string,
  eventIds: readonly string[],
  limit: number,
): Promise<readonly WebhookAttempt[]> {
  const { rows } = await on.query<WebhookAttempt>(listSql, [endpointId, eventIds, limit]);
  return rows;
}

/** Deletes attempts that were made before a time. Returns their number. */
export async function pruneWebhookAttempts(on: Reader, before: Date, limit: number): Promise<number> {
  return (await on.query(pruneSql, [before, limit])).rowCount ?? 0;
}

export async function dropWebhookAttempts(on: Reader, endpointId: string, limit: number): Promise<number> {
  return (await on.query(dropSql, [endpointId, limit])).rowCount ?? 0;
}
