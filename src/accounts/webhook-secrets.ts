import { randomBytes } from 'node:crypto';
import { Secret } from '../domain/secret.ts';
import type { MasterKey, MasterKeys } from './master-key.ts';
import { type Sealed, type SealedRow, seal, unseal } from './sealing.ts';

/** What messages to an endpoint are signed with. `previous` is null unless a rotation is under way. */
export type WebhookSecrets = { readonly current: Secret; readonly previous: Secret | null };

type Row = { readonly id: string; readonly merchantId: string };

const secretPrefix = 'whsec_';
const secretBytes = 32;
/** The limits of the Standard Webhooks specification. */
const secretBytesMin = 24;
const secretBytesMax = 64;

/** A new secret as Standard Webhooks writes it: `whsec_` and 32 random bytes in base64. */
export function newWebhookSecret(): Secret {
  return new Secret(`${secretPrefix}${randomBytes(secretBytes).toString('base64')}`);
}

/** Why a secret cannot be used, as the end of a sentence that begins with the name of the field; null when it can. */
export function webhookSecretProblem(text: string): string | null {
  const base64 = text.startsWith(secretPrefix) ? text.slice(secretPrefix.length) : '';
  const bytes = Buffer.from(base64, 'base64');
  const isBase64 = bytes.toString('base64') === base64;
  return isBase64 && bytes.length >= secretBytesMin && bytes.length <= secretBytesMax
    ? null
    : `must be ${secretPrefix} and ${secretBytesMin} to ${secretBytesMax} bytes in base64.`;
}

/** The key of the HMAC. */
export function webhookKeyOf(secret: Secret): Buffer {
  return Buffer.from(secret.reveal().slice(secretPrefix.length), 'base64');
}

/** What the secrets of an endpoint are bound to. */
export function sealedEndpoint({ id, merchantId }: Row): SealedRow {
  const remedy = `Make a new one: npm run paystream -- webhook rotate-secret ${id}`;
  return { id, merchantId, binding: ['webhook endpoint'], remedy };
}

export function sealWebhookSecrets(row: Row, { current, previous }: WebhookSecrets, key: MasterKey): Sealed {
  const secrets = new Map([['current', current], ...(previous === null ? [] : [['previous', previous] as const])]);
  return seal(sealedEndpoint(row), secrets, key);
}

/** @throws {SealBrokenError} when they cannot be decrypted. */
export function unsealWebhookSecrets(row: Row, sealed: Sealed, masterKeys: MasterKeys): WebhookSecrets {
  const secrets = unseal(sealedEndpoint(row), sealed, masterKeys);
  const current = secrets.get('current');
  if (current === undefined) throw new Error(`${row.id} has no secret. This is a bug.`);
  return { current, previous: secrets.get('previous') ?? null };
}
