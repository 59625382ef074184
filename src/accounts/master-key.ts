import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

/** A key that encrypts the secrets of provider accounts. `id` identifies it without telling anything about it. */
export type MasterKey = { readonly id: string; readonly key: KeyObject };

/** The key that encrypts, and during a rotation the old one, which only decrypts. */
export type MasterKeys = { readonly current: MasterKey; readonly old: MasterKey | null };

const keyBytes = 32;

/**
 * Reads a key: 32 bytes in base64 or in hexadecimal digits.
 *
 * @throws {Error} whose message continues a sentence that begins with the variable's name, and shows nothing of the key.
 */
export function readMasterKey(text: string): MasterKey {
  const bytes = /^[\da-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : bytesOfBase64(text);
  if (bytes?.length !== keyBytes) {
    throw new Error(
      'must be 32 random bytes in base64 or hexadecimal digits. Create one with: openssl rand -base64 32',
    );
  }
  if (bytes.every((byte) => byte === bytes[0])) throw new Error('is not random: all its bytes are equal.');
  const key = createSecretKey(bytes);
  return { id: createHmac('sha256', key).update('paystream: id of a master key').digest('hex').slice(0, 16), key };
}

/** Outside production a server without MASTER_KEY derives its master key from the development token, so that everything can be tried. */
export function developmentMasterKeys(developmentToken: string): MasterKeys {
  const bytes = hkdfSync('sha256', developmentToken, '', 'paystream development master key', keyBytes);
  return { current: readMasterKey(Buffer.from(bytes).toString('hex')), old: null };
}

function bytesOfBase64(text: string): Buffer | null {
  return /^[\w+/-]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : null;
}
