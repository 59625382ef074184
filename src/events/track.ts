import type { Database } from '../database/database.ts';
import {
  type Batch,
  type LoggedEvent,
  logStart,
  type Place,
  readLogEnd,
  readMerchantNewest,
  readMerchantNews,
  readOrderNewest,
  readOrderNews,
} from './log.ts';

/** The newest events of a topic. `head` is the end of the log for its reader, and the events are all those after `floor` and up to it. */
export type Newest = Omit<Batch, 'isFull'> & { readonly floor: Place; readonly head: Place };

/** The part of the log that a topic follows: the events of a merchant, or those of one order. */
export type Track = {
  /** The id that notifications of its events have. */
  readonly name: string;
  /** Whose events these are, for log lines. */
  readonly about: { readonly merchantId: string; readonly orderId: string | null };
  readNewest(eventsMax: number): Promise<Newest>;
  readAfter(place: Place): Promise<Batch>;
  /** The end of the log: every later event has a higher position. */
  readEnd(): Promise<Place>;
};

type Pool = Pick<Database['pool'], 'query'>;

export function merchantTrack(pool: Pool, merchantId: string): Track {
  return {
    name: merchantId,
    about: { merchantId, orderId: null },
    async readNewest(eventsMax) {
      const end = await readLogEnd(pool);
      const newest = await readMerchantNewest(pool, merchantId, end, eventsMax);
      const { events: news, isHeldBack } = await readMerchantNews(pool, merchantId, end);
      const { floor, events } = floored(newest, eventsMax);
      return { floor, events: [...events, ...news], head: news.at(-1) ?? end, isHeldBack };
    },
    readAfter: (place) => readMerchantNews(pool, merchantId, place),
    readEnd: () => readLogEnd(pool),
  };
}

export function orderTrack(pool: Pool, merchantId: string, orderId: string): Track {
  return {
    name: orderId,
    about: { merchantId, orderId },
    async readNewest(eventsMax) {
      const newest = await readOrderNewest(pool, merchantId, orderId, eventsMax);
      return { ...floored(newest, eventsMax), head: newest.at(-1) ?? logStart, isHeldBack: false };
    },
    readAfter: (place) => readOrderNews(pool, merchantId, orderId, place),
    readEnd: async () => (await readOrderNewest(pool, merchantId, orderId, 1)).at(-1) ?? logStart,
  };
}

/** The oldest of `limit` events only tells where the others begin, because older ones may precede it. */
function floored(newest: readonly LoggedEvent[], limit: number): Pick<Newest, 'floor' | 'events'> {
  const [oldest, ...later] = newest;
  if (oldest === undefined || newest.length < limit) return { floor: logStart, events: newest };
  return { floor: oldest, events: later };
}
