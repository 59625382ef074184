import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Answer } from './answer.ts';
import { RequestRefusedError } from './refusal.ts';

/** Which web pages may call the API. */
export type Origins = {
  /** The origin of a page of another site; null for our own pages, and for servers, which send no `Origin` header. */
  foreignOf(request: IncomingMessage): string | null;
  /** True when a merchant lists this origin. It is asked before the caller is known, as for preflights. */
  isListed(origin: string): Promise<boolean>;
};

export type OriginParts = {
  /** The origin of the server itself, where GraphiQL is. */
  readonly own: string;
  readonly isProduction: boolean;
  readonly isLoopback: (hostname: string) => boolean;
  readonly isListed: Origins['isListed'];
};

/** In development, pages on this machine count as our own. */
export function createOrigins({ own, isProduction, isLoopback, isListed }: OriginParts): Origins {
  const isLocal = (origin: string, host: string | undefined) =>
    isLoopback(hostnameOf(origin)) || isPageOfAddress(origin, host);
  return {
    foreignOf({ headers: { origin = null, host } }) {
      const isOwn = origin === null || origin === own || (!isProduction && isLocal(origin, host));
      return isOwn ? null : origin;
    },
    isListed,
  };
}

/**
 * Answers the browser's question whether a page may call, and marks the answer so that the page may read it.
 *
 * @throws {RequestRefusedError} 403 for a request from a page of an unknown origin.
 */
export async function admitOrigin(
  origins: Origins,
  request: IncomingMessage,
  response: Answer,
  methods: string,
): Promise<void> {
  const { origin, 'access-control-request-headers': asked } = request.headers;
  if (origin === undefined) return;
  if (!(await isKnown(origins, request))) {
    if (request.method === 'OPTIONS') return; // without the headers, the browser refuses the request
    throw originRefused();
  }
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', 'x-request-id, retry-after');
  if (request.method !== 'OPTIONS') return;
  response.setHeader('access-control-allow-methods', methods);
  response.setHeader('access-control-max-age', String(preflightSeconds));
  if (asked !== undefined) response.setHeader('access-control-allow-headers', asked);
}

/** True for requests of servers, of our own pages, and of pages that may call for at least one merchant. */
export async function isKnown(origins: Origins, request: IncomingMessage): Promise<boolean> {
  const foreign = origins.foreignOf(request);
  return foreign === null || origins.isListed(foreign);
}

/** How long a browser may keep the answer to a preflight. */
const preflightSeconds = 7200;

export function originRefused(): RequestRefusedError {
  return new RequestRefusedError(
    403,
    'Pages of this origin may not call the API. Add it to the merchant: npm run paystream -- merchant update … --web-origin ORIGIN.',
    { code: 'FORBIDDEN' },
  );
}

/** In development GraphiQL may be opened by the address of the machine. A host name proves nothing: a foreign page can make its own lead here. */
function isPageOfAddress(origin: string, host: string | undefined): boolean {
  return origin === `http://${host}` && isIP(hostnameOf(origin).replace(/^\[|\]$/g, '')) !== 0;
}

function hostnameOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).hostname : '';
}
