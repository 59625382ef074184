import { type KeyObject, verify } from 'node:crypto';

/** One of Alipay's keys. Two are valid during a key change. */
export type AlipayKey = {
  readonly publicKey: KeyObject;
  /** The serial number of the certificate in answers; null in key mode. */
  readonly certSn: string | null;
};

/**
 * True when `signature` is a valid RSA2 (SHA256withRSA) signature of the bytes by one of Alipay's keys, in canonical
 * base64. A lenient decoder would accept several spellings of one signature.
 *
 * @param certSn names the key in certificate mode, else null. It is not signed, so it only determines which key is
 * tried first.
 */
export function isSigned(
  bytes: Buffer,
  signature: string,
  keys: readonly AlipayKey[],
  certSn: string | null = null,
): boolean {
  const signatureBytes = Buffer.from(signature, 'base64');
  if (signatureBytes.length === 0 || signatureBytes.toString('base64') !== signature) return false;
  const named = keys.filter((key) => certSn !== null && key.certSn === certSn);
  const others = keys.filter((key) => !named.includes(key));
  return [...named, ...others].some(({ publicKey }) => verify('RSA-SHA256', bytes, publicKey, signatureBytes));
}
