import { createHash } from 'node:crypto';
import type { Tx } from '../database/database.ts';
import { IdempotencyKeyReusedError } from '../domain/errors.ts';
import { toJson } from './rows.ts';

/**
 * One request under an idempotency key. Two requests are the same when key and input hash are equal. Each customer and each buyer has keys
 * of their own.
 */
export type Intent = {
  readonly merchantId: string;
  /** `customer:<id>` or `order:<id>`; empty for the merchant’s servers and operators, who share their keys. */
  readonly owner: string;
  readonly operation: 'createOrder' | 'payOrder' | 'capturePayment' | 'requestRefund';
  readonly key: string;
  readonly inputHash: string;
};

/** The recorded result of an intent. `attempt` is the number of the capture attempt; null for other operations. */
export type Claim = { readonly resultId: string; readonly attempt: number | null };

const findSql = `
  select input_hash, result_id, attempt from idempotency_keys 
  where merchant_id = $1 and owner = $2 and operation = $3 and key = $4`;
// If another open transaction has inserted the same key, this statement waits. It inserts nothing when that one commits.
const insertSql = `
  insert into idempotency_keys (merchant_id, owner, operation, key, input_hash, result_id, attempt, created_at, needed_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $8) on conflict do nothing`;

/** A hash of an input. The order of object keys has no effect, and null is equal to an omitted field. */
export function hashOf(input: unknown): string {
  return createHash('sha256')
    .update(toJson(sorted(input)))
    .digest('hex');
}

/**
 * The recorded result of the intent's key; null when the key is new.
 *
 * @throws {IdempotencyKeyReusedError} when the key was used with other input.
 */
export async function findIntent(on: Pick<Tx, 'query'>, intent: Intent): Promise<Claim | null> {
  const { rows } = await on.query<{ input_hash: string; result_id: string; attempt: number | null }>(findSql, [
    intent.merchantId,
    intent.owner,
    intent.operation,
    intent.key,
  ]);
  const [row] = rows;
  if (row === undefined) return null;
  if (row.input_hash !== intent.inputHash) throw new IdempotencyKeyReusedError();
  return { resultId: row.result_id, attempt: row.attempt };
}

/**
 * The `turn` for a transaction that claims a key without an order's lock. Without it, each transaction that waits for the
 * same key would occupy a connection.
 */
export function turnOf({ merchantId, owner, operation, key }: Intent): string {
  return `${merchantId} ${owner} ${operation} ${key}`;
}

/** Claims the key. Returns false when another transaction has committed the same key. */
export async function insertIntent(tx: Tx, intent: Intent, { resultId, attempt }: Claim, at: Date): Promise<boolean> {
  const { merchantId, owner, operation, key, inputHash } = intent;
  const { rowCount } = await tx.query(insertSql, [merchantId, owner, operation, key, inputHash, resultId, attempt, at]);
  return rowCount === 1;
}

/**
 * Claims a key while the order's lock is held, after `findIntent` did not find it.
 *
 * @throws {IdempotencyKeyReusedError} when a call for another order, and thus with other input, has committed the same key
 * since.
 */
export async function claimIntent(tx: Tx, intent: Intent, claim: Claim, at: Date): Promise<void> {
  if (await insertIntent(tx, intent, claim, at)) return;
  await findIntent(tx, intent);
  throw new Error('The idempotency key belongs to the same input for another order. This is a bug.');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  const given = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  const entries = given.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, field]) => [name, sorted(field)]));
}
