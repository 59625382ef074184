import { z } from 'zod';
import type { ApiKey } from '../domain/api-key.ts';
import { NotFoundError } from '../domain/errors.ts';
import { isId, newId } from '../domain/ids.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { insertApiKey } from '../store/api-key-store.ts';
import { findMerchant } from '../store/merchant-store.ts';
import { hashOfToken, hintOf, type KeyMode, newToken } from './api-key-token.ts';
import { name, parseInput } from './input.ts';

const inputSchema = z.object({
  merchantId: z.string().refine((id) => isId('merchant', id), 'is not a merchant id.'),
  name: name(64),
});

/** A key with its token, which is returned this once and not stored. */
export type NewApiKey = { readonly key: ApiKey; readonly token: string };

/**
 * Creates an API key of a merchant. Its token works on servers of this mode only.
 *
 * @throws {InvalidInputError} @throws {NotFoundError} when there is no such merchant.
 */
export async function createApiKey(
  { db, clock }: Pick<CommandContext, 'db' | 'clock'>,
  input: unknown,
  mode: KeyMode,
): Promise<NewApiKey> {
  const { merchantId, name } = parseInput(inputSchema, input);
  if ((await findMerchant(db.pool, merchantId)) === null) throw new NotFoundError('There is no such merchant.');
  const token = newToken(mode);
  const key: ApiKey = {
    id: newId('apiKey'),
    ...{ merchantId, name },
    hint: hintOf(token),
    createdAt: clock.now(),
    lastUsedAt: null,
    revokedAt: null,
  };
  await insertApiKey(db.pool, key, hashOfToken(token));
  return { key, token };
}
