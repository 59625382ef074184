import { NotFoundError } from '../domain/errors.ts';
import type { SigningKey } from '../domain/signing-key.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { revokeSigningKey as revoke } from '../store/signing-key-store.ts';

/**
 * Revokes a signing key for good. Every node refuses the tokens that it signed at once. Repeating it has no effect.
 *
 * @throws {NotFoundError} when there is no such key.
 */
export async function revokeSigningKey(
  { db, clock }: Pick<CommandContext, 'db' | 'clock'>,
  id: string,
): Promise<SigningKey> {
  const key = await revoke(db.pool, id, clock.now());
  if (key === null) throw new NotFoundError('There is no such signing key.');
  return key;
}
