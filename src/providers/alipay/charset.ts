/** What Alipay writes in: UTF-8, or the encoding of China that came before it. GBK is read as GB18030, which contains it. */
export type Charset = 'utf-8' | 'gbk';

const known: ReadonlyMap<string, Charset> = new Map([
  ...(['utf-8', 'utf8'] as const).map((name) => [name, 'utf-8'] as const),
  ...(['gbk', 'gb2312', 'gb18030'] as const).map((name) => [name, 'gbk'] as const),
]);

/** The charset of this name in any case; null when we do not know it. */
export function charsetOf(name: string): Charset | null {
  return known.get(name.toLowerCase()) ?? null;
}

/** The name in a `content-type`; null when there is none. */
export function charsetNameIn(contentType: string | undefined): string | null {
  return /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType ?? '')?.[1] ?? null;
}

/** A byte order mark is kept: nothing that was signed is dropped. @throws {TypeError} when the bytes are not of the charset. */
export function decode(bytes: Uint8Array, charset: Charset): string {
  return new TextDecoder(charset === 'gbk' ? 'gb18030' : charset, { fatal: true, ignoreBOM: true }).decode(bytes);
}

/**
 * One character for each byte, and an `x` for each that belongs to a longer one. So the structure of JSON can be found by offset: in GBK
 * the second byte of a character may be a bracket or a backslash.
 * @param bytes of the charset, as `decode` has checked.
 */
export function mask(bytes: Buffer, charset: Charset): string {
  if (charset === 'utf-8') return bytes.toString('latin1').replaceAll(/[\x80-\xff]/g, 'x');
  // Two bytes, or four where the second one is a digit; 0x80 stands alone.
  return bytes
    .toString('latin1')
    .replaceAll(/[\x81-\xfe](?:[0-9][\x81-\xfe][0-9]|[^0-9])|[\x80-\xff]/gs, (character) =>
      'x'.repeat(character.length),
    );
}
