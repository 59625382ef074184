import { Client, fetchExchange, gql, subscriptionExchange, type TypedDocumentNode } from '@urql/core';
import type { ClientOptions } from 'graphql-ws';
import { createResumingClient } from './resuming-client.ts';

export type MerchantEvent = {
  readonly cursor: string;
  readonly orderId: string;
  readonly sequence: number;
  readonly type: string;
};

/** With `cacheExchange` of `@urql/exchange-graphcache`, give it a schema, so that it knows the members of unions. */
export function createUrql(url: string, token: string, sockets: Pick<ClientOptions, 'webSocketImpl'> = {}) {
  const authorization = `Bearer ${token}`;
  const socket = createResumingClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: { authorization },
    ...sockets,
  });
  const client = new Client({
    url,
    preferGetMethod: false,
    fetchOptions: { headers: { authorization } },
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ query, variables: variables as Record<string, unknown> }, sink as never),
          }),
        }),
      }),
    ],
  });
  return { client, close: () => socket.dispose() };
}

const merchantEvents: TypedDocumentNode<{ merchantEvents: MerchantEvent }, { after: string }> = gql`
  subscription MerchantEvents($after: EventCursor!) {
    merchantEvents(after: $after) {
      cursor
      orderId
      sequence
      type
    }
  }
`;

/** Calls `onEvent` with each event after the cursor, once, in order. Returns the function that ends it. */
export function followMerchant(
  client: Client,
  after: string,
  onEvent: (event: MerchantEvent) => void,
  onError: (error: unknown) => void,
): () => void {
  const { unsubscribe } = client.subscription(merchantEvents, { after }).subscribe(({ data, error }) => {
    if (data) onEvent(data.merchantEvents);
    else if (error) onError(error);
  });
  return unsubscribe;
}
