import { createSign, createVerify, type KeyObject } from 'node:crypto';

/**
 * What Alipay and its merchants sign: every parameter but those named, `key=value` sorted by key and joined with `&`, values as
 * they are, not percent-encoded. Empty ones are left out.
 */
export function signedText(params: Iterable<readonly [string, string]>, without: readonly string[]): string {
  return [...params]
    .filter(([name, value]) => value !== '' && !without.includes(name))
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** SHA256withRSA (PKCS#1 v1.5), base64: what Alipay calls RSA2. Over the bytes, or a text's UTF-8; the same gives the same signature. */
export function signRsa2(text: string | Buffer, key: KeyObject): string {
  return createSign('RSA-SHA256')
    .update(typeof text === 'string' ? Buffer.from(text, 'utf8') : text)
    .sign(key, 'base64');
}

export function verifyRsa2(text: string, sign: string, key: KeyObject): boolean {
  return createVerify('RSA-SHA256').update(text, 'utf8').verify(key, sign, 'base64');
}

/** Requests sign `sign_type` along; notifications and the parameters of a return do not. */
export const unsignedInRequests = ['sign'] as const;
export const unsignedInNotices = ['sign', 'sign_type'] as const;
