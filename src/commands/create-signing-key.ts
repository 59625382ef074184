import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { masterKeyMissing } from '../accounts/account-settings.ts';
import type { MasterKeys } from '../accounts/master-key.ts';
import { seal } from '../accounts/sealing.ts';
import { InvalidInputError, NotFoundError } from '../domain/errors.ts';
import { isId, newId } from '../domain/ids.ts';
import { Secret } from '../domain/secret.ts';
import type { SigningKey } from '../domain/signing-key.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { findMerchant } from '../store/merchant-store.ts';
import { insertSigningKey } from '../store/signing-key-store.ts';
import { parseInput } from './input.ts';
import { sealedRowOf, secretName } from './signing-key-secret.ts';

const secretBytes = 32;

const inputSchema = z.object({
  merchantId: z.string().refine((id) => isId('merchant', id), 'is not a merchant id.'),
  jwksUrl: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL.' })
    .max(2048, 'must have at most 2048 characters.')
    .nullish(),
});

/** A signing key. `secret` is a new HS256 secret, returned this once; null for a JWKS URL. */
export type NewSigningKey = { readonly key: SigningKey; readonly secret: Secret | null };

/**
 * Creates a signing key of a merchant: with an HS256 secret of 256 random bits, or with a JWKS URL.
 *
 * @throws {InvalidInputError} @throws {NotFoundError} when there is no such merchant.
 */
export async function createSigningKey(
  {
    db,
    clock,
    masterKeys,
    isProduction,
  }: Pick<CommandContext, 'db' | 'clock'> & { readonly masterKeys: MasterKeys | null; readonly isProduction: boolean },
  input: unknown,
): Promise<NewSigningKey> {
  const { merchantId, jwksUrl } = parseInput(inputSchema, input);
  if (jwksUrl != null && isProduction && !jwksUrl.startsWith('https:')) {
    throw new InvalidInputError([{ path: 'jwksUrl', message: 'must be https in production.' }]);
  }
  if ((await findMerchant(db.pool, merchantId)) === null) throw new NotFoundError('There is no such merchant.');
  const key: SigningKey = {
    id: newId('signingKey'),
    ...{ merchantId, jwksUrl: jwksUrl ?? null, createdAt: clock.now(), revokedAt: null },
  };
  if (key.jwksUrl !== null) {
    await insertSigningKey(db.pool, { ...key, secret: null, keyId: null });
    return { key, secret: null };
  }
  if (masterKeys === null) throw new InvalidInputError([{ path: 'MASTER_KEY', message: masterKeyMissing }]);
  const secret = new Secret(randomBytes(secretBytes).toString('base64url'));
  const sealed = seal(sealedRowOf(key), new Map([[secretName, secret]]), masterKeys.current);
  await insertSigningKey(db.pool, { ...key, secret: sealed.secrets, keyId: sealed.keyId });
  return { key, secret };
}
