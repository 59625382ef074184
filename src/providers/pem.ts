import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

const bitsMin = 2048;

/**
 * An RSA private key from PEM or from the bare base64 between its lines, PKCS#8 or PKCS#1.
 * @throws {Error} with half a sentence that goes on from the variable's name, and never holds the key.
 */
export function readPrivateKey(given: string): KeyObject {
  const text = withLines(given);
  if (/BEGIN (RSA )?PUBLIC KEY/.test(text)) throw new Error('holds a public key; the private one belongs here.');
  if (/BEGIN CERTIFICATE/.test(text)) throw new Error('holds a certificate; the private key belongs here.');
  if (/BEGIN ENCRYPTED/.test(text)) throw new Error('is encrypted with a pass phrase; give it without one.');
  const key = privateFrom(text);
  if (key !== null) return checked(key);
  if (publicFrom(text) !== null) throw new Error('holds a public key; the private one belongs here.');
  throw new Error('is no private key, PKCS#8 or PKCS#1, that can be read.');
}

/**
 * An RSA public key from PEM, from a certificate, or from the bare base64 between its lines.
 * @throws {Error} with half a sentence that goes on from the variable's name.
 */
export function readPublicKey(given: string): KeyObject {
  const text = withLines(given);
  // Node would derive the public half of a private key, and nobody would notice that the wrong one was given.
  if (text.includes('PRIVATE KEY') || privateFrom(text) !== null) {
    throw new Error('holds a private key; the provider’s public key belongs here.');
  }
  const key = publicFrom(text);
  if (key === null) throw new Error('is no public key and no certificate that can be read.');
  return checked(key);
}

/**
 * The keys or certificates that one value holds: PEM texts one after the other, or parts with a comma between.
 * @param read throws half a sentence that goes on from the variable's name.
 */
export function keysIn<T>(given: string, read: (text: string) => T): readonly [T, ...T[]] {
  const parts = withLines(given)
    .split(',')
    .flatMap((part) => part.match(/-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----/gs) ?? [part]);
  const [first, ...others] = parts.map(read);
  if (first === undefined) throw new Error('holds nothing.');
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

/** True when the one is the other's public half: then we would verify with our own key what the provider has signed with its. */
export function isPairOf(publicKey: KeyObject, privateKey: KeyObject): boolean {
  const own = createPublicKey(privateKey);
  return own.equals(publicKey);
}

/** A variable of one line often writes line breaks as `\\n`. */
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
    return null; // not of this kind
  }
}
