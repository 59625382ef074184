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
  const key = text.includes('-----BEGIN')
    ? attempt(() => createPrivateKey(text))
    : (attempt(() => createPrivateKey({ key: bytesOf(text), format: 'der', type: 'pkcs8' })) ??
      attempt(() => createPrivateKey({ key: bytesOf(text), format: 'der', type: 'pkcs1' })));
  if (key === null) {
    const isPublic = !text.includes('-----BEGIN') && attempt(() => readPublicKey(text)) !== null;
    throw new Error(
      isPublic
        ? 'holds a public key; the private one belongs here.'
        : 'is no private key, PKCS#8 or PKCS#1, that can be read.',
    );
  }
  return checked(key);
}

/**
 * An RSA public key from PEM, from a certificate, or from the bare base64 between its lines.
 * @throws {Error} with half a sentence that goes on from the variable's name.
 */
export function readPublicKey(given: string): KeyObject {
  const text = withLines(given);
  if (text.includes('PRIVATE KEY')) throw new Error('holds a private key; the provider’s public key belongs here.');
  const key = text.includes('-----BEGIN')
    ? attempt(() => createPublicKey(text))
    : (attempt(() => createPublicKey({ key: bytesOf(text), format: 'der', type: 'spki' })) ??
      attempt(() => createPublicKey({ key: bytesOf(text), format: 'der', type: 'pkcs1' })));
  if (key !== null) return checked(key);
  const isPrivate =
    !text.includes('-----BEGIN') &&
    attempt(() => createPrivateKey({ key: bytesOf(text), format: 'der', type: 'pkcs8' })) !== null;
  throw new Error(
    isPrivate
      ? 'holds a private key; the provider’s public key belongs here.'
      : 'is no public key and no certificate that can be read.',
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
