import type { FollowStatus, OrderEvent, PaystreamClient, PaystreamError } from '@paystream/client';
import { createContext, useContext, useEffect, useRef, useSyncExternalStore } from 'react';
import type { RecentEventsQuery, RecentEventsQueryVariables } from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';

const recentEventsQuery = operation<RecentEventsQuery, RecentEventsQueryVariables>(/* GraphQL */ `
  query RecentEvents {
    orders(first: 1) {
      eventCursor
    }
    events(first: 50, orderBy: NEWEST_FIRST) {
      nodes {
        id
        cursor
        sequence
        type
        occurredAt
        orderId
        orderNumber
        orderStatus
        orderPaymentStatus
        paymentId
        paymentStatus
        paymentMethod
        refundId
        refundStatus
        amount {
          amountMinor
          currency
          decimal
        }
        failure {
          reason
          message
          providerCode
        }
        actor {
          kind
          id
        }
        note
      }
    }
  }
`);

/** The events that the feed shows at most. Older ones are in the orders' timelines. */
const feedLengthMax = 100;
/** Events that arrive within this time, in milliseconds, are shown together. */
const batchMs = 100;
/** The pause before a read that failed is tried again, in milliseconds. */
export const retryMs = 2000;

export type LiveState = {
  /** Newest first. */
  readonly feed: readonly OrderEvent[];
  readonly isLoaded: boolean;
  readonly connection: 'connecting' | 'live' | 'lost' | 'ended';
  /** When the connection entered this state. */
  readonly since: Date;
  /** The number of events that this page has received. */
  readonly received: number;
};

export type Live = {
  getState(): LiveState;
  subscribe(notify: () => void): () => void;
  /** Calls with all events of a batch, oldest first. */
  onEvents(listener: (events: readonly OrderEvent[]) => void): () => void;
  close(): void;
};

/**
 * The events of the merchant since the page was opened, each once, across lost connections. They are handed on in batches, at most one for each
 * frame that is drawn, so that a busy shop does not keep the page from answering.
 *
 * @param onFatal called when the server has ended the subscription for good, as after a revoked token.
 */
export function followMerchant(client: PaystreamClient, onFatal: (error: unknown) => void): Live {
  let state: LiveState = { feed: [], isLoaded: false, connection: 'connecting', since: new Date(), received: 0 };
  let waiting: OrderEvent[] = [];
  let isPlanned = false;
  const observers = new Set<() => void>();
  const listeners = new Set<(events: readonly OrderEvent[]) => void>();
  const ending = new AbortController();

  const change = (changes: Partial<LiveState>) => {
    state = { ...state, ...changes };
    for (const notify of observers) notify();
  };
  const enter = (connection: LiveState['connection']) => {
    if (connection !== state.connection) change({ connection, since: new Date() });
  };
  const hand = () => {
    isPlanned = false;
    const events = waiting;
    waiting = [];
    const shown = events.slice(-feedLengthMax).reverse();
    change({
      feed: [...shown, ...state.feed].slice(0, feedLengthMax),
      received: state.received + events.length,
    });
    for (const listener of listeners) listener(events);
  };
  const plan = () => {
    if (isPlanned) return;
    isPlanned = true;
    // A page that is not visible draws no frames.
    setTimeout(() => (document.hidden ? hand() : requestAnimationFrame(hand)), batchMs);
  };

  const begin = async (): Promise<string | null> => {
    for (;;) {
      try {
        const { events, orders } = await client.request(recentEventsQuery, {}, { signal: ending.signal });
        const feed = events?.nodes ?? [];
        change({ feed, isLoaded: true });
        return feed[0]?.cursor ?? orders?.eventCursor ?? null;
      } catch (error) {
        if (ending.signal.aborted || !isPassing(error)) throw error;
        enter('lost');
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  };
  const run = async () => {
    const after = await begin();
    const following = client.follow('merchant', {
      after,
      signal: ending.signal,
      onStatus: ({ state: told }) => enter(connectionOf(told, state.connection)),
    });
    for await (const event of following) {
      waiting.push(event);
      plan();
    }
  };
  run().catch((error: unknown) => {
    if (ending.signal.aborted) return;
    enter('ended');
    onFatal(error);
  });

  return {
    getState: () => state,
    subscribe(notify) {
      observers.add(notify);
      return () => observers.delete(notify);
    },
    onEvents(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => ending.abort(),
  };
}

/** True when the same read can succeed later. */
export function isPassing(error: unknown): boolean {
  const { code } = error as Partial<PaystreamError>;
  return code === 'NETWORK' || code === 'OVERLOADED' || code === 'RATE_LIMITED' || code === 'INTERNAL';
}

/** A first try is no loss; a try after a loss is still one. A reader that is behind is connected again at once. */
function connectionOf(told: FollowStatus['state'], now: LiveState['connection']): LiveState['connection'] {
  switch (told) {
    case 'live':
    case 'full':
      return 'live';
    case 'connecting':
      return now === 'lost' ? 'lost' : 'connecting';
    case 'waiting':
      return 'lost';
    case 'ended':
      return 'ended';
  }
}

export const LiveContext = createContext<Live | null>(null);

function useLive(): Live {
  const live = useContext(LiveContext);
  if (live === null) throw new Error('useLive is used outside of a session.');
  return live;
}

export function useLiveState(): LiveState {
  const live = useLive();
  return useSyncExternalStore(live.subscribe, live.getState);
}

/** Calls with each batch of events while the component is shown. */
export function useEvents(listener: (events: readonly OrderEvent[]) => void): void {
  const live = useLive();
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => live.onEvents((events) => latest.current(events)), [live]);
}
