import { createHash, timingSafeEqual } from 'node:crypto';
import type { Actor } from '../commands/actor.ts';

/** Resolves the caller from an `Authorization` header; null when it has no valid token. Without access control there is one token, of one merchant. */
export type Authenticate = (authorization: string | null) => Actor | null;

/** Accepts `Bearer <token>` for `token`. With a null `token` it accepts no request. */
export function authenticateBy(token: string | null, actor: Actor): Authenticate {
  if (token === null) return () => null;
  const expected = digestOf(token);
  return (authorization) => {
    const given = bearerTokenOf(authorization);
    if (given === null) return null;
    return timingSafeEqual(digestOf(given), expected) ? actor : null;
  };
}

/** Returns the token of `Bearer <token>`; null for any other header, and for none. */
export function bearerTokenOf(authorization: string | null): string | null {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? null;
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
