import { type Client, type ClientOptions, createClient } from 'graphql-ws';

/** Closed with one of these, a socket will not do better the next time: the token or the request is wrong. */
const fatalCodes: readonly number[] = [4400, 4401, 4403, 4406];
/** A token that expires closes its socket with this. A `connectionParams` that is a function gets another token for the next one. */
const forbidden = 4403;
/** With these errors, the same subscription can succeed later. */
const passingErrors: readonly unknown[] = ['OVERLOADED', 'RATE_LIMITED', 'INTERNAL'];

const pause = (tries: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, Math.random() * Math.min(30_000, 500 * 2 ** Math.min(tries, 10))));

/**
 * A client of graphql-ws that reconnects for ever, and continues each subscription after the last event that it got. graphql-ws alone sends
 * the first `after` again. The subscription has to select the `cursor` of its event, and to take it as the variable `after`.
 */
export function createResumingClient(options: ClientOptions): Client {
  const isRenewable = typeof options.connectionParams === 'function';
  let wasAccepted = false;
  const client = createClient({
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry(cause) {
      const { code = 0 } = cause as { code?: number };
      return !fatalCodes.includes(code) || (code === forbidden && isRenewable && wasAccepted);
    },
    retryWait: pause,
    keepAlive: 10_000,
    ...options,
  });
  client.on('connecting', () => {
    wasAccepted = false;
  });
  client.on('connected', () => {
    wasAccepted = true;
  });
  return {
    ...client,
    subscribe(payload, sink) {
      // graphql-ws writes the message anew for each connection, so it sends the cursor of that moment.
      const variables: Record<string, unknown> = { ...payload.variables };
      let end = () => {};
      let isOver = false;
      const begin = (tries: number) => {
        let failures = tries;
        end = client.subscribe<Record<string, unknown>>(
          { ...payload, variables },
          {
            next(result) {
              failures = 0;
              const [event] = Object.values(result.data ?? {}) as ({ cursor?: unknown } | null)[];
              if (typeof event?.cursor === 'string') variables.after = event.cursor;
              sink.next(result as never);
            },
            error(cause) {
              const [first] = Array.isArray(cause) ? cause : [];
              if (!passingErrors.includes(first?.extensions?.code)) return sink.error(cause);
              void pause(failures).then(() => !isOver && begin(failures + 1));
            },
            complete: () => sink.complete(),
          },
        );
      };
      begin(0);
      return () => {
        isOver = true;
        end();
      };
    },
  };
}
