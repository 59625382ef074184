import type { MasterKeys } from '../accounts/master-key.ts';
import { type SealedRow, unseal } from '../accounts/sealing.ts';
import type { Secret } from '../domain/secret.ts';
import type { SigningKey } from '../domain/signing-key.ts';
import type { StoredSigningKey } from '../store/signing-key-store.ts';

export const secretName = 'secret';

/** What the secret of a signing key is bound to. */
export function sealedRowOf({ id, merchantId }: Pick<SigningKey, 'id' | 'merchantId'>): SealedRow {
  const remedy = `Revoke it and create another: npm run paystream -- signing-key revoke ${id}`;
  return { id, merchantId, binding: ['signing key'], remedy };
}

/** The HS256 secret of a key; null for a JWKS URL. @throws {SealBrokenError} when it cannot be decrypted. */
export function secretOf(key: StoredSigningKey, masterKeys: MasterKeys): Secret | null {
  const { secret, keyId } = key;
  if (secret === null || keyId === null) return null;
  return unseal(sealedRowOf(key), { secrets: secret, keyId }, masterKeys).get(secretName) ?? null;
}
