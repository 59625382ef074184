import { Redis } from 'ioredis';
import type { Log } from '../domain/log.ts';
import type { Notifier } from './notifications.ts';

export type RedisNotifier = Notifier & { close(): Promise<void> };

const connectTimeoutMs = 2000;
const reconnectDelayMsMax = 5000;

/**
 * Carries notifications between the nodes of one log by Redis publish. A message holds the merchant's id and the order's id. While Redis
 * is away, a node notifies its own listeners at once; listeners on other nodes learn of new events from the tail watch within a second.
 */
export function createRedisNotifier(redisUrl: string, logId: string, local: Notifier, log: Log): RedisNotifier {
  const channel = `paystream:notifications:${logId}`;
  const sender = connect(redisUrl, log);
  const receiver = connect(redisUrl, log);
  receiver.on('ready', () => {
    receiver
      .subscribe(channel)
      .catch((error: unknown) => log.warn({ err: error }, 'Redis refused the subscription to notifications'));
  });
  receiver.on('message', (_channel: string, message: string) => {
    const [merchantId, orderId] = message.split(' ');
    if (merchantId !== undefined && orderId !== undefined) local.notify({ merchantId, orderId });
  });
  return {
    get listenerCount() {
      return local.listenerCount;
    },
    listen: local.listen,
    notify(notification) {
      local.notify(notification);
      if (sender.status !== 'ready') return;
      sender.publish(channel, `${notification.merchantId} ${notification.orderId}`).catch((error: unknown) => {
        log.warn({ err: error }, 'a notification could not be published');
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
    if (!isAway)
      log.warn({ err: error }, 'Redis is away: notifications between nodes take up to a second until it is back');
    isAway = true;
  });
  return redis;
}
