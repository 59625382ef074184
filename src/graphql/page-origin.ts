import { GraphQLError } from 'graphql';
import type { Caller } from './authentication.ts';

/** True when a page of this origin may use the caller's token. Servers, and our own pages, have no origin. */
export function mayCallFrom(origin: string | null, { webOrigins }: Pick<Caller, 'webOrigins'>): boolean {
  return origin === null || webOrigins.includes(origin) || webOrigins.includes('*');
}

/** @throws {GraphQLError} FORBIDDEN when pages of this origin may not call for the caller's merchant. */
export function requireOrigin(origin: string | null, caller: Pick<Caller, 'webOrigins'>): void {
  if (mayCallFrom(origin, caller)) return;
  throw new GraphQLError(
    `Pages of ${origin} may not call the API for this merchant. Add the origin to its web origins.`,
    {
      extensions: { code: 'FORBIDDEN', http: { status: 403 } },
    },
  );
}
