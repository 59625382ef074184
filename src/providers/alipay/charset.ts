/** Alipay's charsets: UTF-8, or the older GBK. GBK is decoded as GB18030, its superset. */
export type Charset = 'utf-8' | 'gbk';

const known: ReadonlyMap<string, Charset> = new Map([
  ...(['utf-8', 'utf8'] as const).map((name) => [name, 'utf-8'] as const),
  ...(['gbk', 'gb2312', 'gb18030'] as const).map((name) => [name, 'gbk'] as const),
]);

/** The charset with this name in any letter case; null for an unknown one. */
export function charsetOf(name: string): Charset | null {
  return known.get(name.toLowerCase()) ?? null;
}

/** The charset name in a `content-type`; null when it has none. */
export function charsetNameIn(contentType: string | undefined): string | null {
  return /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType ?? '')?.[1] ?? null;
}

/**
 * Decodes bytes. A byte order mark is kept, because signatures cover it. @throws {TypeError} for bytes that are not in
 * the charset.
 */
export function decode(bytes: Uint8Array, charset: Charset): string {
  return new TextDecoder(charset === 'gbk' ? 'gb18030' : charset, { fatal: true, ignoreBOM: true }).decode(bytes);
}

/**
 * Converts bytes to text with one character for each byte, and `x` for each byte of a multi-byte character. This keeps
 * the offsets of JSON tokens: in GBK the second byte of a character may be a bracket or a backslash.
 *
 * @param bytes in the charset, as `decode` has checked.
 */
export function mask(bytes: Buffer, charset: Charset): string {
  if (charset === 'utf-8') return bytes.toString('latin1').replaceAll(/[\x80-\xff]/g, 'x');
  // Two bytes, or four when the second one is a digit. 0x80 is a single byte.
  return bytes
    .toString('latin1')
    .replaceAll(/[\x81-\xfe](?:[0-9][\x81-\xfe][0-9]|[^0-9])|[\x80-\xff]/gs, (character) =>
      'x'.repeat(character.length),
    );
}
