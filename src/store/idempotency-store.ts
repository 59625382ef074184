import { createHash } from 'node:crypto';
import type { Tx } from '../database/database.ts';
import { IdempotencyKeyReusedError } from '../domain/errors.ts';
import { toJson } from './rows.ts';

/** One intent of one merchant: the key names it, the hash of the input proves that it is the same one. */
export type Intent = {
  readonly merchantId: string;
  readonly operation: 'createOrder' | 'payOrder' | 'capturePayment' | 'requestRefund';
  readonly key: string;
  readonly inputHash: string;
};

/** What an intent has led to: the id of its result and, where it captures a payment, which attempt to capture it is. */
export type Claim = { readonly resultId: string; readonly attempt: number | null };

const findSql = `
  select input_hash, result_id, attempt from idempotency_keys where merchant_id = $1 and operation = $2 and key = $3`;
// Waits while another transaction holds the same key, and inserts nothing when that one commits.
const insertSql = `
  insert into idempotency_keys (merchant_id, operation, key, input_hash, result_id, attempt, created_at)
  values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`;

/** Equal for inputs that mean the same: the order of an object's keys does not count, and null is as good as left out. */
export function hashOf(input: unknown): string {
  return createHash('sha256')
    .update(toJson(sorted(input)))
    .digest('hex');
}

/**
 * What the intent's key stands for already, or null when the key is new.
 * @throws {IdempotencyKeyReusedError} when the key was used with other input.
 */
export async function findIntent(tx: Tx, intent: Intent): Promise<Claim | null> {
  const { rows } = await tx.query<{ input_hash: string; result_id: string; attempt: number | null }>(findSql, [
    intent.merchantId,
    intent.operation,
    intent.key,
  ]);
  const [row] = rows;
  if (row === undefined) return null;
  if (row.input_hash !== intent.inputHash) throw new IdempotencyKeyReusedError();
  return { resultId: row.result_id, attempt: row.attempt };
}

/** The turn to take for a transaction that claims a key outside the lock of an order: others with the same key would wait for it. */
export function turnOf({ merchantId, operation, key }: Intent): string {
  return `${merchantId} ${operation} ${key}`;
}

/** Claims the key; false when somebody else committed the same key meanwhile. */
export async function insertIntent(tx: Tx, intent: Intent, { resultId, attempt }: Claim, at: Date): Promise<boolean> {
  const { merchantId, operation, key, inputHash } = intent;
  const { rowCount } = await tx.query(insertSql, [merchantId, operation, key, inputHash, resultId, attempt, at]);
  return rowCount === 1;
}

/**
 * Claims the key within the lock of one order, where it was just looked for.
 * @throws {IdempotencyKeyReusedError} when another order's call with the key, and so with other input, committed this moment.
 */
export async function claimIntent(tx: Tx, intent: Intent, claim: Claim, at: Date): Promise<void> {
  if (await insertIntent(tx, intent, claim, at)) return;
  await findIntent(tx, intent);
  throw new Error('An idempotency key was refused, and is the same intent on another order.');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  const given = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  const entries = given.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, field]) => [name, sorted(field)]));
}
