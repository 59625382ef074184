import { type KeyObject, randomBytes, sign, verify } from 'node:crypto';

/** The one scheme: RSA with SHA-256, PKCS#1 v1.5. A text that names another is not read. */
export const signatureScheme = 'WECHATPAY2-SHA256-RSA2048';

/** A signed timestamp may be this far from our clock, either way, before we take the text for a replay. */
export const timestampToleranceSeconds = 300;

/** The headers that sign an answer or a notification. The last one is optional, and names the scheme. */
export const signatureHeaders = [
  ...(['wechatpay-timestamp', 'wechatpay-nonce', 'wechatpay-signature', 'wechatpay-serial'] as const),
  'wechatpay-signature-type',
] as const;

export type SignatureFault = 'MISSING_SIGNATURE' | 'UNKNOWN_KEY' | 'STALE' | 'BAD_SIGNATURE';

/** By serial number as `normalizedSerial` has it, or by the id of a WeChat Pay public key: several are valid while one replaces another. */
export type PlatformKeys = ReadonlyMap<string, KeyObject>;

/** A serial number is a number: its hexadecimal digits are one in upper case and in lower. The id of a public key is none. */
export function normalizedSerial(name: string): string {
  return /^[0-9a-f]{8,64}$/i.test(name) ? name.toUpperCase() : name;
}

/** What a merchant signs with. The serial number is that of the merchant's certificate. */
export type Signer = { readonly mchId: string; readonly serial: string; readonly privateKey: KeyObject };

/** The value of `Authorization` for one request. `target` is path and query, exactly as sent; a GET has an empty body. */
export function authorizationOf(
  signer: Signer,
  { method, target, body }: { readonly method: string; readonly target: string; readonly body: string },
  now: Date,
): string {
  const timestamp = unixSecondsOf(now);
  const nonce = newNonce();
  const signature = signLines(signer.privateKey, [method, target, timestamp, nonce, body]);
  const parts = { mchid: signer.mchId, nonce_str: nonce, timestamp, serial_no: signer.serial, signature };
  return `${signatureScheme} ${Object.entries(parts)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',')}`;
}

/** Signs lines of text, each ended by a line feed; base64. */
export function signLines(privateKey: KeyObject, lines: readonly string[]): string {
  const text = lines.map((line) => `${line}\n`).join('');
  return sign('RSA-SHA256', Buffer.from(text, 'utf8'), privateKey).toString('base64');
}

/**
 * What is wrong with the signature of an answer or a notification; null when it is WeChat Pay's. The body counts byte for byte, an empty
 * one too: parse only after this has returned null. Signatures that WeChat Pay gets wrong on purpose, to probe us, are wrong like others.
 *
 * @param headers by names in lower case; a header that came twice is joined by a comma, and then fits nothing.
 * @see https://pay.weixin.qq.com/doc/v3/merchant/4013053249
 */
export function signatureFaultOf(
  headers: Readonly<Record<string, string>>,
  body: Buffer,
  keys: PlatformKeys,
  now: Date,
): SignatureFault | null {
  const [timestamp, nonce, signature, serial, scheme] = signatureHeaders.map((name) =>
    Object.hasOwn(headers, name) ? headers[name] : undefined,
  );
  if (!timestamp || !nonce || !signature || !serial) return 'MISSING_SIGNATURE';
  if (scheme !== undefined && scheme !== signatureScheme) return 'BAD_SIGNATURE';
  // Within its line: a line feed in the nonce would let the first lines of a body be told as part of it.
  if (!/^\d{1,12}$/.test(timestamp) || !/^[\x20-\x7e]{1,128}$/.test(nonce)) return 'BAD_SIGNATURE';
  const skewSeconds = Math.abs(Math.floor(now.getTime() / 1000) - Number(timestamp));
  if (skewSeconds > timestampToleranceSeconds) return 'STALE';
  const key = keys.get(normalizedSerial(serial));
  if (key === undefined) return 'UNKNOWN_KEY';
  const signed = Buffer.concat([Buffer.from(`${timestamp}\n${nonce}\n`), body, Buffer.from('\n')]);
  const bytes = bytesOfBase64(signature);
  return bytes !== null && verify('RSA-SHA256', signed, key, bytes) ? null : 'BAD_SIGNATURE';
}

/** What an operator has to look at, as half a sentence; null where it is no matter of configuration. */
export function adviceOn(fault: SignatureFault, headers: Readonly<Record<string, string>>): string | null {
  const [serial = 'unknown'] = /^[\w-]{1,80}$/.exec(headers['wechatpay-serial'] ?? '') ?? [];
  switch (fault) {
    case 'UNKNOWN_KEY':
      return `if WeChat Pay has sent it, add the key of serial ${serial} to WECHATPAY_PLATFORM_KEYS`;
    case 'BAD_SIGNATURE':
      return `if WeChat Pay has sent it, check the key of serial ${serial} in WECHATPAY_PLATFORM_KEYS`;
    case 'STALE':
      return 'check the clock of this machine';
    case 'MISSING_SIGNATURE':
      return null;
  }
}

/** Node decodes whatever it can; only what is written as it should be is read here. Null for anything else. */
export function bytesOfBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
}

export function unixSecondsOf(now: Date): string {
  return String(Math.floor(now.getTime() / 1000));
}

/** 32 characters that nobody guesses. */
export function newNonce(): string {
  return randomBytes(16).toString('hex');
}
