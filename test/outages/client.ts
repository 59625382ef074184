import { setTimeout as delay } from 'node:timers/promises';
import { RefusedError, serverToken } from '../crash/server.ts';
import type { Asked } from '../crash/shop.ts';

const askAgainMs = 50;
/** A request that is not answered for this long is sent again, as a client with a timeout would. */
const answerMsMax = 15_000;
/** Errors that say that the same request can succeed later. */
const passing = ['OVERLOADED', 'INTERNAL_SERVER_ERROR', 'INTERNAL_ERROR', 'SERVICE_UNAVAILABLE', 'RATE_LIMITED'];

/** A client behind the balancer. It repeats a request with the same key until it is answered, whoever answers. */
export class Client implements Asked {
  /** How often a request was repeated, by the reason. */
  readonly repeated = new Map<string, number>();
  #url: string;

  constructor(url: string) {
    this.#url = `${url}/graphql`;
  }

  async ask<T>(query: string, variables: Record<string, unknown>, signal: AbortSignal): Promise<T> {
    for (;;) {
      signal.throwIfAborted();
      const outcome = await this.#askOnce<T>(query, variables, signal);
      if (outcome.kind === 'answered') return outcome.data;
      this.repeated.set(outcome.why, (this.repeated.get(outcome.why) ?? 0) + 1);
      await delay(askAgainMs, undefined, { signal });
    }
  }

  async #askOnce<T>(query: string, variables: Record<string, unknown>, signal: AbortSignal) {
    let text: string;
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${serverToken}` },
        body: JSON.stringify({ query, variables }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(answerMsMax)]),
      });
      text = await response.text();
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof Error && error.name === 'TimeoutError' ? 'no answer in time' : 'connection lost';
      return { kind: 'repeat', why } as const;
    }
    type Answer = { data?: T; errors?: { message: string; extensions?: { code?: string } }[] };
    const { data, errors } = JSON.parse(text) as Answer;
    if (errors === undefined && data != null) return { kind: 'answered', data } as const;
    const code = errors?.[0]?.extensions?.code ?? 'none';
    if (!passing.includes(code)) throw new RefusedError(text.slice(0, 500));
    return { kind: 'repeat', why: code } as const;
  }
}
