import type { Log } from '../domain/log.ts';
import { createGate, type Gate } from './gate.ts';
import type { Limits } from './limits.ts';
import { watchLoopDelay } from './loop-delay.ts';
import { createQuota, type Quota } from './quota.ts';
import { createRateLimiter, type RateLimiter } from './rate-limiter.ts';

/** The rates of operations. */
export type OperationRate = 'mutations' | 'queries' | 'personMutations' | 'personQueries' | 'unauthenticated';

export type OpenLimits = {
  readonly rates: Readonly<Record<OperationRate | 'refusedCallbacks', RateLimiter>>;
  readonly subscriptions: Quota;
  readonly operations: Gate;
  close(): void;
};

/** Opens what counts. With Redis all nodes count together; refused callbacks are counted by each node, because they wait for nothing. */
export async function openLimits(limits: Limits, redisUrl: string | null, log: Log): Promise<OpenLimits> {
  // A start without Redis does not load its client.
  const redis = redisUrl === null ? null : (await import('./redis.ts')).openCountingRedis(redisUrl, log);
  const rateOf = (name: OperationRate) => createRateLimiter({ name, limit: limits[name], redis, log });
  const loopDelay = watchLoopDelay();
  return {
    rates: {
      ...{ mutations: rateOf('mutations'), queries: rateOf('queries'), unauthenticated: rateOf('unauthenticated') },
      ...{ personMutations: rateOf('personMutations'), personQueries: rateOf('personQueries') },
      refusedCallbacks: createRateLimiter({ name: 'callbacks', limit: limits.refusedCallbacks, redis: null, log }),
    },
    subscriptions: createQuota(),
    operations: createGate({
      ...{ inFlightMax: limits.operationsInFlight, queuedMax: limits.operationsQueued },
      isLate: loopDelay.isLate,
    }),
    close() {
      loopDelay.stop();
      redis?.disconnect();
    },
  };
}
