import { createSign, createVerify, type KeyObject } from 'node:crypto';

/**
 * The text that Alipay and its merchants sign: all parameters except `without` and except empty ones, as `key=value`, sorted by key,
 * joined with `&`, without percent-encoding.
 */
export function signedText(params: Iterable<readonly [string, string]>, without: readonly string[]): string {
  return [...params]
    .filter(([name, value]) => value !== '' && !without.includes(name))
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** SHA256withRSA (PKCS#1 v1.5) in base64, which Alipay calls RSA2. A string is signed as UTF-8. The signature is deterministic. */
export function signRsa2(text: string | Buffer, key: KeyObject): string {
  return createSign('RSA-SHA256')
    .update(typeof text === 'string' ? Buffer.from(text, 'utf8') : text)
    .sign(key, 'base64');
}

export function verifyRsa2(text: string, sign: string, key: KeyObject): boolean {
  return createVerify('RSA-SHA256').update(text, 'utf8').verify(key, sign, 'base64');
}

/** The signature of a request covers `sign_type`; those of notifications and return URLs do not. */
export const unsignedInRequests = ['sign'] as const;
export const unsignedInNotifications = ['sign', 'sign_type'] as const;
