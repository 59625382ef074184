import type { Database } from '../database/database.ts';
import type { EventType } from '../domain/event.ts';
import type { Log } from '../domain/log.ts';
import type { LogPosition } from './cursor.ts';
import { Follower, type Receiver } from './follower.ts';
import { createFollowerReads, type FollowerReads } from './follower-reads.ts';
import type { Notifier } from './notifications.ts';
import { createPastReads } from './past-reads.ts';
import { createSlices, type Slices } from './slices.ts';
import { Topic } from './topic.ts';
import { merchantTrack, orderTrack } from './track.ts';

/** The events that a subscription wants. `orderId` null means all orders of the merchant, `types` null means all types. */
export type FeedScope = {
  readonly merchantId: string;
  readonly orderId: string | null;
  readonly types: readonly EventType[] | null;
};

/** The feeds of the event log for all subscriptions of this node. */
export type Feeds = {
  /**
   * Passes the events of a scope to a receiver, each once and in order, until the follower ends. A merchant's events come in the order of
   * the log, an order's events in sequence.
   *
   * @param after null to start with the next event.
   */
  follow(scope: FeedScope, after: LogPosition | null, receiver: Receiver): Follower;
  readonly reads: FollowerReads;
  readonly slices: Slices;
  /** The number of merchants and orders that are followed. */
  readonly topicCount: number;
  /** The number of subscriptions. */
  readonly followerCount: number;
};

export type FeedParts = {
  readonly pool: Pick<Database['pool'], 'query'>;
  readonly notifier: Pick<Notifier, 'listen'>;
  readonly log: Log;
  /** The reads of the log that may run at the same time. */
  readonly readsMax: number;
  /** The number of events that a topic keeps in memory. */
  readonly ringEvents?: number;
};

const ringEventsDefault = 256;

export function createFeeds({ pool, notifier, log, readsMax, ringEvents = ringEventsDefault }: FeedParts): Feeds {
  const [reads, slices] = [createFollowerReads(readsMax, log), createSlices()];
  const parts = { notifier, reads, slices, ringEvents, pastReads: createPastReads() };
  const topics = new Map<string, Topic>();

  function topicOf({ merchantId, orderId }: FeedScope): Topic {
    const name = `${merchantId} ${orderId ?? ''}`;
    const found = topics.get(name);
    if (found !== undefined) return found;
    const track = orderId === null ? merchantTrack(pool, merchantId) : orderTrack(pool, merchantId, orderId);
    const topic = new Topic(track, parts, () => topics.delete(name));
    topics.set(name, topic);
    return topic;
  }

  return {
    reads,
    slices,
    follow: (scope, after, receiver) => new Follower(topicOf(scope), { types: scope.types, after }, receiver, log),
    get topicCount() {
      return topics.size;
    },
    get followerCount() {
      return [...topics.values()].reduce((sum, topic) => sum + topic.followerCount, 0);
    },
  };
}
