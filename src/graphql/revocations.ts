import { setMaxListeners } from 'node:events';
import type { Log } from '../domain/log.ts';

export type RevocationParts = {
  readonly keys: { findRevoked(keyIds: readonly string[]): Promise<readonly string[]> };
  readonly log: Log;
};

/** What ends a token: the revocation of an API key or a signing key, a time, or both. */
type End = { readonly keyId: string | null; readonly at: Date | null };

/** The signals that end subscriptions and sockets: one for each token that has any. */
export type Revocations = {
  /** Aborts at the end of the token. All callers with the same `name` share a signal. */
  signalOf(name: string, end: End): AbortSignal;
  /** Aborts the signals that are due, and forgets them. Returns their number. */
  endRevoked(now: Date): Promise<number>;
};

export function createRevocations({ keys, log }: RevocationParts): Revocations {
  const tokens = new Map<string, End & { readonly controller: AbortController }>();

  function end(isOver: (end: End) => boolean): number {
    const over = [...tokens].filter(([, token]) => isOver(token));
    for (const [name, { controller }] of over) {
      tokens.delete(name);
      controller.abort();
    }
    return over.length;
  }

  return {
    signalOf(name, { keyId, at }) {
      const token = tokens.get(name) ?? { keyId, at, controller: unlimitedController() };
      tokens.set(name, token);
      return token.controller.signal;
    },
    async endRevoked(now) {
      const expired = end(({ at }) => at !== null && at <= now);
      const used = new Set([...tokens.values()].flatMap(({ keyId }) => keyId ?? []));
      const revoked = used.size === 0 ? [] : await keys.findRevoked([...used]);
      const ended = end(({ keyId }) => keyId !== null && revoked.includes(keyId));
      for (const keyId of revoked) log.info({ keyId }, 'the subscriptions of a revoked key have ended');
      return expired + ended;
    },
  };
}

/** Each subscription and socket of a token listens on its signal, so Node must not take many listeners for a leak. */
function unlimitedController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
