import { setMaxListeners } from 'node:events';
import type { Log } from '../domain/log.ts';

export type RevocationParts = {
  readonly keys: { findRevoked(keyIds: readonly string[]): Promise<readonly string[]> };
  readonly log: Log;
};

/** The signals that end subscriptions and sockets: one for each token that has any. */
export type Revocations = {
  /** Aborts when the API key is revoked. */
  ofKey(keyId: string): AbortSignal;
  /** Aborts at a time. All callers with the same `name` share a signal. */
  until(name: string, at: Date): AbortSignal;
  /** Aborts the signals that are due, and forgets them. Returns their number. */
  endRevoked(now: Date): Promise<number>;
};

export function createRevocations({ keys, log }: RevocationParts): Revocations {
  const byKey = new Map<string, AbortController>();
  const expiring = new Map<string, { readonly controller: AbortController; readonly at: Date }>();
  return {
    ofKey(keyId) {
      const controller = byKey.get(keyId) ?? unlimitedController();
      byKey.set(keyId, controller);
      return controller.signal;
    },
    until(name, at) {
      const entry = expiring.get(name) ?? { controller: unlimitedController(), at };
      expiring.set(name, entry);
      return entry.controller.signal;
    },
    async endRevoked(now) {
      let ended = 0;
      for (const [name, { controller, at }] of expiring) {
        if (at > now) continue;
        expiring.delete(name);
        controller.abort();
        ended += 1;
      }
      const revoked = byKey.size === 0 ? [] : await keys.findRevoked([...byKey.keys()]);
      for (const keyId of revoked) {
        byKey.get(keyId)?.abort();
        byKey.delete(keyId);
        log.info({ keyId }, 'the subscriptions of a revoked API key have ended');
      }
      return ended + revoked.length;
    },
  };
}

/** Each subscription and socket of a token listens on its signal, so Node must not take many listeners for a leak. */
function unlimitedController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
