import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Log } from '../domain/log.ts';
import type { RateLimit } from './limits.ts';

/** Limits how often each owner may do something, on this node or, with Redis, on all nodes together. */
export type RateLimiter = {
  /** Counts one. Null when it is within the limit, otherwise the time until the next one is, in milliseconds. */
  take(owner: string): Promise<number | null>;
  /** The same without counting. */
  waitMsOf(owner: string): Promise<number | null>;
};

export type RateLimiterParts = {
  /** Distinguishes the counts in Redis. */
  readonly name: string;
  readonly limit: RateLimit;
  /** Null without Redis. */
  readonly redis: Redis | null;
  readonly log: Log;
};

/** While Redis is away, each node counts alone. Nobody waits for Redis, or is refused because of it. */
export function createRateLimiter({ name, limit, redis, log }: RateLimiterParts): RateLimiter {
  const { burst: points, perSecond } = limit;
  const options = { keyPrefix: `paystream:${name}`, points, duration: points / perSecond };
  const local = new RateLimiterMemory(options);
  const shared =
    redis === null ? null : new RateLimiterRedis({ ...options, storeClient: redis, rejectIfRedisNotReady: true });
  let isAway = false;

  async function count(by: (limiter: RateLimiterMemory | RateLimiterRedis) => Promise<RateLimiterRes | null>) {
    if (shared === null) return by(local);
    try {
      const counted = await by(shared);
      isAway = false;
      return counted;
    } catch (error) {
      if (error instanceof RateLimiterRes) throw error;
      if (!isAway) log.warn({ err: error, limit: name }, 'Redis is away: each node counts its rate limits alone');
      isAway = true;
      return by(local);
    }
  }

  return {
    async take(owner) {
      try {
        await count((limiter) => limiter.consume(owner));
        return null;
      } catch (refused) {
        if (refused instanceof RateLimiterRes) return Math.max(1, refused.msBeforeNext);
        throw refused;
      }
    },
    async waitMsOf(owner) {
      const counted = await count((limiter) => limiter.get(owner));
      return counted === null || counted.consumedPoints <= points ? null : Math.max(1, counted.msBeforeNext);
    },
  };
}
