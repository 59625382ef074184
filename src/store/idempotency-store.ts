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

/** A row of the table. */
export type RecordedIntent = {
  readonly merchant_id: string;
  readonly owner: string;
  readonly operation: string;
  readonly key: string;
  readonly input_hash: string;
  readonly result_id: string;
  readonly attempt: number | null;
};

const findSql = `
  select merchant_id, owner, operation, key, input_hash, result_id, attempt from idempotency_keys
  where merchant_id = $1 and owner = $2 and operation = $3 and key = $4`;

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
  const { merchantId, owner, operation, key } = intent;
  const values = [merchantId, owner, operation, key];
  const { rows } = await on.query<RecordedIntent>({ name: 'find intent', text: findSql, values });
  return rows[0] === undefined ? null : claimOf(intent, rows[0]);
}

/** @throws {IdempotencyKeyReusedError} when the key was used with other input. */
export function claimOf({ inputHash }: Intent, { input_hash, result_id, attempt }: RecordedIntent): Claim {
  if (input_hash !== inputHash) throw new IdempotencyKeyReusedError();
  return { resultId: result_id, attempt };
}

/** A name of the intent's key, different for each key. */
export function nameOfIntent({ merchantId, owner, operation, key }: Intent): string {
  return JSON.stringify([merchantId, owner, operation, key]);
}

/** The row that records the result of an intent. */
export function intentRow({ merchantId, owner, operation, key, inputHash }: Intent, claim: Claim, at: Date): object {
  const { resultId, attempt } = claim;
  return {
    ...{ merchant_id: merchantId, owner, operation, key, input_hash: inputHash, result_id: resultId, attempt },
    ...{ created_at: at, needed_at: at },
  };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  const given = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  const entries = given.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, field]) => [name, sorted(field)]));
}
