import { createDecipheriv, type KeyObject } from 'node:crypto';
import { bytesOfBase64 } from './signature.ts';

/** What WeChat Pay encrypts with the APIv3 key. */
export type Encrypted = {
  readonly algorithm: string;
  /** Base64; its last 16 bytes are the tag. */
  readonly ciphertext: string;
  readonly nonce: string;
  /** Not secret, but covered by the tag. */
  readonly associated_data?: string | null | undefined;
};

const nonceBytes = 12;
const tagBytes = 16;

/** It was not encrypted with this key and this associated data, or was changed since. */
export class DecryptionError extends Error {}

/**
 * Opens what is encrypted with AES-256-GCM. A shorter tag could be guessed, so it is 16 bytes or nothing.
 * @throws {DecryptionError} when it does not open; {Error} when it is nothing that could.
 */
export function decrypt(
  { algorithm, ciphertext, nonce, associated_data: associated }: Encrypted,
  key: KeyObject,
): Buffer {
  if (algorithm !== 'AEAD_AES_256_GCM') throw new Error('It is encrypted by another algorithm than AEAD_AES_256_GCM.');
  const iv = Buffer.from(nonce, 'utf8');
  if (iv.length !== nonceBytes) throw new Error(`Its nonce has ${iv.length} bytes, not ${nonceBytes}.`);
  const bytes = bytesOfBase64(ciphertext);
  if (bytes === null || bytes.length <= tagBytes) throw new Error('Its ciphertext is not whole.');
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(associated ?? '', 'utf8'));
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  const opened = decipher.update(bytes.subarray(0, -tagBytes));
  try {
    return Buffer.concat([opened, decipher.final()]); // final() is what checks the tag
  } catch (cause) {
    throw new DecryptionError('It does not open with this key.', { cause });
  }
}
