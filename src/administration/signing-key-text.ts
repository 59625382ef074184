import type { NewSigningKey } from '../commands/create-signing-key.ts';
import type { SigningKey } from '../domain/signing-key.ts';
import { dayOf, minuteOf, table } from './text.ts';

export function textOfNewSigningKey({ key, secret }: NewSigningKey): string {
  const { id, merchantId, jwksUrl } = key;
  const made =
    secret === null
      ? `Tokens that the keys at ${jwksUrl} sign are accepted now for merchant ${merchantId}: signing key ${id}.`
      : `Created signing key ${id} of merchant ${merchantId}. Copy the HS256 secret now; it is not shown again:

${secret.reveal()}
`;
  const header =
    secret === null ? 'The header names the kid of the key set.' : `In the header: "alg": "HS256", "kid": "${id}".`;
  return `${made}
Your login service signs JWTs with these claims: "aud": "${merchantId}", "sub": the person's id, "role": OPERATOR, VIEWER or CUSTOMER, "exp".
${header}
To try a role: npm run paystream -- token mint --merchant ${merchantId} --role OPERATOR --subject ada
To revoke it: npm run paystream -- signing-key revoke ${id}`;
}

export function textOfRevokedSigningKey({ id, revokedAt }: SigningKey): string {
  return `Signing key ${id} was revoked at ${revokedAt?.toISOString()}.
Tokens that it signed are refused now, and their subscriptions end within a second on every node.`;
}

export function tableOfSigningKeys(keys: readonly SigningKey[]): string {
  if (keys.length === 0) return 'There is no signing key. Create one: npm run paystream -- signing-key add';
  return table(
    ['id', 'kind', 'created', 'revoked'],
    keys.map(({ id, jwksUrl, createdAt, revokedAt }) => [
      ...[id, jwksUrl ?? 'HS256 secret', dayOf(createdAt)],
      revokedAt === null ? '' : minuteOf(revokedAt),
    ]),
  );
}

export function textOfToken({ token, expiresAt }: { readonly token: string; readonly expiresAt: Date }): string {
  return `A token, valid until ${minuteOf(expiresAt)}. Send it in the header "Authorization: Bearer <token>":

${token}`;
}
