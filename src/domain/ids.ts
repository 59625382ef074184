import { typeidUnboxed } from 'typeid-js';

/** The TypeID prefix of each kind of object. */
export const idPrefixes = {
  order: 'ord',
  payment: 'pay',
  refund: 'rfd',
  event: 'evt',
  merchant: 'mch',
  product: 'prd',
  apiKey: 'key',
  signingKey: 'jwk',
  providerAccount: 'pac',
  webhookEndpoint: 'whe',
  webhookAttempt: 'wha',
  webhookReplay: 'whr',
  delivery: 'dlv',
} as const;
export type IdKind = keyof typeof idPrefixes;

const kindsByPrefix = new Map(Object.entries(idPrefixes).map(([kind, prefix]) => [prefix as string, kind as IdKind]));

const suffix = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;

/** Returns a new TypeID: a prefix and a UUIDv7. Ids of one kind sort by creation time. */
export function newId(kind: IdKind): string {
  return typeidUnboxed(idPrefixes[kind]);
}

/** The kind of object that an id belongs to; null when the text is not an id of this API. */
export function idKindOf(text: string): IdKind | null {
  const kind = kindsByPrefix.get(text.slice(0, Math.max(0, text.indexOf('_'))));
  return kind !== undefined && isId(kind, text) ? kind : null;
}

/** The first payment id in an arbitrary text; null when there is none. */
export function firstPaymentIdIn(text: string): string | null {
  return /pay_[0-7][0-9a-hjkmnp-tv-z]{25}/.exec(text)?.[0] ?? null;
}

export function isId(kind: IdKind, text: string): boolean {
  const prefix = `${idPrefixes[kind]}_`;
  return text.startsWith(prefix) && suffix.test(text.slice(prefix.length));
}

const idDigits = '0123456789abcdefghjkmnpqrstvwxyz';

/** The time at which an id was made: the first 48 bits of its UUIDv7, in milliseconds. */
export function timeOfId(id: string): Date {
  const start = id.indexOf('_') + 1;
  const digits = [...id.slice(start, start + 10)];
  return new Date(digits.reduce((sum, digit) => sum * 32 + idDigits.indexOf(digit), 0));
}
