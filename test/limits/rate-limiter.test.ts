import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import type { Log } from '../../src/domain/log.ts';
import { createRateLimiter, type RateLimiter } from '../../src/limits/rate-limiter.ts';
import { openCountingRedis } from '../../src/limits/redis.ts';
import { freePort } from '../support/free-port.ts';

const logged: string[] = [];
const log: Log = { info() {}, warn: (_fields, message) => logged.push(message), error() {} };
let end = () => {};
afterEach(() => {
  end();
  end = () => {};
  logged.length = 0;
});

/** Three in a row; the next one in hours. */
const limit = { perSecond: 0.001, burst: 3 };
const takeAll = async (limiter: RateLimiter, owner: string, times: number) => {
  const answers: boolean[] = [];
  for (let taken = 0; taken < times; taken += 1) answers.push((await limiter.take(owner)) === null);
  return answers;
};

test('the burst is allowed, the next is refused with the time to wait, and another owner is not concerned', async () => {
  const limiter = createRateLimiter({ name: 'test', limit, redis: null, log });
  expect(await takeAll(limiter, 'one', 3)).toEqual([true, true, true]);
  expect(await limiter.waitMsOf('one')).toBeNull();
  expect(await limiter.take('one')).toBeGreaterThan(1000);
  expect(await limiter.waitMsOf('one')).toBeGreaterThan(1000);
  expect(await limiter.take('other')).toBeNull();
});

test('an owner may go on when its window has ended', async () => {
  const limiter = createRateLimiter({ name: 'test', limit: { perSecond: 1000, burst: 1 }, redis: null, log });
  await limiter.take('one');
  await expect.poll(() => limiter.take('one')).toBeNull();
});

test('without Redis in reach each node counts alone, and one line is logged', async () => {
  const redis = openCountingRedis(`redis://127.0.0.1:${await freePort()}`, log);
  end = () => redis.disconnect();
  await once(redis, 'error').catch(() => {});
  const limiter = createRateLimiter({ name: 'test', limit, redis, log });
  expect(await takeAll(limiter, 'one', 5)).toEqual([true, true, true, false, false]);
  expect(logged).toHaveLength(2); // of the connection, and of the limit
});

describe.runIf(process.env.REDIS_URL)('with Redis', () => {
  test('two nodes count together', async () => {
    const redis = [0, 1].map(() => openCountingRedis(process.env.REDIS_URL ?? '', log));
    end = () => {
      for (const each of redis) each.disconnect();
    };
    await Promise.all(redis.map((each) => once(each, 'ready')));
    const name = `test-${randomUUID()}`;
    const [one, other] = redis.map((each) => createRateLimiter({ name, limit, redis: each, log }));
    if (one === undefined || other === undefined) throw new Error('There are two.');
    expect(await takeAll(one, 'owner', 2)).toEqual([true, true]);
    expect(await takeAll(other, 'owner', 2)).toEqual([true, false]);
    expect(await one.waitMsOf('owner')).toBeGreaterThan(1000);
    expect(logged).toEqual([]);
  });
});
