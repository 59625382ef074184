import iconv from 'iconv-lite';

/** Alipay writes UTF-8, and GBK where it was asked for that or knows nobody who asked. */
export type Charset = 'utf-8' | 'GBK';

/** What a charset has no sign for becomes a question mark, as at Alipay. */
export function encoded(text: string, charset: Charset): Buffer {
  return charset === 'GBK' ? iconv.encode(text, 'gbk') : Buffer.from(text, 'utf8');
}

/** A form as it is posted: percent-encoded bytes of the charset. */
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
