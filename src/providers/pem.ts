import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

const bitsMin = 2048;

/**
 * Reads an RSA private key in PKCS#8 or PKCS#1 from PEM, or from its base64 content without the PEM lines.
 *
 * @throws {Error} whose message continues a sentence that begins with the variable's name. It never contains the key.
 */
export function readPrivateKey(given: string): KeyObject {
  const text = withLines(given);
  if (/BEGIN (RSA )?PUBLIC KEY/.test(text)) throw new Error('contains a public key: set the private key.');
  if (/BEGIN CERTIFICATE/.test(text)) throw new Error('contains a certificate: set the private key.');
  if (/BEGIN ENCRYPTED/.test(text)) throw new Error('is encrypted with a pass phrase: set it without one.');
  const key = privateFrom(text);
  if (key !== null) return checked(key);
  if (publicFrom(text) !== null) throw new Error('contains a public key: set the private key.');
  throw new Error('is not a readable private key in PKCS#8 or PKCS#1.');
}

/**
 * Reads an RSA public key from PEM, from a certificate, or from its base64 content without the PEM lines.
 *
 * @throws {Error} whose message continues a sentence that begins with the variable's name.
 */
export function readPublicKey(given: string): KeyObject {
  const text = withLines(given);
  // Node derives the public key from a private key without an error, which would hide that the wrong key is configured.
  if (text.includes('PRIVATE KEY') || privateFrom(text) !== null) {
    throw new Error('contains a private key: set the provider’s public key.');
  }
  const key = publicFrom(text);
  if (key === null) throw new Error('is not a readable public key or certificate.');
  return checked(key);
}

/**
 * Reads several keys or certificates from one value: consecutive PEM texts, or parts separated by commas.
 *
 * @param read throws an error whose message continues a sentence that begins with the variable's name.
 */
export function keysIn<T>(given: string, read: (text: string) => T): readonly [T, ...T[]] {
  const parts = withLines(given)
    .split(',')
    .flatMap((part) => part.match(/-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----/gs) ?? [part]);
  const [first, ...others] = parts.map(read);
  if (first === undefined) throw new Error('is empty.');
  return [first, ...others];
}

function privateFrom(text: string): KeyObject | null {
  if (text.includes('-----BEGIN')) return attempt(() => createPrivateKey(text));
  const key = bytesOf(text);
  return (
    attempt(() => createPrivateKey({ key, format: 'der', type: 'pkcs8' })) ??
    attempt(() => createPrivateKey({ key, format: 'der', type: 'pkcs1' }))
  );
}

function publicFrom(text: string): KeyObject | null {
  if (text.includes('-----BEGIN')) return attempt(() => createPublicKey(text));
  const key = bytesOf(text);
  return (
    attempt(() => createPublicKey({ key, format: 'der', type: 'spki' })) ??
    attempt(() => createPublicKey({ key, format: 'der', type: 'pkcs1' }))
  );
}

/**
 * True when the two keys are one pair. Configured by mistake, our own public key would verify the provider's
 * signatures.
 */
export function isPairOf(publicKey: KeyObject, privateKey: KeyObject): boolean {
  const own = createPublicKey(privateKey);
  return own.equals(publicKey);
}

/** A single-line variable often has `\\n` in place of line breaks. */
function withLines(text: string): string {
  return text.replaceAll('\\n', '\n');
}

function checked(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== 'rsa') throw new Error(`must be an RSA key, not ${key.asymmetricKeyType}.`);
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < bitsMin) throw new Error(`must have at least ${bitsMin} bits, not ${bits}.`);
  return key;
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s+/g, ''), 'base64');
}

function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null; // // not in this format
  }
}
