import type { RateLimiter } from '../limits/rate-limiter.ts';

/** The number of addresses that are remembered as those of providers. */
const genuineMax = 1000;

/**
 * Limits callbacks that are refused, by client address. An address from which a genuine callback came is never refused for its rate: a
 * provider sends thousands a minute from few addresses, and behind a proxy its address may be everyone's.
 */
export type CallbackLane = {
  /** The time to wait, in milliseconds; null when the callback is read. */
  waitMsOf(address: string): Promise<number | null>;
  accepted(address: string): void;
  refused(address: string): Promise<void>;
};

export function createCallbackLane(rate: RateLimiter): CallbackLane {
  const genuine = new Set<string>();
  return {
    async waitMsOf(address) {
      return genuine.has(address) ? null : rate.waitMsOf(address);
    },
    accepted(address) {
      genuine.delete(address);
      genuine.add(address);
      const [oldest] = genuine;
      if (genuine.size > genuineMax && oldest !== undefined) genuine.delete(oldest);
    },
    async refused(address) {
      if (!genuine.has(address)) await rate.take(address);
    },
  };
}
