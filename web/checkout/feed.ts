import { type PaystreamClient, PaystreamError } from '@paystream/client';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { CheckoutLink } from './link.ts';
import { type Checkout, readCheckout } from './order.ts';

export type Feed =
  | { readonly kind: 'loading' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'broken' }
  | { readonly kind: 'ready'; readonly checkout: Checkout };

export type FollowedCheckout = {
  readonly feed: Feed;
  /** False while the connection to the server is broken. What is shown may be old then. */
  readonly isConnected: boolean;
  /** Reads the order now. */
  readonly reload: () => Promise<Feed['kind']>;
};

/** A short break of the connection is not worth a word. */
const breakMsMin = 1500;

/**
 * Reads the order, and reads it again after each of its events. The events come from `follow`, which reconnects by itself; the order that they
 * lead to is read, because the next action of a payment can be renewed without an event.
 */
export function useCheckout(client: PaystreamClient, { orderId, returnUrl }: CheckoutLink): FollowedCheckout {
  const [feed, setFeed] = useState<Feed>({ kind: 'loading' });
  const [isConnected, setConnected] = useState(true);
  const reading = useRef<Promise<Feed['kind']> | null>(null);
  const isStale = useRef(false);

  /** One read at a time: an event that comes during one causes one more. */
  const reload = useCallback((): Promise<Feed['kind']> => {
    isStale.current = true;
    reading.current ??= (async () => {
      let kind: Feed['kind'] = 'loading';
      while (isStale.current) {
        isStale.current = false;
        const next = await read(client, { orderId, returnUrl: returnUrl ?? '' });
        setFeed((held) => newer(held, next));
        kind = next.kind;
      }
      return kind;
    })().finally(() => {
      reading.current = null;
    });
    return reading.current;
  }, [client, orderId, returnUrl]);

  useEffect(() => {
    const leaving = new AbortController();
    let breakTimer: ReturnType<typeof setTimeout> | undefined;
    const onStatus = ({ state }: { readonly state: string }) => {
      clearTimeout(breakTimer);
      if (state === 'live') {
        setConnected(true);
        void reload(); // what was shown may be from before the break, or nothing at all
      }
      if (state === 'waiting') breakTimer = setTimeout(() => setConnected(false), breakMsMin);
    };
    const follow = async () => {
      if ((await reload()) === 'refused') return;
      for await (const _event of client.follow({ orderId }, { signal: leaving.signal, onStatus })) await reload();
    };
    follow().catch((error: unknown) => {
      if (!leaving.signal.aborted) setFeed((held) => afterEnd(held, error));
    });
    return () => {
      leaving.abort();
      clearTimeout(breakTimer);
    };
  }, [client, orderId, reload]);

  return { feed, isConnected, reload };
}

async function read(client: PaystreamClient, variables: { orderId: string; returnUrl: string }): Promise<Feed> {
  try {
    const checkout = await readCheckout(client, variables, AbortSignal.timeout(readMsMax));
    return checkout === null ? { kind: 'refused' } : { kind: 'ready', checkout };
  } catch (error) {
    return failed(error);
  }
}

const readMsMax = 20_000;
const refusals: readonly string[] = ['UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND'];

function failed(error: unknown): Feed {
  const isRefused = error instanceof PaystreamError && refusals.includes(error.code);
  return { kind: isRefused ? 'refused' : 'broken' };
}

/** A failed read does not hide an order that is shown already; an older copy does not replace a newer one. */
function newer(held: Feed, next: Feed): Feed {
  if (held.kind !== 'ready') return next;
  if (next.kind !== 'ready') return next.kind === 'refused' ? next : held;
  return next.checkout.order.version >= held.checkout.order.version ? next : held;
}

/** The token of an order that is paid ends some time after it. That is no reason to take the receipt away. */
function afterEnd(held: Feed, error: unknown): Feed {
  return held.kind === 'ready' ? held : failed(error);
}
