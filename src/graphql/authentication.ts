import { timingSafeEqual } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Actor } from '../commands/actor.ts';
import { hashOfToken, type KeyMode, keyModeOf } from '../commands/api-key-token.ts';
import type { KeyHolder } from '../domain/api-key.ts';
import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';

/** The authenticated caller of an operation. */
export type Caller = Actor & {
  /** The API key of the caller; null for the development token. */
  readonly keyId: string | null;
  /** Aborts when the caller's API key is revoked. */
  readonly revoked: AbortSignal;
};

/** Resolves the caller of an `Authorization` header; null when it has no valid token. */
export type Authenticate = (authorization: string | null) => Promise<Caller | null>;

export type Authentication = {
  readonly authenticate: Authenticate;
  /** Aborts the `revoked` signals of keys that were revoked on any node. Returns their number. */
  endRevoked(): Promise<number>;
};

export type AuthenticationParts = {
  /** The development token and the merchant that it stands for; null in production. */
  readonly development: { readonly token: string; readonly actor: Actor } | null;
  readonly keys: {
    findHolder(hash: Buffer): Promise<KeyHolder | null>;
    findRevoked(keyIds: readonly string[]): Promise<readonly string[]>;
    recordUse(keyId: string): Promise<void>;
  };
  /** The mode of the keys that this server accepts. */
  readonly mode: KeyMode;
  readonly clock: Clock;
  readonly log: Log;
};

const never = new AbortController().signal;
const useRecordedEveryMs = 60_000;

/** A key that this node has accepted since it started. */
type KeyInUse = { readonly revocation: AbortController; recordedAtMs: number };

/**
 * Accepts the development token and the active API keys of all merchants. Every operation looks its key up, so that a revoked key is refused
 * at once on every node.
 */
export function createAuthentication({ development, keys, mode, clock, log }: AuthenticationParts): Authentication {
  const inUse = new Map<string, KeyInUse>();
  const developmentHash = development === null ? null : hashOfToken(development.token);

  function use(keyId: string): AbortSignal {
    const nowMs = clock.now().getTime();
    const key = inUse.get(keyId) ?? { revocation: unlimitedController(), recordedAtMs: 0 };
    inUse.set(keyId, key);
    if (Math.abs(nowMs - key.recordedAtMs) >= useRecordedEveryMs) {
      key.recordedAtMs = nowMs;
      keys
        .recordUse(keyId)
        .catch((error: unknown) => log.warn({ err: error, keyId }, 'the use of a key was not recorded'));
    }
    return key.revocation.signal;
  }

  return {
    async authenticate(authorization) {
      const token = bearerTokenOf(authorization);
      if (token === null) return null;
      const hash = hashOfToken(token);
      if (development !== null && developmentHash !== null && timingSafeEqual(hash, developmentHash)) {
        return { ...development.actor, keyId: null, revoked: never };
      }
      if (keyModeOf(token) !== mode) return null;
      const holder = await keys.findHolder(hash);
      if (holder === null) return null;
      const { keyId, merchantId, returnOrigins } = holder;
      return { merchantId, returnOrigins, keyId, revoked: use(keyId) };
    },
    async endRevoked() {
      if (inUse.size === 0) return 0;
      const revoked = await keys.findRevoked([...inUse.keys()]);
      for (const keyId of revoked) {
        inUse.get(keyId)?.revocation.abort();
        inUse.delete(keyId);
        log.info({ keyId }, 'the subscriptions of a revoked API key have ended');
      }
      return revoked.length;
    },
  };
}

/** Each subscription and socket of a key listens on its signal, so Node must not take many listeners for a leak. */
function unlimitedController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** Returns the token of `Bearer <token>`; null for any other header, and for none. */
export function bearerTokenOf(authorization: string | null): string | null {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? null;
}
