import type { Database } from '../database/database.ts';
import type { SigningKey } from '../domain/signing-key.ts';

type Reader = Pick<Database['pool'], 'query'>;

/** A signing key as it is stored. `secret` is encrypted with the master key `keyId`; both are null for a JWKS URL. */
export type StoredSigningKey = SigningKey & { readonly secret: Buffer | null; readonly keyId: string | null };

/** An active key with what authentication needs of its merchant. */
export type ActiveSigningKey = StoredSigningKey & {
  readonly returnOrigins: readonly string[];
  readonly webOrigins: readonly string[];
};

const columns = `
  k.id, k.merchant_id as "merchantId", k.secret, k.key_id as "keyId", k.jwks_url as "jwksUrl", k.created_at as "createdAt",
  k.revoked_at as "revokedAt"`;
const insertSql = `
  insert into signing_keys (id, merchant_id, secret, key_id, jwks_url, created_at) values ($1, $2, $3, $4, $5, $6)`;
const listSql = `select ${columns} from signing_keys k where k.merchant_id = $1 order by k.id`;
const activeSql = `
  select ${columns}, m.return_origins as "returnOrigins", m.web_origins as "webOrigins"
  from signing_keys k join merchants m on m.id = k.merchant_id where k.merchant_id = $1 and k.revoked_at is null order by k.id desc`;
const revokeSql = `
  update signing_keys k set revoked_at = coalesce(revoked_at, $2) where id = $1 returning ${columns}`;
const countSql = `
  select key_id as "keyId", count(*)::int as count from signing_keys where key_id is not null and revoked_at is null
  group by 1 order by 1`;
const sealedSql = `
  select ${columns} from signing_keys k where k.key_id <> $1 and k.id > $2 order by k.id limit $3 for update`;
const resealSql = 'update signing_keys set secret = $2, key_id = $3 where id = $1';

export async function insertSigningKey(on: Reader, key: StoredSigningKey): Promise<void> {
  const { id, merchantId, secret, keyId, jwksUrl, createdAt } = key;
  await on.query(insertSql, [id, merchantId, secret, keyId, jwksUrl, createdAt]);
}

/** All signing keys of a merchant, the oldest first, with those that are revoked. */
export async function listSigningKeys(on: Reader, merchantId: string): Promise<readonly StoredSigningKey[]> {
  const { rows } = await on.query<StoredSigningKey>(listSql, [merchantId]);
  return rows;
}

/** The active signing keys of a merchant, the newest first. */
export async function findActiveSigningKeys(on: Reader, merchantId: string): Promise<readonly ActiveSigningKey[]> {
  const { rows } = await on.query<ActiveSigningKey>(activeSql, [merchantId]);
  return rows;
}

/** Revokes a key for good. Revoking it again keeps the first time. Null when there is no such key. */
export async function revokeSigningKey(on: Reader, id: string, at: Date): Promise<SigningKey | null> {
  const { rows } = await on.query<StoredSigningKey>(revokeSql, [id, at]);
  return rows[0] ?? null;
}

/** The number of HS256 secrets by the master key that encrypts them. */
export async function countSigningKeys(
  on: Reader,
): Promise<readonly { readonly keyId: string; readonly count: number }[]> {
  const { rows } = await on.query<{ keyId: string; count: number }>(countSql);
  return rows;
}

/**
 * Encrypts a batch of keys again, in the order of their ids. `encrypt` returns null for a key that stays as it is. Returns the ids of the
 * batch.
 */
export function resealSigningKeys(
  db: Database,
  { keyId, after, limit }: { readonly keyId: string; readonly after: string; readonly limit: number },
  encrypt: (key: StoredSigningKey) => Buffer | null,
): Promise<readonly string[]> {
  return db.transaction(async (tx) => {
    const { rows } = await tx.query<StoredSigningKey>(sealedSql, [keyId, after, limit]);
    for (const row of rows) {
      const secret = encrypt(row);
      if (secret !== null) await tx.query(resealSql, [row.id, secret, keyId]);
    }
    return rows.map(({ id }) => id);
  });
}
