import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { dayMs } from '../durations.ts';
import type { Ledger, Table } from '../ledger.ts';
import { StripeRefusal } from './errors.ts';
import { canonicalForm, type FormHash } from './form.ts';

/** Stripe keeps keys for at least a day. */
export const keyLifetimeMs = dayMs;
const keyLengthMax = 255;

type IdempotencyKeyRow = {
  readonly id: string;
  readonly atMs: number;
  readonly path: string;
  readonly paramsHash: string;
  readonly status: number;
  readonly body: string;
};

export type StoredResponse = { readonly status: number; readonly body: string };

/** One request with an idempotency key. Only a digest of the parameters is stored, because they may contain card numbers. */
export type KeyedRequest = { readonly key: string; readonly path: string; readonly paramsHash: string };

export function keyedRequest(key: string, path: string, form: FormHash): KeyedRequest {
  if (key.length > keyLengthMax) {
    throw new StripeRefusal(400, {
      type: 'invalid_request_error',
      message: `Idempotency-Key may have at most ${keyLengthMax} characters.`,
    });
  }
  return { key, path, paramsHash: createHash('sha256').update(canonicalForm(form)).digest('hex') };
}

/** The responses by idempotency key. Keys in use are in memory only: a restart ends the requests that use them. */
export class IdempotencyKeys {
  #rows: Table<IdempotencyKeyRow>;
  #clock: Clock;
  #inUse = new Set<string>();

  constructor(ledger: Ledger, clock: Clock) {
    this.#rows = ledger.table('stripe_idempotency_keys');
    this.#clock = clock;
  }

  /**
   * Returns the response stored under the key. Null: the caller must execute the request, and the key is in use until `release`.
   *
   * @throws {StripeRefusal} 400 for other parameters or another endpoint, 409 while the first request is in progress.
   */
  claim(request: KeyedRequest): StoredResponse | null {
    if (this.#inUse.has(request.key)) {
      throw new StripeRefusal(409, {
        type: 'invalid_request_error',
        code: 'idempotency_key_in_use',
        message: `There is currently another in-progress request using this Idempotent Key: ${request.key}.`,
      });
    }
    const row = this.#rows.get(request.key);
    if (!row || this.#isExpired(row)) {
      this.#inUse.add(request.key);
      return null;
    }
    if (row.path !== request.path) throw mismatch(request.key, `endpoint ('${row.path}' vs '${request.path}')`);
    if (row.paramsHash !== request.paramsHash) throw mismatch(request.key, 'parameters');
    return { status: row.status, body: row.body };
  }

  release(request: KeyedRequest): void {
    this.#inUse.delete(request.key);
  }

  /** Must run inside the transaction that produced the response, so that both are committed or neither. */
  store(request: KeyedRequest, response: StoredResponse): void {
    for (const row of this.#rows.all()) {
      if (!this.#isExpired(row)) break; // oldest first
      this.#rows.delete(row.id);
    }
    const { path, paramsHash } = request;
    this.#rows.put({ id: request.key, atMs: this.#clock.nowMs(), path, paramsHash, ...response });
  }

  #isExpired(row: IdempotencyKeyRow): boolean {
    return this.#clock.nowMs() - row.atMs > keyLifetimeMs;
  }
}

function mismatch(key: string, difference: string): StripeRefusal {
  return new StripeRefusal(400, {
    type: 'idempotency_error',
    message:
      `Keys for idempotent requests can only be used with the same ${difference} they were first used with. ` +
      `Try using a key other than '${key}' if you meant to execute a different request.`,
  });
}
