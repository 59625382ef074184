import { hash, randomBytes } from 'node:crypto';

/** `live` moves real money: in production. Each kind of server refuses the keys of the other. */
export type KeyMode = 'live' | 'test';

const randomByteCount = 32;
const hintCharacters = 4;

/** A new bearer token, `sk_live_…` or `sk_test_…` with 43 characters of base64url. */
export function newToken(mode: KeyMode): string {
  return `sk_${mode}_${randomBytes(randomByteCount).toString('base64url')}`;
}

/** The mode of an API key; null for a token of another form. */
export function keyModeOf(token: string): KeyMode | null {
  const [, mode] = /^sk_(live|test)_[\w-]{43}$/.exec(token) ?? [];
  return mode === 'live' || mode === 'test' ? mode : null;
}

/** The part of a token that people may see: its prefix and its last four characters. */
export function hintOf(token: string): string {
  return `${token.slice(0, 'sk_live_'.length)}…${token.slice(-hintCharacters)}`;
}

/** The form in which a token is stored. A plain SHA-256 is safe because the token has 256 random bits. */
export function hashOfToken(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}
