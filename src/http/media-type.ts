import type { IncomingMessage } from 'node:http';
import { RequestRefusedError } from './refusal.ts';
import { remembered } from './remembered.ts';

/** `type` in lower case; `charset` in lower case, null when none is declared. */
export type MediaType = { readonly type: string; readonly charset: string | null };

/** Parses a content-type header (RFC 9110): names in any case, parameters quoted or not. Null when it is malformed or missing. */
export function mediaTypeOf(header: string | undefined): MediaType | null {
  return typeIn(header ?? '');
}

const typeIn = remembered((header): MediaType | null => {
  // Some clients send two values, separated by a comma.
  const [first = ''] = header.split(',', 1);
  const [type = '', ...parameters] = first.split(';');
  const name = type.trim().toLowerCase();
  if (!/^[\w.+-]+\/[\w.+*-]+$/.test(name)) return null;
  const charset = parameters
    .map((parameter) => /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/i.exec(parameter)?.[1]?.toLowerCase())
    .find((value) => value !== undefined);
  return { type: name, charset: charset ?? null };
});

/** @throws {RequestRefusedError} 415 when the body is compressed. */
export function requirePlainBody({ headers }: IncomingMessage): void {
  const encoding = (headers['content-encoding'] ?? '').trim().toLowerCase();
  if (encoding === '' || encoding === 'identity') return;
  throw new RequestRefusedError(415, 'The body is compressed. Send it uncompressed, without content-encoding.', {
    headers: { 'accept-encoding': 'identity' },
  });
}

const utf8Names: readonly (string | null)[] = [null, '', 'utf-8', 'utf8', 'us-ascii', 'ascii'];

/** @throws {RequestRefusedError} 415 naming the charset, when it is declared and not UTF-8. */
export function requireUtf8({ charset }: MediaType): void {
  if (utf8Names.includes(charset)) return;
  const name = charset?.replaceAll(/[^\w.:-]/g, '?').slice(0, 40);
  throw new RequestRefusedError(415, `The charset ${name} is not supported. Send UTF-8.`);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Decodes UTF-8 and drops a leading byte order mark.
 * @throws {RequestRefusedError} 400 when the bytes are not valid UTF-8.
 */
export function decodeUtf8(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new RequestRefusedError(400, 'The body is not valid UTF-8. Encode it as UTF-8.');
  }
}
