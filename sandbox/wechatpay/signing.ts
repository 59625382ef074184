import { createCipheriv, sign, verify } from 'node:crypto';
import type { SandboxContext } from '../context.ts';
import type { PlatformKey } from './state.ts';

export const signatureType = 'WECHATPAY2-SHA256-RSA2048';
/** WeChat Pay starts invalid signatures with this prefix to test whether a merchant verifies. */
const probePrefix = 'WECHATPAY/SIGNTEST/';

/** A valid signature, a signature of another text, or an invalid signature with the probe prefix. */
export type SignatureKind = 'right' | 'wrong' | 'probe';

/** Every line of a signed text ends with a line feed, including the last one. */
export function signedText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

export function verifies(publicKey: string, text: string, signature: string): boolean {
  return verify('sha256', Buffer.from(text), publicKey, Buffer.from(signature, 'base64'));
}

/** The signature headers of a response or notification. The signed text is the timestamp, the nonce and the body exactly as sent. */
export function signatureHeaders(
  { newId }: Pick<SandboxContext, 'newId'>,
  { serial, privateKey }: PlatformKey,
  body: string,
  atSeconds: number,
  kind: SignatureKind = 'right',
): Readonly<Record<string, string>> {
  const nonce = newId('', 32);
  const text = signedText([String(atSeconds), nonce, body]);
  const signedOver = kind === 'right' ? text : `not what is sent\n${text}`;
  const signature = sign('sha256', Buffer.from(signedOver), privateKey).toString('base64');
  return {
    'Wechatpay-Timestamp': String(atSeconds),
    'Wechatpay-Nonce': nonce,
    'Wechatpay-Signature': kind === 'probe' ? `${probePrefix}${signature}` : signature,
    'Wechatpay-Serial': serial,
    'Wechatpay-Signature-Type': signatureType,
  };
}

export type Encrypted = {
  readonly algorithm: 'AEAD_AES_256_GCM';
  readonly ciphertext: string;
  readonly associated_data: string;
  readonly nonce: string;
};

/** Encrypts with the APIv3 key. `nonce` is 12 ASCII characters and must be unique. The tag is the end of the ciphertext. */
export function encrypt(apiV3Key: string, nonce: string, associatedData: string, plaintext: string): Encrypted {
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(apiV3Key), Buffer.from(nonce), { authTagLength: 16 });
  cipher.setAAD(Buffer.from(associatedData));
  const bytes = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return {
    algorithm: 'AEAD_AES_256_GCM',
    ciphertext: bytes.toString('base64'),
    associated_data: associatedData,
    nonce,
  };
}
