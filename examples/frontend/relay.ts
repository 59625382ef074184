import type { ClientOptions } from 'graphql-ws';
import {
  Environment,
  type FetchFunction,
  Network,
  Observable,
  RecordSource,
  Store,
  type SubscribeFunction,
} from 'relay-runtime';
import { createResumingClient } from './resuming-client.ts';

/** Relay's compiler knows the members of unions from the schema. Give it `customScalarTypes`, or the scalars are `any`. */
export function createRelay(url: string, token: string, sockets: Pick<ClientOptions, 'webSocketImpl'> = {}) {
  const authorization = `Bearer ${token}`;
  const socket = createResumingClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: { authorization },
    ...sockets,
  });
  const fetchQuery: FetchFunction = async ({ text, name }, variables) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization },
      body: JSON.stringify({ query: text, operationName: name, variables }),
    });
    return response.json();
  };
  const subscribe: SubscribeFunction = ({ text, name }, variables) =>
    Observable.create((sink) =>
      socket.subscribe(
        { query: text ?? '', operationName: name, variables },
        {
          next: (result) => sink.next(result as never),
          // graphql-ws reports the errors of an operation as a list.
          error: (cause) =>
            sink.error(Array.isArray(cause) ? new Error(cause[0]?.message, { cause }) : (cause as Error)),
          complete: () => sink.complete(),
        },
      ),
    );
  const environment = new Environment({
    network: Network.create(fetchQuery, subscribe),
    store: new Store(new RecordSource()),
  });
  return { environment, close: () => socket.dispose() };
}
