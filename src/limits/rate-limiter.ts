import type { Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Log } from '../domain/log.ts';
import type { RateLimit } from './limits.ts';
import { createLocalCounts, type LocalCount } from './local-counts.ts';

/** Limits how often each owner may do something, on this node or, with Redis, on all nodes together. */
export type RateLimiter = {
  /** Counts one. Null when it is within the limit, otherwise the time until the next one is, in milliseconds. A promise only with Redis. */
  take(owner: string): WaitMs | Promise<WaitMs>;
  /** The same without counting. */
  waitMsOf(owner: string): WaitMs | Promise<WaitMs>;
};

type WaitMs = number | null;

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
  const duration = points / perSecond;
  const local = createLocalCounts(duration * 1000);
  const waitMs = ({ count, msLeft }: LocalCount) => (count <= points ? null : Math.max(1, msLeft));
  if (redis === null) {
    return {
      take: (owner) => waitMs(local.add(owner)),
      waitMsOf: (owner) => waitMs(local.of(owner)),
    };
  }

  const shared = new RateLimiterRedis({
    ...{ keyPrefix: `paystream:${name}`, points, duration },
    ...{ storeClient: redis, rejectIfRedisNotReady: true },
  });
  let isAway = false;

  async function count(inRedis: () => Promise<RateLimiterRes | null>, alone: () => LocalCount): Promise<LocalCount> {
    try {
      const counted = await inRedis();
      isAway = false;
      return countIn(counted);
    } catch (error) {
      if (error instanceof RateLimiterRes) return countIn(error);
      if (!isAway) log.warn({ err: error, limit: name }, 'Redis is away: each node counts its rate limits alone');
      isAway = true;
      return alone();
    }
  }

  return {
    take: async (owner) =>
      waitMs(
        await count(
          () => shared.consume(owner),
          () => local.add(owner),
        ),
      ),
    waitMsOf: async (owner) =>
      waitMs(
        await count(
          () => shared.get(owner),
          () => local.of(owner),
        ),
      ),
  };
}

function countIn(counted: RateLimiterRes | null): LocalCount {
  return counted === null ? { count: 0, msLeft: 0 } : { count: counted.consumedPoints, msLeft: counted.msBeforeNext };
}
