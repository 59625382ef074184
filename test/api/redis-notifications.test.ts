import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readLogState } from '../../src/database/database.ts';
import { createOrder, payOrder } from '../support/orders.ts';
import { untilSettled } from '../support/settled.ts';
import { followOrder } from '../support/subscriber.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

/** Two nodes on one database. */
async function twoNodes(redisUrl: string): Promise<[TestApp, TestApp]> {
  const one = await startTestApp({ config: { redisUrl } });
  const other = await startTestApp({ config: { redisUrl }, database: one.database });
  return [one, other];
}

test.runIf(process.env.REDIS_URL)(
  'a subscriber gets the events of another node by Redis, without the tail watch',
  async () => {
    const [one, other] = await twoNodes(process.env.REDIS_URL ?? '');
    const order = await createOrder(one);
    const subscriber = followOrder(one, order.id, order.eventCursor);
    await payOrder(other, order.id);
    await subscriber.until(({ type }) => type === 'PAYMENT_ACTION_REQUIRED');
    await subscriber.stop();
    expect(subscriber.heard.map(({ type }) => type)).toEqual(['PAYMENT_STARTED', 'PAYMENT_ACTION_REQUIRED']);
    await other.close();
    await one.close();
  },
);

test.runIf(process.env.REDIS_URL)(
  'what the tail watch finds is no news for other nodes, which watch the log themselves',
  async () => {
    const redisUrl = process.env.REDIS_URL ?? '';
    const [one, other] = await twoNodes(redisUrl);
    const { logId } = await readLogState(one.database.pool);
    const told: string[] = [];
    const redis = new Redis(redisUrl);
    await redis.subscribe(`paystream:notifications:${logId}`);
    redis.on('message', (_channel, message: string) => told.push(message.split(' ')[1] ?? ''));
    const first = await createOrder(other);
    await untilSettled(one.database.pool);
    expect(await one.app.rounds.watchTail()).toBeGreaterThan(0);
    // On the connection on which the watch would have told of the first one before.
    const second = await createOrder(one);
    await expect.poll(() => told).toContain(second.id);
    expect(told.sort()).toEqual([first.id, second.id].sort());
    redis.disconnect();
    await other.close();
    await one.close();
  },
);

let deadUrl: string;
beforeAll(async () => {
  // A port that was free a moment ago: nobody answers there.
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  deadUrl = `redis://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  await new Promise((resolve) => server.close(resolve));
});
let nodes: [TestApp, TestApp];
afterAll(async () => {
  for (const node of [...nodes].reverse()) await node.close();
});

test('while Redis is away, nothing waits for it, and the tail watch delivers the events of other nodes', async () => {
  nodes = await twoNodes(deadUrl);
  const [one, other] = nodes;
  const order = await createOrder(one);
  await one.app.rounds.watchTail();
  const subscriber = followOrder(one, order.id, order.eventCursor);
  await payOrder(other, order.id);
  await untilSettled(one.database.pool);
  await one.app.rounds.watchTail();
  await subscriber.until(() => subscriber.heard.length === 2);
  await subscriber.stop();
  expect(one.logged.filter(({ message }) => message.includes('Redis is unavailable')).length).toBeGreaterThan(0);
});
