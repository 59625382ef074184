import { timingSafeEqual } from 'node:crypto';
import type { Actor } from '../commands/actor.ts';
import { hashOfToken, type KeyMode, keyModeOf } from '../commands/api-key-token.ts';
import { type ClientTokens, clientTokenGraceMs, isClientToken } from '../commands/client-token.ts';
import { isJwt, type VerifyToken } from '../commands/verify-token.ts';
import type { KeyHolder } from '../domain/api-key.ts';
import { after, type Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import { createRevocations, neverEnding, type Revocations, type TokenEnd } from './revocations.ts';

/** The authenticated caller of an operation. */
export type Caller = Actor & {
  /** The expiry of the caller's token, or the revocation of its key. */
  readonly revoked: TokenEnd;
  /** The origins of the pages that may use the token; `*` allows all. */
  readonly webOrigins: readonly string[];
};

/** Returns the caller of an `Authorization` header; null when it has no valid token. A promise only for what must be looked up. */
export type Authenticate = (authorization: string | null) => Caller | null | Promise<Caller | null>;

export type Authentication = {
  readonly authenticate: Authenticate;
  /** Ends the tokens that have expired, and those of keys that were revoked on any node. Returns their number. */
  endRevoked(): Promise<number>;
};

/** The order of a client token, and its merchant. */
export type TokenOrder = {
  readonly orderId: string;
  readonly merchantId: string;
  readonly returnOrigins: readonly string[];
  readonly webOrigins: readonly string[];
  readonly expiresAt: Date;
};

export type AuthenticationParts = {
  /** The development token and the merchant that it stands for; null in production. */
  readonly development: Development | null;
  readonly keys: {
    findHolder(hash: Buffer): Promise<KeyHolder | null>;
    findRevoked(keyIds: readonly string[]): Promise<readonly string[]>;
    recordUse(keyId: string): Promise<void>;
  };
  readonly clientTokens: ClientTokens | null;
  /** The origin of our own pages. Buyers may always return to the checkout. */
  readonly ownOrigin: string;
  readonly verifyToken: VerifyToken;
  findOrder(orderId: string): Promise<TokenOrder | null>;
  /** The mode of the keys that this server accepts. */
  readonly mode: KeyMode;
  readonly clock: Clock;
  readonly log: Log;
};

type Development = { readonly token: string; readonly merchant: Merchant };

type Merchant = {
  readonly id: string;
  readonly returnOrigins: readonly string[];
  readonly webOrigins: readonly string[];
};

const useRecordedEveryMs = 60_000;

/**
 * Accepts the development token, the active API keys of all merchants, the client tokens of orders, and the JWTs of the merchants' people. Every
 * operation looks its key up, so that a revoked key is refused at once on every node.
 */
export function createAuthentication(parts: AuthenticationParts): Authentication {
  const { development, keys, mode, clock, ownOrigin } = parts;
  const revocations = createRevocations(parts);
  const recordUse = createUseRecorder(parts);
  const developer = development === null ? null : developerOf(development, ownOrigin);

  async function serverWithKey(hash: Buffer): Promise<Caller | null> {
    const holder = await keys.findHolder(hash);
    if (holder === null) return null;
    const { keyId, merchantId, returnOrigins, webOrigins } = holder;
    recordUse(keyId);
    return withEnd(serverOf(merchantId, [...returnOrigins, ownOrigin], keyId), webOrigins, () =>
      revocations.endOf(keyId, { keyId, at: null }),
    );
  }

  return {
    authenticate(authorization) {
      const token = bearerTokenOf(authorization);
      if (token === null) return null;
      if (isClientToken(token)) return buyerOf(parts, revocations, token);
      if (isJwt(token)) return personOf(parts, revocations, token);
      const hash = hashOfToken(token);
      if (developer !== null && timingSafeEqual(hash, developer.hash)) return developer.caller;
      return keyModeOf(token) === mode ? serverWithKey(hash) : null;
    },
    endRevoked: () => revocations.endRevoked(clock.now()),
  };
}

/** The caller with the development token, which never ends. */
function developerOf({ token, merchant }: Development, ownOrigin: string): { hash: Buffer; caller: Caller } {
  const actor = serverOf(merchant.id, [...merchant.returnOrigins, ownOrigin], 'development');
  return { hash: hashOfToken(token), caller: { ...actor, webOrigins: merchant.webOrigins, revoked: neverEnding } };
}

/** A merchant's server. */
function serverOf(merchantId: string, returnOrigins: readonly string[], id: string): Actor {
  return { role: 'MERCHANT', id, merchantId, customerId: null, orderId: null, returnOrigins };
}

/** The caller with the client token of an order, until the order has been expired for a while. */
async function buyerOf(
  { clientTokens, findOrder, clock, ownOrigin }: AuthenticationParts,
  revocations: Revocations,
  token: string,
): Promise<Caller | null> {
  const named = clientTokens?.orderIdOf(token) ?? null;
  const order = named === null ? null : await findOrder(named);
  if (order === null) return null;
  const { orderId, merchantId, webOrigins } = order;
  const returnOrigins = [...order.returnOrigins, ownOrigin];
  const until = after(order.expiresAt, clientTokenGraceMs);
  if (until <= clock.now()) return null;
  const actor: Actor = { role: 'BUYER', id: orderId, merchantId, customerId: null, orderId, returnOrigins };
  return withEnd(actor, webOrigins, () => revocations.endOf(orderId, { keyId: null, at: until }));
}

/** The operator, viewer or customer of a JWT. */
async function personOf(
  { verifyToken, ownOrigin }: AuthenticationParts,
  revocations: Revocations,
  token: string,
): Promise<Caller | null> {
  const verified = await verifyToken(token);
  if (verified === null) return null;
  const { merchantId, webOrigins, role, subject, expiresAt, signingKeyId } = verified;
  const returnOrigins = [...verified.returnOrigins, ownOrigin];
  const customerId = role === 'CUSTOMER' ? subject : null;
  const actor: Actor = { role, id: subject, merchantId, customerId, orderId: null, returnOrigins };
  const name = hashOfToken(token).toString('base64');
  return withEnd(actor, webOrigins, () => revocations.endOf(name, { keyId: signingKeyId, at: expiresAt }));
}

/** The end is made when it is first read: only subscriptions and sockets need one. */
function withEnd(actor: Actor, webOrigins: readonly string[], endOf: () => TokenEnd): Caller {
  let end: TokenEnd | null = null;
  return {
    ...actor,
    webOrigins,
    get revoked() {
      end ??= endOf();
      return end;
    },
  };
}

/** Records the use of a key in the background, at most once a minute. */
function createUseRecorder({ keys, clock, log }: AuthenticationParts): (keyId: string) => void {
  const recordedAtMs = new Map<string, number>();
  return (keyId) => {
    const nowMs = clock.now().getTime();
    if (Math.abs(nowMs - (recordedAtMs.get(keyId) ?? 0)) < useRecordedEveryMs) return;
    recordedAtMs.set(keyId, nowMs);
    keys
      .recordUse(keyId)
      .catch((error: unknown) => log.warn({ err: error, keyId }, 'the use of a key was not recorded'));
  };
}

/** Returns the token of `Bearer <token>`; null for any other header, and for none. */
export function bearerTokenOf(authorization: string | null): string | null {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? null;
}
