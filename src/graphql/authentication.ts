import { createHash, timingSafeEqual } from 'node:crypto';
import type { Actor } from '../provider-calls/context.ts';

/** Tells whom a bearer token stands for. Until access control comes there is one token, of one merchant. */
export type Authenticate = (authorization: string | null) => Actor | null;

/** Accepts `Bearer <token>`; without a token of its own it accepts nobody. */
export function authenticateBy(token: string | null, actor: Actor): Authenticate {
  if (token === null) return () => null;
  const expected = digestOf(token);
  return (authorization) => {
    const given = bearerTokenOf(authorization);
    if (given === null) return null;
    return timingSafeEqual(digestOf(given), expected) ? actor : null;
  };
}

/** The token of `Bearer <token>`; null when it says anything else, or nothing. */
export function bearerTokenOf(authorization: string | null): string | null {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? null;
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
