import {
  EndOfLogDocument,
  EndOfOrderDocument,
  type EventCopyFragment,
  type EventType,
  FollowMerchantDocument,
  FollowOrderDocument,
  type OrderCopyFragment,
  OrderDocument,
  WatchOrderDocument,
} from '../generated/graphql.ts';
import { type Pause, pause } from './backoff.ts';
import { PaystreamError } from './errors.ts';
import { createEventStreamSource } from './event-stream-source.ts';
import { createFollowing, type Followed, type Following, type FollowOptions, type FollowParts } from './follow.ts';
import { merge } from './merge.ts';
import { createPayer, type Payer } from './pay.ts';
import { createRequest, type Document, type Request } from './request.ts';
import { createSocketSource } from './socket-source.ts';
import type { Source, Transport } from './source.ts';
import { defaultStorage, type PaystreamStorage, patientStorage } from './storage.ts';
import type { Token } from './token.ts';

export type PaystreamOptions = {
  /** The address of the API, such as `https://pay.example.com/graphql`. In a page it may be relative. */
  readonly url: string;
  /** A bearer token: in a page the `clientToken` of an order or the token of a person; never an API key. */
  readonly token?: Token;
  /** Where attempts to pay are kept. Default: `localStorage`, or memory where there is none. */
  readonly storage?: PaystreamStorage;
  /** In place of the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** The WebSocket class, for a runtime without a global one: `ws` on Node 20. Without it, SSE is used there. */
  readonly webSocketImpl?: unknown;
};

/** What to follow: one order, or all orders of the merchant, of all types or some. */
export type FollowTarget = { readonly orderId: string } | 'merchant' | { readonly types: readonly EventType[] };

export type PaystreamClient = {
  /**
   * Pays an order. It can be called again at any time, in any tab, with the same input: one decision to pay is one payment.
   *
   * @throws {PaystreamError} for a request that the server refuses as such: `UNAUTHENTICATED`, `FORBIDDEN`, `BAD_USER_INPUT`.
   */
  readonly pay: Payer['pay'];
  /**
   * Follows the events of an order or of the merchant: each event after the cursor once, in order.
   *
   * @throws {PaystreamError} from the loop, for errors that do not pass: a wrong token, a wrong cursor, no such order.
   */
  follow(target: FollowTarget, options?: FollowOptions): Following<EventCopyFragment>;
  /** The same with a selection of your own. The subscription takes `$after`, and selects the `cursor` of its one field. */
  follow<Result extends Readonly<Record<string, Followed>>>(
    target: { readonly document: Document<Result, never>; readonly variables?: object; readonly after: string },
    options?: Omit<FollowOptions, 'after'>,
  ): Following<Result[keyof Result]>;
  /** The order now, and again whenever it has changed. Ends like `follow`. */
  watch(orderId: string, options?: Omit<FollowOptions, 'after'>): AsyncGenerator<OrderCopyFragment, void, undefined>;
  /** Sends a query or a mutation, once. */
  readonly request: Request;
  /** The newest copy of an order. */
  readonly merge: typeof merge;
  /** Ends everything that follows, and closes the WebSocket. */
  close(): void;
};

export function createPaystreamClient(options: PaystreamOptions): PaystreamClient {
  return createClient(options, pause);
}

/** @param pause waits between two tries: tests that lose thousands of answers need not. */
export function createClient(options: PaystreamOptions, pause: Pause): PaystreamClient {
  const { token = null, webSocketImpl } = options;
  const url = absoluteUrl(options.url);
  const fetch = options.fetch ?? ((...args: Parameters<typeof globalThis.fetch>) => globalThis.fetch(...args));
  const request = createRequest({ url, token, fetch });
  const payer = createPayer({ request, storage: patientStorage(options.storage ?? defaultStorage()), pause });
  const socketClass = webSocketImpl ?? (globalThis as { WebSocket?: unknown }).WebSocket;
  const socket = socketClass === undefined ? null : createSocketSource({ url, token, webSocketImpl: socketClass });
  const eventStream = createEventStreamSource({ url, token, fetch });
  const open = new Set<{ stop(): void }>();
  const closing = new AbortController();

  type Subscription = {
    readonly query: string;
    readonly variables: object;
    readonly readEnd: (signal: AbortSignal) => Promise<string>;
  };
  function followWith<Event extends Followed>(
    { query, variables, readEnd }: Subscription,
    followOptions: FollowOptions,
    onDelivery: (event: Event) => Promise<void> | void = () => {},
  ): Following<Event> {
    const sources = sourcesFor(followOptions.transport ?? 'auto', socket, eventStream);
    const following = createFollowing<Event>(
      { query, variables, readEnd, sources, pause, onDelivery, onEnd: () => open.delete(following) },
      followOptions,
    );
    if (closing.signal.aborted) following.stop();
    else open.add(following);
    return following;
  }

  async function endOfOrder(orderId: string, signal: AbortSignal): Promise<string> {
    const { order } = await request(EndOfOrderDocument, { id: orderId }, { signal });
    return (order ?? raise(orderId)).eventCursor;
  }

  async function endOfLog(signal: AbortSignal): Promise<string> {
    const { orders } = await request(EndOfLogDocument, {}, { signal });
    if (orders === null) throw new PaystreamError('FORBIDDEN', 'The token may not read the events of the merchant.');
    return orders.eventCursor;
  }

  type OwnDocument = {
    readonly document: Document<unknown, never>;
    readonly variables?: object;
    readonly after: string;
  };
  function follow(target: FollowTarget | OwnDocument, followOptions: FollowOptions = {}): Following<Followed> {
    if (typeof target === 'object' && 'document' in target) {
      const { document, variables = {}, after } = target;
      const readEnd = async () => after;
      return followWith({ query: String(document), variables, readEnd }, { ...followOptions, after });
    }
    if (typeof target === 'object' && 'orderId' in target) {
      const { orderId } = target;
      return followWith<EventCopyFragment>(
        {
          query: String(FollowOrderDocument),
          variables: { orderId },
          readEnd: (signal) => endOfOrder(orderId, signal),
        },
        followOptions,
        payer.hear,
      );
    }
    const types = target === 'merchant' ? null : target.types;
    return followWith(
      { query: String(FollowMerchantDocument), variables: { types }, readEnd: endOfLog },
      followOptions,
    );
  }

  async function* watch(
    orderId: string,
    watchOptions: Omit<FollowOptions, 'after'> = {},
  ): AsyncGenerator<OrderCopyFragment, void, undefined> {
    let deliver: (order: OrderCopyFragment) => void;
    const read = new Promise<OrderCopyFragment>((resolve) => {
      deliver = resolve;
    });
    type Change = { readonly cursor: string; readonly order: OrderCopyFragment } & Omit<
      Parameters<Payer['hear']>[0],
      'orderId'
    >;
    const changes = followWith<Change>(
      {
        query: String(WatchOrderDocument),
        variables: { orderId },
        // The whole order is read where the events begin. Like them it is read again until it comes, and `onStatus` is told.
        async readEnd(signal) {
          const { order } = await request(OrderDocument, { id: orderId }, { signal });
          const found = order ?? raise(orderId);
          deliver(found);
          return found.eventCursor;
        },
      },
      watchOptions,
      (change) => payer.hear({ ...change, orderId }),
    );
    try {
      let next = changes.next();
      const first = await Promise.race([read, next.then(() => null)]);
      if (first === null) return; // it was stopped before
      yield first;
      let order: OrderCopyFragment = first;
      for (;;) {
        const { value: change } = await next;
        if (change === undefined) return;
        const newest: OrderCopyFragment = merge(order, change.order);
        const isNewer = newest.version > order.version;
        order = newest;
        if (isNewer) yield order;
        next = changes.next();
      }
    } finally {
      await changes.return?.();
    }
  }

  return {
    pay: payer.pay,
    follow: follow as PaystreamClient['follow'],
    watch,
    request,
    merge,
    close() {
      closing.abort();
      for (const following of [...open]) following.stop();
      socket?.close();
    },
  };
}

function sourcesFor(
  transport: Transport | 'auto',
  socket: { readonly source: Source; readonly hasOpened: () => boolean } | null,
  eventStream: Source,
): FollowParts<never>['sources'] {
  if (transport === 'sse' || (transport === 'auto' && socket === null))
    return [{ transport: 'sse', source: eventStream }];
  if (socket === null) {
    throw new PaystreamError('TRANSPORT', 'This runtime has no WebSocket. Pass `webSocketImpl`, such as that of `ws`.');
  }
  const first = { transport: 'websocket' as const, ...socket };
  return transport === 'websocket' ? [first] : [first, { transport: 'sse', source: eventStream }];
}

function raise(orderId: string): never {
  throw new PaystreamError('NOT_FOUND', `There is no order ${orderId}, or the token may not read it.`);
}

/** @throws {PaystreamError} BAD_USER_INPUT */
function absoluteUrl(url: string): string {
  const { location } = globalThis as { location?: { readonly href: string } };
  if (!URL.canParse(url, location?.href)) {
    throw new PaystreamError(
      'BAD_USER_INPUT',
      'url: is not the address of the API, such as https://pay.example.com/graphql.',
    );
  }
  return new URL(url, location?.href).href;
}
