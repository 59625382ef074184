import { EventSource } from 'eventsource';

export type MerchantEvent = {
  readonly cursor: string;
  readonly orderId: string;
  readonly sequence: number;
  readonly type: string;
};

const query = `subscription MerchantEvents($after: EventCursor!) {
  merchantEvents(after: $after) { cursor orderId sequence type }
}`;

/** The time before a connection that was refused for a while is opened again, in milliseconds. */
const againMs = 1000;

/**
 * Calls `onEvent` with each event after the cursor, once, in order. It reconnects by itself: the id of each message is the cursor of its event,
 * and the server continues after the Last-Event-ID. Returns the function that ends it.
 */
export function followMerchant(
  url: string,
  token: string,
  after: string,
  onEvent: (event: MerchantEvent) => void,
  onError: (error: unknown) => void,
): () => void {
  let cursor = after;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let source = open();
  return () => {
    clearTimeout(timer);
    source.close();
  };

  function open(): EventSource {
    const parameters = new URLSearchParams({ query, variables: JSON.stringify({ after: cursor }) });
    const opened = new EventSource(`${url}?${parameters}`, {
      // A browser's own EventSource cannot send a token; a token in the address would end up in logs.
      fetch: (address, init) =>
        fetch(address, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }),
    });
    opened.addEventListener('next', ({ data }) => {
      const { data: result, errors } = JSON.parse(data);
      if (result) {
        cursor = result.merchantEvents.cursor;
        return onEvent(result.merchantEvents);
      }
      // The subscription was refused, as with a wrong token: the next connection would get the same answer.
      opened.close();
      onError(errors);
    });
    // An EventSource gives up at any status but 200, also at the 503 of a server that starts or of a proxy whose server is away.
    opened.addEventListener('error', (error) => {
      if (opened.readyState !== opened.CLOSED) return;
      if (error.code !== undefined && error.code >= 500) {
        timer = setTimeout(
          () => {
            source = open();
          },
          againMs * (1 + Math.random()),
        );
      } else onError(error);
    });
    return opened;
  }
}
