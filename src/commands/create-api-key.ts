import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { ApiKey } from '../domain/api-key.ts';
import { NotFoundError } from '../domain/errors.ts';
import { isId, newId } from '../domain/ids.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { insertApiKey } from '../store/api-key-store.ts';
import { findMerchant } from '../store/merchant-store.ts';
import { parseInput, text } from './input.ts';

const inputSchema = z.object({
  merchantId: z.string().refine((id) => isId('merchant', id), 'is not a merchant id.'),
  name: text(1, 64),
});

const tokenBytes = 32;
const hintCharacters = 4;

/** A key with its token, which is returned this once and not stored. */
export type NewApiKey = { readonly key: ApiKey; readonly token: string };

/**
 * Creates an API key of a merchant. The prefix of its token, `sk_live_` or `sk_test_`, says whether it moves real money.
 *
 * @throws {InvalidInputError} @throws {NotFoundError} when there is no such merchant.
 */
export async function createApiKey(
  { db, clock }: Pick<CommandContext, 'db' | 'clock'>,
  input: unknown,
  mode: 'live' | 'test',
): Promise<NewApiKey> {
  const { merchantId, name } = parseInput(inputSchema, input);
  if ((await findMerchant(db.pool, merchantId)) === null) throw new NotFoundError('There is no such merchant.');
  const token = `sk_${mode}_${randomBytes(tokenBytes).toString('base64url')}`;
  const key: ApiKey = {
    id: newId('apiKey'),
    ...{ merchantId, name },
    hint: `sk_${mode}_…${token.slice(-hintCharacters)}`,
    createdAt: clock.now(),
    lastUsedAt: null,
    revokedAt: null,
  };
  await insertApiKey(db.pool, key, hashOfToken(token));
  return { key, token };
}

/** The form in which a token is stored. It has 256 random bits, so a plain SHA-256 cannot be searched through. */
export function hashOfToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
