import { Redis } from 'ioredis';
import type { Log } from '../domain/log.ts';
import { type Notifier, relayTo } from './notifications.ts';

export type RedisNotifier = Notifier & { close(): Promise<void> };

const connectTimeoutMs = 2000;
const reconnectDelayMsMax = 5000;

/**
 * Sends notifications between the nodes of one log through Redis pub/sub. A message contains the merchant's id and the
 * order's id. While Redis is unavailable, a node still notifies its own listeners immediately. Listeners on other nodes are
 * notified by the tail watch within a second.
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
  const relaying = relayTo(local, ({ merchantId, orderId }) => {
    if (sender.status !== 'ready') return;
    sender.publish(channel, `${merchantId} ${orderId}`).catch((error: unknown) => {
      log.warn({ err: error, merchantId, orderId }, 'a notification could not be published');
    });
  });
  const close = async () => {
    sender.disconnect();
    receiver.disconnect();
  };
  return Object.assign(relaying, { close });
}

/** A connection that never blocks its callers: while Redis is unavailable, commands are neither queued nor retried. */
function connect(redisUrl: string, log: Log): Redis {
  const redis = new Redis(redisUrl, {
    connectTimeout: connectTimeoutMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    retryStrategy: (attempt) => Math.min(200 * attempt, reconnectDelayMsMax),
  });
  let isUnavailable = false;
  redis.on('ready', () => {
    isUnavailable = false;
  });
  redis.on('error', (error: unknown) => {
    if (!isUnavailable)
      log.warn(
        { err: error },
        'Redis is unavailable: until it returns, notifications between nodes take up to a second',
      );
    isUnavailable = true;
  });
  return redis;
}
