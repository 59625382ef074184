import type { Log } from '../domain/log.ts';

export type RevocationParts = {
  readonly keys: { findRevoked(keyIds: readonly string[]): Promise<readonly string[]> };
  readonly log: Log;
};

/** What ends a token: the revocation of an API key or a signing key, a time, or both. */
type End = { readonly keyId: string | null; readonly at: Date | null };

/**
 * The end of a token. Like an AbortSignal, but thousands of subscriptions and sockets of one key wait for it, and an AbortSignal walks
 * through all its listeners to add or remove one.
 */
export type TokenEnd = {
  readonly isOver: boolean;
  /** Calls `act` when the token ends, or at once when it has ended. Returns the function that cancels this. */
  onEnd(act: () => void): () => void;
};

export const neverEnding: TokenEnd = { isOver: false, onEnd: () => () => {} };

/** The ends of all tokens that subscriptions and sockets wait for. */
export type Revocations = {
  /** All callers with the same `name` share an end. */
  endOf(name: string, end: End): TokenEnd;
  /** Ends the tokens that are due, and forgets them. Returns their number. */
  endRevoked(now: Date): Promise<number>;
};

export function createRevocations({ keys, log }: RevocationParts): Revocations {
  const tokens = new Map<string, End & { readonly tokenEnd: PendingEnd }>();

  function end(isOver: (end: End) => boolean): number {
    const over = [...tokens].filter(([, token]) => isOver(token));
    for (const [name, { tokenEnd }] of over) {
      tokens.delete(name);
      tokenEnd.end();
    }
    return over.length;
  }

  return {
    endOf(name, { keyId, at }) {
      const token = tokens.get(name) ?? { keyId, at, tokenEnd: new PendingEnd() };
      tokens.set(name, token);
      return token.tokenEnd;
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

class PendingEnd implements TokenEnd {
  readonly #acts = new Set<() => void>();
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  onEnd(act: () => void): () => void {
    if (this.#isOver) act();
    else this.#acts.add(act);
    return () => this.#acts.delete(act);
  }

  end(): void {
    this.#isOver = true;
    for (const act of this.#acts) act();
    this.#acts.clear();
  }
}
