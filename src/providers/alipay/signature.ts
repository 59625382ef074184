import { type KeyObject, verify } from 'node:crypto';

/**
 * True when `signature` is Alipay's over the text: RSA2, which is SHA256withRSA, in base64. The one way to write it in base64 counts;
 * a lenient decoder takes many.
 */
export function isSigned(text: string, signature: string, alipayPublicKey: KeyObject): boolean {
  const bytes = Buffer.from(signature, 'base64');
  if (bytes.length === 0 || bytes.toString('base64') !== signature) return false;
  return verify('RSA-SHA256', Buffer.from(text, 'utf8'), alipayPublicKey, bytes);
}
