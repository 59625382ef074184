import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { onlyAccounts } from '../../src/accounts/provider-accounts.ts';
import { createOrder } from '../../src/commands/create-order.ts';
import type { Database } from '../../src/database/database.ts';
import { systemActor } from '../../src/domain/actor.ts';
import { systemClock } from '../../src/domain/clock.ts';
import type { PassFailpoint } from '../../src/domain/failpoint.ts';
import { passAll } from '../../src/domain/failpoint.ts';
import { needReview } from '../../src/domain/review.ts';
import type { LogPosition } from '../../src/events/cursor.ts';
import { createFeeds, type FeedScope } from '../../src/events/feeds.ts';
import { FollowedEvents } from '../../src/events/followed-events.ts';
import { type LoggedEvent, logStart, readLogEnd, readMerchantLog, wholeLog } from '../../src/events/log.ts';
import { createNotifier, relayTo } from '../../src/events/notifications.ts';
import { openTailWatch, tailLimit } from '../../src/events/tail-watch.ts';
import type { CommandContext } from '../../src/provider-calls/context.ts';
import { changeOrder } from '../../src/store/change-order.ts';
import { createLookups } from '../../src/store/lookups.ts';
import { ensureFirstMerchant } from '../../src/store/merchant-store.ts';
import { createOrderWriter } from '../../src/store/order-writer.ts';
import { openTestDatabase } from '../support/database.ts';
import { untilSettled, untilWriting } from '../support/settled.ts';

let database: Database;
let context: CommandContext;
let merchantId: string;
const notifier = createNotifier();

beforeAll(async () => {
  database = await openTestDatabase();
  const log = { info() {}, warn() {}, error() {} };
  context = {
    db: database,
    clock: systemClock,
    writer: createOrderWriter({ db: database, clock: systemClock, failpoint: passAll }),
    lookups: createLookups(database),
    accounts: onlyAccounts(database, []),
    notifier,
    log,
    failpoint: passAll,
  };
  ({ id: merchantId } = await ensureFirstMerchant(database, new Date()));
});
afterAll(() => database.close());

const newOrder = () =>
  createOrder(
    context,
    { merchantId, customerId: null, orderId: null, role: 'MERCHANT', id: 'test', returnOrigins: [] },
    {
      idempotencyKey: randomUUID(),
      currency: 'EUR',
      lines: [{ name: 'Cup', quantity: 1, unitAmountMinor: 100n }],
    },
  );

/** Adds one event to an order. Each review reason can be used once per order. */
const reasons = ['LATE_PAYMENT', 'SURPLUS', 'AMOUNT_MISMATCH', 'STUCK_UNKNOWN'] as const;
async function addEvent(orderId: string, reason: (typeof reasons)[number]): Promise<void> {
  await changeOrder(context, 'review', { orderId, actor: systemActor }, (change) =>
    needReview(change, reason, 'a test'),
  );
}

const followable = (parts: Partial<Parameters<typeof createFeeds>[0]> = {}) =>
  createFeeds({ pool: database.pool, notifier, log: context.log, readsMax: 2, ...parts });

function follow(
  scope: Partial<FeedScope>,
  after: LogPosition | null,
  feeds = followable(),
): AsyncIterableIterator<LoggedEvent> {
  const wanted = { merchantId, orderId: null, types: null, ...scope };
  return new FollowedEvents('merchant', (receiver) => feeds.follow(wanted, after, receiver))[Symbol.asyncIterator]();
}

const nameOf = ({ orderId, sequence }: LoggedEvent) => `${orderId} ${sequence}`;

async function take(events: AsyncIterableIterator<LoggedEvent>, count: number): Promise<LoggedEvent[]> {
  const taken: LoggedEvent[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

test('with 12 concurrent writers, a subscriber of the merchant receives every event once, in log order', async () => {
  await untilSettled(database.pool);
  const start = await readLogEnd(database.pool);
  const [writers, ordersEach] = [12, 6];
  const perOrder = 1 + reasons.length;
  const following = take(follow({}, start), writers * ordersEach * perOrder);
  await Promise.all(
    Array.from({ length: writers }, async () => {
      for (let i = 0; i < ordersEach; i += 1) {
        const orderId = await newOrder();
        // All four concurrently: they wait for the order's lock and must be committed in sequence.
        await Promise.all(reasons.map((reason) => addEvent(orderId, reason)));
      }
    }),
  );
  const received = await following;
  const log: LoggedEvent[] = [];
  for (let after = start; ; ) {
    const rows = await readMerchantLog(database.pool, merchantId, { ...wholeLog, after });
    log.push(...rows);
    const last = rows.at(-1);
    if (last === undefined) break;
    after = last;
  }
  expect(received.map(nameOf)).toEqual(log.map(nameOf));
  expect(new Set(received.map(nameOf)).size).toBe(writers * ordersEach * perOrder);
  const sequences = new Map<string, number>();
  for (const { orderId, sequence } of received) {
    expect(sequence).toBe((sequences.get(orderId) ?? 0) + 1);
    sequences.set(orderId, sequence);
  }
  expect(notifier.listenerCount).toBe(0);
});

test('a subscriber of one order receives each of its events once, from any position', async () => {
  const start = await readLogEnd(database.pool);
  const orderId = await newOrder();
  const live = take(follow({ orderId }, start), 1 + reasons.length);
  for (const reason of reasons) await addEvent(orderId, reason);
  const received = await live;
  expect(received.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
  for (const [index, event] of received.slice(0, -1).entries()) {
    const rest = received.slice(index + 1);
    const replayed = await take(follow({ orderId }, event), rest.length);
    expect(replayed.map(nameOf)).toEqual(rest.map(nameOf));
  }
});

test('the position of another order’s event is a position in the log, whatever the number of that event', async () => {
  const start = await readLogEnd(database.pool);
  const [orderId, otherId] = [await newOrder(), await newOrder()];
  for (const reason of reasons) await addEvent(otherId, reason);
  const last = (await take(follow({ orderId: otherId }, start), 1 + reasons.length)).at(-1);
  for (const reason of reasons) await addEvent(orderId, reason);
  // Behind a ring of one event, so that the position is looked up in the log.
  const feeds = followable({ ringEvents: 1 });
  const received = await take(follow({ orderId }, last ?? start, feeds), reasons.length);
  expect(received.map(({ sequence }) => sequence)).toEqual([2, 3, 4, 5]);
});

const appendManySql = `
  insert into events (id, merchant_id, order_id, sequence, type, occurred_at, order_number, order_status, order_payment_status,
    currency, changes, epoch)
  select e.id || '_' || n, e.merchant_id, e.order_id, e.sequence + n, e.type, e.occurred_at, e.order_number, e.order_status,
    e.order_payment_status, e.currency, '{}', e.epoch
  from events e, generate_series(1, $2::int) n where e.order_id = $1 and e.sequence = 1`;

test('one round of the tail watch reaches the end of the log for any number of new events', async () => {
  const lossyNotifier = createNotifier();
  await untilSettled(database.pool);
  const watch = await openTailWatch({ pool: database.pool, notifier: lossyNotifier });
  const [busyOrder, quietOrder] = [await newOrder(), await newOrder()];
  await database.pool.query(appendManySql, [busyOrder, 2 * tailLimit]);
  const woken = new Promise<void>((resolve) => lossyNotifier.listen(quietOrder, resolve));
  await addEvent(quietOrder, 'SURPLUS');
  await untilSettled(database.pool);
  expect(await watch.runOnce()).toBe(2 * tailLimit + 3);
  await woken;
  expect(await watch.runOnce()).toBe(0);
});

test('an event that cannot be notified keeps no other one from its subscribers, and is reported once', async () => {
  const failing = createNotifier();
  await untilSettled(database.pool);
  const watch = await openTailWatch({ pool: database.pool, notifier: failing });
  const orders = [await newOrder(), await newOrder(), await newOrder()];
  const woken: string[] = [];
  for (const [index, id] of orders.entries()) {
    failing.listen(id, () => {
      if (index === 0) throw new Error('It cannot be notified.');
      woken.push(id);
    });
  }
  await untilSettled(database.pool);
  await expect(watch.runOnce()).rejects.toThrow('It cannot be notified.');
  expect(woken).toEqual(orders.slice(1));
  expect(await watch.runOnce()).toBe(0);
});

test('other processes are told the ids alone, which can be sent in any form', () => {
  const told: unknown[] = [];
  const row = { merchantId: 'mch_1', orderId: 'ord_1', pos: 1n };
  relayTo(createNotifier(), (notification) => told.push(notification)).notify(row);
  expect(told).toEqual([{ merchantId: 'mch_1', orderId: 'ord_1' }]);
});

test('a subscriber that leaves while it waits leaves no listener behind', async () => {
  const orderId = await newOrder();
  const feeds = followable();
  for (const feed of [follow({ orderId }, null, feeds), follow({}, null, feeds)]) {
    const pending = feed.next();
    await database.pool.query('select 1');
    expect(feeds.topicCount).toBe(1);
    await feed.return?.();
    expect(await pending).toMatchObject({ done: true });
    expect(feeds.topicCount).toBe(0);
  }
  expect(notifier.listenerCount).toBe(0);
});

test('a merchant does not receive events of another merchant’s order', async () => {
  const orderId = await newOrder();
  const otherMerchantId = 'mch_01jd8m0v6te4r8x3y5z7a9b1c2';
  expect(await readMerchantLog(database.pool, otherMerchantId, wholeLog)).toEqual([]);
  const feed = follow({ merchantId: otherMerchantId, orderId }, logStart);
  const next = feed.next();
  await addEvent(orderId, 'SURPLUS');
  await feed.return?.();
  expect(await next).toMatchObject({ done: true });
});

test.runIf(process.env.DATABASE_URL)(
  'an event that is committed while an older transaction is open is held back until that one ends, and both are received',
  async () => {
    const [slowOrder, quickOrder] = [await newOrder(), await newOrder()];
    await untilSettled(database.pool);
    const start = await readLogEnd(database.pool);
    let finish = () => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let began = () => {};
    const beginning = new Promise<void>((resolve) => {
      began = resolve;
    });
    const failpoint: PassFailpoint = async (name) => {
      if (name !== 'review.uncommitted') return;
      began();
      await held;
    };
    const slow = changeOrder(
      { ...context, writer: createOrderWriter({ db: database, clock: systemClock, failpoint }) },
      'review',
      { orderId: slowOrder, actor: systemActor },
      (change) => needReview(change, 'SURPLUS', 'a test'),
    );
    await beginning;
    await untilWriting(database.pool);
    await addEvent(quickOrder, 'SURPLUS');
    // The quick event has the higher position and is committed first. A cursor after it would skip the slow event.
    expect(await readMerchantLog(database.pool, merchantId, { ...wholeLog, after: start })).toEqual([]);
    const following = take(follow({}, start), 2);
    finish();
    await slow;
    expect((await following).map(({ orderId }) => orderId)).toEqual([slowOrder, quickOrder]);
  },
);

test('a subscriber keeps its position while the database is unavailable and continues afterwards', async () => {
  const orderId = await newOrder();
  let failures = 1;
  const pool = new Proxy(database.pool, {
    get(target, name) {
      const query = Reflect.get(target, name, target);
      if (name !== 'query') return query;
      return (...args: unknown[]) => {
        if (failures === 0) return Reflect.apply(query, target, args);
        failures -= 1;
        return Promise.reject(new Error('The database is unavailable.'));
      };
    },
  });
  const warned: string[] = [];
  const log = { ...context.log, warn: (_fields: object, message: string) => warned.push(message) };
  const received = await take(follow({ orderId }, logStart, followable({ pool, log })), 1);
  expect(received.map(({ type }) => type)).toEqual(['ORDER_CREATED']);
  expect(warned).toHaveLength(1);
});

test('a subscription that fails is ended, and the log says whose events it followed', async () => {
  const orderId = await newOrder();
  const failure = new Error('it cannot take the event');
  const logged: object[] = [];
  const log = { ...context.log, error: (fields: object) => void logged.push(fields) };
  const feeds = followable({ log });
  await new Promise<void>((resolve) => {
    const receiver = {
      take() {
        throw failure;
      },
      end: resolve,
    };
    feeds.follow({ merchantId, orderId, types: null }, logStart, receiver);
  });
  expect(logged).toEqual([{ err: failure, merchantId, orderId }]);
  expect(feeds.followerCount).toBe(0);
});
