import type { Database } from '../database/database.ts';
import type { ApiKey, KeyHolder } from '../domain/api-key.ts';
import { after } from '../domain/clock.ts';

type Reader = Pick<Database['pool'], 'query'>;

const usePrecisionMs = 60_000;

const columns = `
  id, merchant_id as "merchantId", name, hint, created_at as "createdAt", last_used_at as "lastUsedAt", revoked_at as "revokedAt"`;
const insertSql = `
  insert into api_keys (id, merchant_id, name, hash, hint, created_at) values ($1, $2, $3, $4, $5, $6)`;
const listSql = `select ${columns} from api_keys where merchant_id = $1 order by id`;
const findStatement = {
  name: 'holders of api keys',
  text: `
    select k.hash, k.id as "keyId", k.merchant_id as "merchantId", m.return_origins as "returnOrigins", m.web_origins as "webOrigins"
    from api_keys k join merchants m on m.id = k.merchant_id where k.hash = any($1::bytea[]) and k.revoked_at is null`,
};
const revokeSql = `
  update api_keys set revoked_at = coalesce(revoked_at, $2) where id = $1 returning ${columns}`;
const revokedSql = `
  select used.id from unnest($1::text[]) as used(id)
  where not exists (select from api_keys k where k.id = used.id and k.revoked_at is null)
    and not exists (select from signing_keys k where k.id = used.id and k.revoked_at is null)`;
const usedSql = `
  update api_keys set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at <= $3)`;

export async function insertApiKey(on: Reader, key: ApiKey, hash: Buffer): Promise<void> {
  const { id, merchantId, name, hint, createdAt } = key;
  await on.query(insertSql, [id, merchantId, name, hash, hint, createdAt]);
}

/** All keys of a merchant, the oldest first, with those that are revoked. */
export async function listApiKeys(on: Reader, merchantId: string): Promise<readonly ApiKey[]> {
  const { rows } = await on.query<ApiKey>(listSql, [merchantId]);
  return rows;
}

/** The holders of the active keys with these hashes; null for a hash without one. */
export async function findKeyHolders(on: Reader, hashes: readonly Buffer[]): Promise<(KeyHolder | null)[]> {
  const { rows } = await on.query<KeyHolder & { hash: Buffer }>({ ...findStatement, values: [hashes] });
  return hashes.map((hash) => rows.find((row) => row.hash.equals(hash)) ?? null);
}

/** Revokes a key for good. Revoking it again keeps the first time. Null when there is no such key. */
export async function revokeApiKey(on: Reader, keyId: string, at: Date): Promise<ApiKey | null> {
  const { rows } = await on.query<ApiKey>(revokeSql, [keyId, at]);
  return rows[0] ?? null;
}

/** Those of the API keys and signing keys that are revoked or deleted. */
export async function findRevoked(on: Reader, keyIds: readonly string[]): Promise<readonly string[]> {
  const { rows } = await on.query<{ id: string }>(revokedSql, [keyIds]);
  return rows.map(({ id }) => id);
}

/** Records the use of a key, at most once a minute. */
export async function recordKeyUse(on: Reader, keyId: string, at: Date): Promise<void> {
  await on.query(usedSql, [keyId, at, after(at, -usePrecisionMs)]);
}
