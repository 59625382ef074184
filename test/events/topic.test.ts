import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { comparePositions } from '../../src/events/cursor.ts';
import { Follower, type Taken } from '../../src/events/follower.ts';
import { createFollowerReads, type FollowerReads } from '../../src/events/follower-reads.ts';
import type { LoggedEvent, Place } from '../../src/events/log.ts';
import { createNotifier, type Notifier } from '../../src/events/notifications.ts';
import { createPastReads } from '../../src/events/past-reads.ts';
import { createSlices } from '../../src/events/slices.ts';
import { Topic } from '../../src/events/topic.ts';
import { searchOf } from '../support/search.ts';
import { SimulatedLog } from './simulated-log.ts';

const log = { info() {}, warn() {}, error: (fields: object) => expect(fields).toEqual('no error') };
const types = ['ORDER_CREATED', 'PAYMENT_STARTED'] as const;

// Only the time between two polls; the simulated reads use setImmediate.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** All that the subscribers of one topic need, with a small ring. */
class Stage {
  readonly log = new SimulatedLog(3);
  readonly subscribers: Subscriber[] = [];
  readonly notifier: Notifier = createNotifier();
  readonly #reads: FollowerReads = {
    ...createFollowerReads(2, log),
    async patiently(read, isOver) {
      while (!isOver()) {
        try {
          return await read();
        } catch {
          await new Promise(setImmediate);
        }
      }
      return null;
    },
  };
  readonly #parts = {
    notifier: this.notifier,
    reads: this.#reads,
    slices: createSlices(),
    pastReads: createPastReads(),
    ringEvents: 4,
  };
  #topic: Topic | null = null;

  get topic(): Topic {
    this.#topic ??= new Topic(this.log.track, this.#parts, () => {
      this.#topic = null;
    });
    return this.#topic;
  }

  get hasTopic(): boolean {
    return this.#topic !== null;
  }

  notify(): void {
    this.notifier.notify({ merchantId: 'merchant', orderId: 'order' });
  }

  async settle(): Promise<void> {
    for (let round = 0; round < 60; round += 1) {
      await new Promise(setImmediate);
      if (round % 10 === 0) await vi.advanceTimersByTimeAsync(1000);
      for (const subscriber of this.subscribers) subscriber.follower?.proceed();
    }
  }
}

class Subscriber {
  readonly heard: LoggedEvent[] = [];
  readonly after: Place;
  readonly types: readonly LoggedEvent['type'][] | null;
  follower: Follower | null = null;
  readonly #stage: Stage;
  readonly #reluctance: readonly Taken[];
  readonly #takesMs: number;
  #offers = 0;

  /** @param takesMs how long it keeps the event loop for each event. */
  constructor(stage: Stage, after: Place, wanted: Subscriber['types'], reluctance: readonly Taken[], takesMs = 0) {
    this.#stage = stage;
    this.after = after;
    this.types = wanted;
    this.#reluctance = reluctance;
    this.#takesMs = takesMs;
  }

  connect(after: Place | null = this.heard.at(-1) ?? this.after): void {
    const take = (event: LoggedEvent): Taken => {
      this.#offers += 1;
      const endMs = performance.now() + this.#takesMs;
      while (performance.now() < endMs);
      const taken = this.#reluctance[this.#offers % this.#reluctance.length] ?? 'taken';
      if (taken === 'taken') this.heard.push(event);
      return taken;
    };
    this.follower = new Follower(this.#stage.topic, { types: this.types, after }, { take, end() {} }, log);
  }

  disconnect(): void {
    this.follower?.end();
    this.follower = null;
  }

  expected(all: readonly LoggedEvent[]): LoggedEvent[] {
    return all.filter(
      (event) => comparePositions(event, this.after) > 0 && (this.types === null || this.types.includes(event.type)),
    );
  }
}

const number = fc.nat(20);
const taken = fc.constantFrom<Taken>('taken', 'taken', 'not yet', 'no room');
type Act = (stage: Stage) => void | Promise<void>;
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.constant<Act>(({ log: at }) => at.begin()),
  fc.tuple(number, fc.constantFrom(...types)).map(
    ([which, type]): Act =>
      ({ log: at }) =>
        at.append(which, type),
  ),
  fc.tuple(number, fc.constantFrom(...types)).map(
    ([which, type]): Act =>
      ({ log: at }) =>
        at.append(which, type),
  ),
  number.map(
    (which): Act =>
      (stage) => {
        if (stage.log.end(which, 'commit')) stage.notify();
      },
  ),
  // A lost notification.
  number.map(
    (which): Act =>
      ({ log: at }) =>
        void at.end(which, 'commit'),
  ),
  number.map(
    (which): Act =>
      ({ log: at }) =>
        void at.end(which, 'rollback'),
  ),
  number.map(
    (failures): Act =>
      ({ log: at }) => {
        at.failures = failures % 3;
      },
  ),
  fc.tuple(number, fc.option(fc.constantFrom(...types)), fc.array(taken, { minLength: 1 })).map(
    ([from, type, reluctance]): Act =>
      (stage) => {
        const heard = stage.subscribers.flatMap((each) => each.heard);
        const after = heard[from % (heard.length + 1)] ?? { epoch: 0, xid: 0n, pos: 0n };
        const subscriber = new Subscriber(stage, after, type === null ? null : [type], [...reluctance, 'taken']);
        stage.subscribers.push(subscriber);
        subscriber.connect();
      },
  ),
  number.map(
    (which): Act =>
      ({ subscribers }) => {
        const subscriber = subscribers[which % Math.max(1, subscribers.length)];
        if (subscriber?.follower === null) subscriber.connect();
        else subscriber?.disconnect();
      },
  ),
  number.map(
    (which): Act =>
      ({ subscribers }) =>
        subscribers[which % Math.max(1, subscribers.length)]?.follower?.proceed(),
  ),
  fc.constant<Act>(() => new Promise<void>((resolve) => setImmediate(resolve))),
  fc.constant<Act>(async () => void (await vi.advanceTimersByTimeAsync(30))),
);

test('whatever is committed, held back, lost, refused or cut, every subscriber gets each event once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 20, maxLength: 150, size: 'max' }), async (acts) => {
      const stage = new Stage();
      for (const perform of acts) await perform(stage);
      stage.log.failures = 0;
      for (const subscriber of stage.subscribers) if (subscriber.follower === null) subscriber.connect();
      stage.notify();
      await stage.settle();
      stage.log.rollBackAll(); // releases events that are held back, without a notification
      await stage.settle();
      const { all } = stage.log;
      for (const subscriber of stage.subscribers) {
        expect(subscriber.heard.map(({ id }) => id)).toEqual(subscriber.expected(all).map(({ id }) => id));
        subscriber.disconnect();
      }
      expect(stage.notifier.listenerCount).toBe(0);
      expect(stage.hasTopic).toBe(false);
    }),
    searchOf(500),
  );
});

const commitOne = ({ log: at }: Stage) => {
  at.begin();
  at.append(0, 'ORDER_CREATED');
  at.end(0, 'commit');
};

test('an event is read once, however many follow', async () => {
  const readsFor = async (followers: number): Promise<number> => {
    const stage = new Stage();
    for (let i = 0; i < followers; i += 1) {
      const subscriber = new Subscriber(stage, { epoch: 0, xid: 0n, pos: 0n }, null, ['taken']);
      stage.subscribers.push(subscriber);
      subscriber.connect();
    }
    await stage.settle();
    const before = stage.log.reads;
    commitOne(stage);
    stage.notify();
    await stage.settle();
    expect(stage.subscribers.every(({ heard }) => heard.length === 1)).toBe(true);
    return stage.log.reads - before;
  };
  expect(await readsFor(1)).toBe(1);
  expect(await readsFor(1000)).toBe(1);
});

test('orders that were written together are read once, although each is notified', async () => {
  const stage = new Stage();
  const subscriber = new Subscriber(stage, { epoch: 0, xid: 0n, pos: 0n }, null, ['taken']);
  subscriber.connect();
  await stage.settle();
  const before = stage.log.reads;
  for (let order = 0; order < 2; order += 1) commitOne(stage);
  // As the callers of a batch do, who go on one after the other.
  for (let order = 0; order < 2; order += 1) void Promise.resolve().then(() => stage.notify());
  await stage.settle();
  expect(subscriber.heard).toEqual(stage.log.all);
  expect(stage.log.reads - before).toBe(1);
  subscriber.disconnect();
});

test('a thousand who come back at once with three cursors cost about as many reads as cursors', async () => {
  const stage = new Stage();
  for (let i = 0; i < 30; i += 1) commitOne(stage);
  const { all } = stage.log;
  for (let i = 0; i < 1000; i += 1) {
    const after = all[[20, 22, 24][i % 3] ?? 0];
    if (after === undefined) throw new Error('There are too few events.');
    const subscriber = new Subscriber(stage, after, null, ['taken']);
    stage.subscribers.push(subscriber);
    subscriber.connect();
  }
  await stage.settle();
  for (const subscriber of stage.subscribers) expect(subscriber.heard).toEqual(subscriber.expected(all));
  // The ring has four events and a read at most three.
  expect(stage.log.reads).toBeLessThan(10);
});

test('a subscriber without a cursor starts with the first event after it came, whatever its topic has not read yet', async () => {
  const stage = new Stage();
  const first = new Subscriber(stage, { epoch: 0, xid: 0n, pos: 0n }, null, ['taken']);
  first.connect();
  await stage.settle();
  commitOne(stage); // its notification is lost
  const second = new Subscriber(stage, stage.log.readableEnd, null, ['taken']);
  second.connect(null);
  await stage.settle();
  commitOne(stage);
  stage.notify();
  await stage.settle();
  expect(first.heard).toEqual(stage.log.all);
  expect(second.heard).toEqual(stage.log.all.slice(1));
});

test('events that are held back when the first subscriber comes are delivered without another notification', async () => {
  const stage = new Stage();
  stage.log.begin();
  stage.log.begin();
  stage.log.append(1, 'ORDER_CREATED');
  stage.log.end(1, 'commit');
  const subscriber = new Subscriber(stage, { epoch: 0, xid: 0n, pos: 0n }, null, ['taken']);
  subscriber.connect();
  await stage.settle();
  expect(subscriber.heard).toEqual([]);
  stage.log.rollBackAll();
  await stage.settle();
  expect(subscriber.heard).toEqual(stage.log.all);
});

test.each([
  ['few', 1, 0, 50],
  ['many', 100, 50, 50],
])(
  'after %s followers who took long, events that come meanwhile are read and told together',
  async (_count, count, restsMs, moreMs) => {
    const stage = new Stage();
    const busy = new Subscriber(stage, { epoch: 0, xid: 0n, pos: 0n }, null, ['taken'], 120);
    const others = Array.from({ length: count - 1 }, () => new Subscriber(stage, busy.after, null, ['taken']));
    for (const subscriber of [busy, ...others]) {
      stage.subscribers.push(subscriber);
      subscriber.connect();
    }
    await stage.settle();
    const turns = async () => {
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    };
    const commitAndNotify = async () => {
      commitOne(stage);
      stage.notify();
      await turns();
    };
    await commitAndNotify();
    expect(busy.heard).toHaveLength(1); // at once
    const before = stage.log.reads;
    await commitAndNotify();
    await commitAndNotify();
    await vi.advanceTimersByTimeAsync(restsMs);
    await turns();
    expect(busy.heard).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(moreMs);
    await turns();
    expect(busy.heard).toEqual(stage.log.all);
    expect(stage.log.reads - before).toBe(1);
  },
);
