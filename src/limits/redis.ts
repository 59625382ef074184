import { Redis } from 'ioredis';
import type { Log } from '../domain/log.ts';

/** A call that waits longer than this for Redis is counted on its node. */
const commandTimeoutMs = 250;

/** The connection that counts. It reconnects by itself; until then, commands fail at once. */
export function openCountingRedis(url: string, log: Log): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
  });
  let isKnown = false;
  redis.on('ready', () => {
    isKnown = false;
  });
  redis.on('error', (error) => {
    if (!isKnown) log.warn({ err: error }, 'Redis is away: rate limits are counted on each node');
    isKnown = true;
  });
  return redis;
}
