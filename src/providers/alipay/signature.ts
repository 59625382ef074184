import { type KeyObject, verify } from 'node:crypto';

/** One of Alipay's keys: two are valid while one replaces the other. */
export type AlipayKey = {
  readonly publicKey: KeyObject;
  /** The serial number by which answers name its certificate; null for a plain key. */
  readonly certSn: string | null;
};

/**
 * True when `signature` is by one of Alipay's keys over the bytes as they were sent: RSA2, which is SHA256withRSA, in base64. The one way
 * to write it in base64 counts; a lenient decoder takes many.
 *
 * @param certSn names the key in certificate mode; null where nothing is named. It is not signed itself, so it only says which to try first.
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
