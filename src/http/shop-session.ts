import type { IncomingMessage } from 'node:http';
import type { Answer } from './answer.ts';
import { RequestRefusedError } from './refusal.ts';
import { replyJson } from './reply.ts';

/** Where the demo shop gets a customer's token, as a real shop's page gets one from its login. Not served in production. */
export const shopSessionPath = '/shop/session';

/** A new customer of the demo shop. */
export type ShopSession = {
  /** A JWT with the role CUSTOMER. */
  readonly token: string;
  readonly expiresAt: Date;
  readonly customerId: string;
  /** The development token, for the link to the dashboard. */
  readonly dashboardToken: string;
};

export type ShopSessionParts = {
  /** Null when other machines can reach the server. */
  readonly open: (() => Promise<ShopSession>) | null;
  readonly isLoopback: (hostname: string) => boolean;
};

export type ShopSessions = (request: IncomingMessage, response: Answer) => Promise<void>;

/**
 * Answers POST with a new customer, for the page of the demo shop only: the address must be one of this machine, which no foreign page can
 * make its own host name look like, and a page of another origin is refused.
 *
 * @throws {RequestRefusedError} 403, 405.
 */
export function createShopSessions({ open, isLoopback }: ShopSessionParts): ShopSessions {
  return async ({ method, headers: { host = '', origin } }, response) => {
    response.setHeader('cache-control', 'no-store');
    if (method !== 'POST') {
      throw new RequestRefusedError(405, `${method} is not allowed here. Send POST.`, { headers: { allow: 'POST' } });
    }
    const own = `http://${host}`;
    if (open === null || !URL.canParse(own) || !isLoopback(new URL(own).hostname)) {
      throw new RequestRefusedError(403, 'The demo shop works only on the machine that the server runs on.', {
        code: 'FORBIDDEN',
      });
    }
    if (origin !== undefined && origin !== own) {
      throw new RequestRefusedError(403, 'Only the page of the demo shop may ask for a customer.', {
        code: 'FORBIDDEN',
      });
    }
    replyJson(response, 200, await open());
  };
}
