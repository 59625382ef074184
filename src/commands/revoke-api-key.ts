import type { ApiKey } from '../domain/api-key.ts';
import { NotFoundError } from '../domain/errors.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { revokeApiKey as revoke } from '../store/api-key-store.ts';

/**
 * Revokes an API key for good. Every node refuses it at once. Repeating it has no effect.
 *
 * @throws {NotFoundError} when there is no such key.
 */
export async function revokeApiKey(
  { db, clock }: Pick<CommandContext, 'db' | 'clock'>,
  keyId: string,
): Promise<ApiKey> {
  const key = await revoke(db.pool, keyId, clock.now());
  if (key === null) throw new NotFoundError('There is no such API key.');
  return key;
}
