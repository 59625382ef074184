import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache, type TypedDocumentNode } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { possibleTypes } from '@paystream/client/possible-types';
import { OperationTypeNode } from 'graphql';
import type { ClientOptions } from 'graphql-ws';
import { createResumingClient } from './resuming-client.ts';

export type MerchantEvent = {
  readonly cursor: string;
  readonly orderId: string;
  readonly sequence: number;
  readonly type: string;
};

/** Without `possibleTypes`, the cache drops everything selected in `... on Error`. */
export function createApollo(url: string, token: string, sockets: Pick<ClientOptions, 'webSocketImpl'> = {}) {
  const authorization = `Bearer ${token}`;
  const socket = createResumingClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: { authorization },
    ...sockets,
  });
  const client = new ApolloClient({
    cache: new InMemoryCache({ possibleTypes }),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: url, headers: { authorization } }),
    ),
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
  client: ApolloClient,
  after: string,
  onEvent: (event: MerchantEvent) => void,
  onError: (error: unknown) => void,
): () => void {
  // `no-cache`: an event is no entity, and the cache would keep each for ever.
  const events = client.subscribe({ query: merchantEvents, variables: { after }, fetchPolicy: 'no-cache' });
  const subscription = events.subscribe({
    next({ data, error }) {
      if (data) onEvent(data.merchantEvents);
      else onError(error);
    },
    error: onError,
  });
  return () => subscription.unsubscribe();
}
