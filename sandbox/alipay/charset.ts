import iconv from 'iconv-lite';

/** Alipay writes UTF-8; GBK when the merchant requests it, and when the request cannot be attributed to a merchant. */
export type Charset = 'utf-8' | 'GBK';

/** A character that the charset does not have becomes a question mark, as at Alipay. */
export function encoded(text: string, charset: Charset): Buffer {
  return charset === 'GBK' ? iconv.encode(text, 'gbk') : Buffer.from(text, 'utf8');
}

/** A form with percent-encoded bytes of the charset. */
export function encodedForm(fields: Readonly<Record<string, string>>, charset: Charset): string {
  const escaped = (text: string): string =>
    encoded(text, charset)
      .toString('latin1')
      .replaceAll(/[^A-Za-z0-9*._-]/g, (byte) =>
        byte === ' ' ? '+' : `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
      );
  return Object.entries(fields)
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .join('&');
}
