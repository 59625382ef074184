import { typeid } from 'typeid-js';

/** TypeID prefixes, one for each thing that has an id of its own. */
export const idPrefixes = {
  order: 'ord',
  payment: 'pay',
  refund: 'rfd',
  event: 'evt',
  merchant: 'mch',
  apiKey: 'key',
} as const;
export type IdKind = keyof typeof idPrefixes;

const suffix = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;

/** A fresh TypeID: a prefix and a UUIDv7, so that ids sort by the time at which they were made. */
export function newId(kind: IdKind): string {
  return typeid(idPrefixes[kind]).toString();
}

/** Which kind of thing a text names, or null when it is no id of ours. */
export function idKindOf(text: string): IdKind | null {
  for (const kind of Object.keys(idPrefixes) as IdKind[]) {
    if (isId(kind, text)) return kind;
  }
  return null;
}

/** The first payment id in a text that may hold anything; null when there is none. */
export function firstPaymentIdIn(text: string): string | null {
  return /pay_[0-7][0-9a-hjkmnp-tv-z]{25}/.exec(text)?.[0] ?? null;
}

export function isId(kind: IdKind, text: string): boolean {
  const prefix = `${idPrefixes[kind]}_`;
  return text.startsWith(prefix) && suffix.test(text.slice(prefix.length));
}
