import type { IncomingMessage } from 'node:http';
import { RequestRefusedError } from './refusal.ts';
import { remembered } from './remembered.ts';

const producedTypes: readonly string[] = [
  ...['application/json', 'application/graphql-response+json', 'text/event-stream', 'multipart/mixed'],
  ...['*/*', 'application/*', 'text/*', 'multipart/*'],
];

/**
 * Reduces the `accept` header to the media types that the API can produce, sorted by weight. A request that accepts none of them is refused
 * before it is executed: otherwise a mutation would take effect and its result would be withheld.
 *
 * @throws {RequestRefusedError} 406
 */
export function narrowAccept({ headers }: IncomingMessage): void {
  if (headers.accept === undefined || headers.accept.trim() === '') return;
  const wanted = wantedIn(headers.accept);
  if (wanted === '') {
    throw new RequestRefusedError(
      406,
      'The accept header must allow application/json or, for subscriptions, text/event-stream.',
    );
  }
  headers.accept = wanted;
}

const wantedIn = remembered((accept) => {
  const ranges = accept.split(',').map(rangeOf);
  const wanted = ranges.filter(({ type, weight }) => weight > 0 && producedTypes.includes(type));
  return wanted
    .sort((one, other) => other.weight - one.weight)
    .map(({ type }) => type)
    .join(', ');
});

function rangeOf(text: string): { readonly type: string; readonly weight: number } {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const [, charset = 'utf-8'] = parameters.map((part) => /^charset\s*=\s*"?([^"]*)"?$/.exec(part)).find(Boolean) ?? [];
  const [, q = '1'] = parameters.map((part) => /^q\s*=\s*([\d.]+)$/.exec(part)).find(Boolean) ?? [];
  const isReadable = ['utf-8', 'utf8', '*'].includes(charset);
  // Java's HttpURLConnection sends a single `*`.
  return { type: type === '*' ? '*/*' : type, weight: isReadable ? Number(q) || 0 : 0 };
}
