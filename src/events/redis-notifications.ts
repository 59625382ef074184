import { Redis } from 'ioredis';
import type { Log } from '../domain/log.ts';
import type { Wakes } from './notifications.ts';

export type RedisWakes = Wakes & { close(): Promise<void> };

const connectTimeoutMs = 2000;
const reconnectDelayMsMax = 5000;

/**
 * Carries wakes between the nodes of one log by Redis publish. A message names whom to wake and says nothing else. While Redis is
 * away, nodes wake their own listeners at once and others' by the watch over the log's tail: a second later, and never too few.
 */
export function createRedisWakes(redisUrl: string, logId: string, local: Wakes, log: Log): RedisWakes {
  const channel = `paystream:wakes:${logId}`;
  const sender = connect(redisUrl, log);
  const receiver = connect(redisUrl, log);
  receiver.on('ready', () => {
    receiver
      .subscribe(channel)
      .catch((error: unknown) => log.warn({ err: error }, 'Redis refused the subscription to wakes'));
  });
  receiver.on('message', (_channel: string, message: string) => {
    const [merchantId, orderId] = message.split(' ');
    if (merchantId !== undefined && orderId !== undefined) local.wake({ merchantId, orderId });
  });
  return {
    get listenerCount() {
      return local.listenerCount;
    },
    listen: local.listen,
    wake(wake) {
      local.wake(wake);
      if (sender.status !== 'ready') return;
      sender.publish(channel, `${wake.merchantId} ${wake.orderId}`).catch((error: unknown) => {
        log.warn({ err: error }, 'a wake could not be published');
      });
    },
    async close() {
      sender.disconnect();
      receiver.disconnect();
    },
  };
}

/** A connection that never makes anybody wait: nothing is queued while Redis is away, and nothing is tried twice. */
function connect(redisUrl: string, log: Log): Redis {
  const redis = new Redis(redisUrl, {
    connectTimeout: connectTimeoutMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    retryStrategy: (attempt) => Math.min(200 * attempt, reconnectDelayMsMax),
  });
  let isAway = false;
  redis.on('ready', () => {
    isAway = false;
  });
  redis.on('error', (error: unknown) => {
    if (!isAway) log.warn({ err: error }, 'Redis is away: wakes between nodes take up to a second until it is back');
    isAway = true;
  });
  return redis;
}
