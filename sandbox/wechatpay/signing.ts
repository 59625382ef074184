import { createCipheriv, sign, verify } from 'node:crypto';
import type { SandboxContext } from '../provider.ts';
import type { PlatformKey } from './state.ts';

export const signatureType = 'WECHATPAY2-SHA256-RSA2048';
/** How a signature starts that WeChat Pay sends wrong on purpose, to see whether anybody checks. */
const probePrefix = 'WECHATPAY/SIGNTEST/';

/** How a signature turns out: as it must be, one that fits other text, or a probe. */
export type SignatureKind = 'right' | 'wrong' | 'probe';

/** Each line of a signed text ends in a line feed, the last one too. */
export function signedText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

export function verifies(publicKey: string, text: string, signature: string): boolean {
  return verify('sha256', Buffer.from(text), publicKey, Buffer.from(signature, 'base64'));
}

/** The headers that sign an answer or a notification. The text is its time, its nonce and its body as it is sent. */
export function signatureHeaders(
  { newId }: Pick<SandboxContext, 'newId'>,
  { serial, privateKey }: PlatformKey,
  body: string,
  atSeconds: number,
  kind: SignatureKind = 'right',
): Readonly<Record<string, string>> {
  const nonce = newId('', 32);
  const text = signedText([String(atSeconds), nonce, body]);
  const over = kind === 'right' ? text : `not what is sent\n${text}`;
  const signature = sign('sha256', Buffer.from(over), privateKey).toString('base64');
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

/** Encrypts under the APIv3 key. `nonce` is 12 ASCII characters, never used twice; the tag is the ciphertext's end. */
export function encrypted(apiV3Key: string, nonce: string, associatedData: string, plaintext: string): Encrypted {
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
