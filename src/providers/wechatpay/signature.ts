import { type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { promisify } from 'node:util';

/** The only supported scheme: RSA with SHA-256, PKCS#1 v1.5. */
export const signatureScheme = 'WECHATPAY2-SHA256-RSA2048';

/** The signed timestamp may be this far from our clock, either way, before we treat the message as a replay. */
export const timestampToleranceSeconds = 300;

/** The signature headers of an answer or a notification. The last one is optional and names the scheme. */
export const signatureHeaders = [
  ...(['wechatpay-timestamp', 'wechatpay-nonce', 'wechatpay-signature', 'wechatpay-serial'] as const),
  'wechatpay-signature-type',
] as const;

export type SignatureFault = 'MISSING_SIGNATURE' | 'UNKNOWN_KEY' | 'STALE' | 'BAD_SIGNATURE';

/** Keys by normalized serial number or by the id of a WeChat Pay public key. Several are valid during a key change. */
export type PlatformKeys = ReadonlyMap<string, KeyObject>;

/**
 * Normalizes a serial number to upper case: its hexadecimal digits are case-insensitive. The id of a public key is
 * unchanged.
 */
export function normalizedSerial(name: string): string {
  return /^[0-9a-f]{8,64}$/i.test(name) ? name.toUpperCase() : name;
}

/** The merchant's signing key. The serial number is that of the merchant's certificate. */
export type Signer = { readonly mchId: string; readonly serial: string; readonly privateKey: KeyObject };

/**
 * The `Authorization` header of one request. `target` is the path with the query, exactly as sent. A GET has an empty
 * body.
 */
export async function authorizationOf(
  signer: Signer,
  { method, target, body }: { readonly method: string; readonly target: string; readonly body: string },
  now: Date,
): Promise<string> {
  const timestamp = unixSecondsOf(now);
  const nonce = newNonce();
  const signature = await signLines(signer.privateKey, [method, target, timestamp, nonce, body]);
  const parts = { mchid: signer.mchId, nonce_str: nonce, timestamp, serial_no: signer.serial, signature };
  return `${signatureScheme} ${Object.entries(parts)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',')}`;
}

/** In a thread of Node's pool: it takes about a millisecond, in which this thread would do nothing else. */
const signInPool = promisify(sign);

/** Signs lines of text, each followed by a line feed. Returns base64. */
export async function signLines(privateKey: KeyObject, lines: readonly string[]): Promise<string> {
  const text = lines.map((line) => `${line}\n`).join('');
  return (await signInPool('RSA-SHA256', Buffer.from(text, 'utf8'), privateKey)).toString('base64');
}

/**
 * Verifies the signature of an answer or a notification. Returns null when it is valid. The signature covers the raw
 * body, also an empty one: parse only after this returns null. WeChat Pay sometimes sends a wrong signature on purpose;
 * it is treated like any other wrong signature.
 *
 * @param headers by lower-case name. A repeated header is joined by a comma, and does not verify.
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
  // A line feed in the nonce would move the boundary between the nonce and the body in the signed text.
  if (!/^\d{1,12}$/.test(timestamp) || !/^[\x20-\x7e]{1,128}$/.test(nonce)) return 'BAD_SIGNATURE';
  const skewSeconds = Math.abs(Math.floor(now.getTime() / 1000) - Number(timestamp));
  if (skewSeconds > timestampToleranceSeconds) return 'STALE';
  const key = keys.get(normalizedSerial(serial));
  if (key === undefined) return 'UNKNOWN_KEY';
  const signed = Buffer.concat([Buffer.from(`${timestamp}\n${nonce}\n`), body, Buffer.from('\n')]);
  const bytes = bytesOfBase64(signature);
  return bytes !== null && verify('RSA-SHA256', signed, key, bytes) ? null : 'BAD_SIGNATURE';
}

/** What an operator can check, as part of a sentence; null when the fault is not caused by configuration. */
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

/** Decodes canonical base64; null for any other text. Node's decoder accepts invalid characters. */
export function bytesOfBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
}

export function unixSecondsOf(now: Date): string {
  return String(Math.floor(now.getTime() / 1000));
}

/** 32 random characters. */
export function newNonce(): string {
  return randomBytes(16).toString('hex');
}
