import { createDecipheriv, type KeyObject } from 'node:crypto';
import { bytesOfBase64 } from './signature.ts';

/** A value that WeChat Pay encrypted with the APIv3 key. */
export type Encrypted = {
  readonly algorithm: string;
  /** Base64. The last 16 bytes are the authentication tag. */
  readonly ciphertext: string;
  readonly nonce: string;
  /** Not encrypted, but covered by the tag. */
  readonly associated_data?: string | null | undefined;
};

const nonceBytes = 12;
const tagBytes = 16;

/** The value was encrypted with another key or other associated data, or it was changed. */
export class DecryptionError extends Error {}

/**
 * Decrypts a value with AES-256-GCM. The tag must have 16 bytes, because a shorter tag could be guessed.
 *
 * @throws {DecryptionError} when decryption fails; {Error} when the value has another form.
 */
export function decrypt(
  { algorithm, ciphertext, nonce, associated_data: associated }: Encrypted,
  key: KeyObject,
): Buffer {
  if (algorithm !== 'AEAD_AES_256_GCM') throw new Error('The algorithm is not AEAD_AES_256_GCM.');
  const iv = Buffer.from(nonce, 'utf8');
  if (iv.length !== nonceBytes) throw new Error(`The nonce has ${iv.length} bytes, not ${nonceBytes}.`);
  const bytes = bytesOfBase64(ciphertext);
  if (bytes === null || bytes.length <= tagBytes) throw new Error('The ciphertext is incomplete.');
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(associated ?? '', 'utf8'));
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  const decrypted = decipher.update(bytes.subarray(0, -tagBytes));
  try {
    return Buffer.concat([decrypted, decipher.final()]); // final() checks the tag
  } catch (cause) {
    throw new DecryptionError('The value cannot be decrypted with this key.', { cause });
  }
}
