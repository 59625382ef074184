import { SignJWT } from 'jose';
import { z } from 'zod';
import type { MasterKeys } from '../accounts/master-key.ts';
import { NotFoundError } from '../domain/errors.ts';
import { isId } from '../domain/ids.ts';
import { tokenRoles } from '../domain/signing-key.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { findActiveSigningKeys } from '../store/signing-key-store.ts';
import { parseInput } from './input.ts';
import { secretOf } from './signing-key-secret.ts';
import { subject } from './token-claims.ts';

const daySeconds = 86_400;

const inputSchema = z.object({
  merchantId: z.string().refine((id) => isId('merchant', id), 'is not a merchant id.'),
  role: z.enum(tokenRoles, `must be one of ${tokenRoles.join(', ')}.`),
  subject,
  expiresInSeconds: z.int().min(1, 'must be 1 to 86400.').max(daySeconds, 'must be 1 to 86400.'),
});

/**
 * Signs a JWT with the merchant's newest HS256 secret, for trying a role. A merchant's own server signs tokens in the same way.
 *
 * @throws {InvalidInputError} @throws {NotFoundError} when the merchant has no such secret.
 */
export async function mintToken(
  { db, clock, masterKeys }: Pick<CommandContext, 'db' | 'clock'> & { readonly masterKeys: MasterKeys | null },
  input: unknown,
): Promise<{ readonly token: string; readonly expiresAt: Date }> {
  const { merchantId, role, subject: sub, expiresInSeconds } = parseInput(inputSchema, input);
  const keys = await findActiveSigningKeys(db.pool, merchantId);
  const key = keys.find(({ jwksUrl }) => jwksUrl === null);
  const secret = key === undefined || masterKeys === null ? null : secretOf(key, masterKeys);
  if (key === undefined || secret === null) {
    throw new NotFoundError('The merchant has no HS256 secret. Create one: npm run paystream -- signing-key add');
  }
  const now = clock.now();
  const expiresAt = new Date(Math.floor(now.getTime() / 1000) * 1000 + expiresInSeconds * 1000);
  const token = await new SignJWT({ role })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: key.id })
    .setSubject(sub)
    .setAudience(merchantId)
    .setIssuedAt(now)
    .setExpirationTime(expiresAt)
    .sign(Buffer.from(secret.reveal()));
  return { token, expiresAt };
}
