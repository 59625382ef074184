import { createPublicKey, sign } from 'node:crypto';

export type CertificateParts = {
  readonly subject?: string;
  readonly issuer?: string;
  /** As ASN.1 writes it, in UTC: `310101000000Z`. */
  readonly validTo?: string;
};

/**
 * Creates a certificate in PEM, which Node cannot do. The serial number has 40 hex digits. Default validity: 2026 to 2031. It is signed
 * with its own key, even if it names another issuer.
 */
export function selfSigned(privateKey: string, serial: string, parts: CertificateParts = {}): string {
  const { subject = 'Tenpay.com sandbox', issuer = subject, validTo = '310101000000Z' } = parts;
  const algorithm = der(0x30, oid('2a864886f70d01010b'), der(0x05));
  const nameOf = (text: string) => der(0x30, der(0x31, der(0x30, oid('550403'), der(0x0c, Buffer.from(text)))));
  const utc = (text: string): Buffer => der(0x17, Buffer.from(text));
  const toBeSigned = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from(serial, 'hex')),
    algorithm,
    nameOf(issuer),
    der(0x30, utc('260101000000Z'), utc(validTo)),
    nameOf(subject),
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', toBeSigned, privateKey));
  const lines =
    der(0x30, toBeSigned, algorithm, signature)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

/** A DER element: tag, length, content. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const bytes = content.length < 0x80 ? [] : [content.length >> 8, content.length & 0xff];
  const length = bytes.length === 0 ? [content.length] : [0x80 | bytes.length, ...bytes];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}
