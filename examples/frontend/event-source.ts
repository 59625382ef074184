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
  const parameters = new URLSearchParams({ query, variables: JSON.stringify({ after }) });
  const source = new EventSource(`${url}?${parameters}`, {
    // A browser's own EventSource cannot send a token; a token in the address would end up in logs.
    fetch: (address, init) =>
      fetch(address, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }),
  });
  source.addEventListener('next', ({ data }) => {
    const { data: result, errors } = JSON.parse(data);
    if (result) return onEvent(result.merchantEvents);
    // The subscription was refused, as with a wrong token: the next connection would get the same answer.
    source.close();
    onError(errors);
  });
  return () => source.close();
}
