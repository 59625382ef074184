import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { ProviderName } from '../domain/payment.ts';
import { Secret } from '../domain/secret.ts';
import type { MasterKey, MasterKeys } from './master-key.ts';

/** Secrets of one row by name. */
export type Secrets = ReadonlyMap<string, Secret>;

/** The encrypted secrets of a row, and the id of the key that encrypts them. */
export type Sealed = { readonly keyId: string; readonly secrets: Buffer };

/** The row that the secrets belong to. They cannot be decrypted in another row. */
export type SealedRow = {
  readonly id: string;
  readonly merchantId: string;
  /** What else the secrets are bound to: the kind of row, and more of its columns. */
  readonly binding: readonly string[];
  /** What to do when the secrets are lost, as a sentence. */
  readonly remedy: string;
};

/** @param account a stored provider account. */
export function sealedAccount(account: {
  readonly id: string;
  readonly merchantId: string;
  readonly provider: ProviderName;
  readonly account: string;
}): SealedRow {
  const { id, merchantId, provider, account: name } = account;
  const remedy = `Set them again: npm run paystream -- provider update ${id} --file FILE`;
  return { id, merchantId, binding: ['provider account', provider, name], remedy };
}

/** The secrets cannot be decrypted. The message is a sentence for the operator. */
export class SealBrokenError extends Error {}

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/** Encrypts with AES-256-GCM under a random nonce. The result is the nonce, the tag and the ciphertext. */
export function seal(row: SealedRow, secrets: Secrets, { id: keyId, key }: MasterKey): Sealed {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes }).setAAD(boundTo(row));
  const plain = JSON.stringify(Object.fromEntries([...secrets].map(([name, secret]) => [name, secret.reveal()])));
  const encrypted = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return { keyId, secrets: Buffer.concat([nonce, cipher.getAuthTag(), encrypted]) };
}

/** @throws {SealBrokenError} when neither key is the right one, or the row was changed outside of this program. */
export function unseal(row: SealedRow, { keyId, secrets }: Sealed, keys: MasterKeys): Secrets {
  const { key } = keyOf(row, keyId, keys);
  try {
    const decipher = createDecipheriv(algorithm, key, secrets.subarray(0, nonceBytes), { authTagLength: tagBytes })
      .setAAD(boundTo(row))
      .setAuthTag(secrets.subarray(nonceBytes, nonceBytes + tagBytes));
    const plain = Buffer.concat([decipher.update(secrets.subarray(nonceBytes + tagBytes)), decipher.final()]);
    const texts: Record<string, string> = JSON.parse(plain.toString('utf8')); // authenticated: `seal` wrote it
    return new Map(Object.entries(texts).map(([name, text]) => [name, new Secret(text)]));
  } catch {
    // The cause is left out: it would tell only that the tag does not match.
    throw new SealBrokenError(
      `The secrets of ${row.id} do not belong to this row, or were changed in the database: store them again.`,
    );
  }
}

function keyOf({ id }: SealedRow, keyId: string, { current, old }: MasterKeys): MasterKey {
  if (current.id === keyId) return current;
  if (old?.id === keyId) return old;
  throw new SealBrokenError(
    `The secrets of ${id} are encrypted with the master key ${keyId}, and MASTER_KEY is ${current.id}: set MASTER_KEY_OLD to that key.`,
  );
}

function boundTo({ id, merchantId, binding }: SealedRow): Buffer {
  return Buffer.from(JSON.stringify(['paystream', id, merchantId, ...binding]));
}
