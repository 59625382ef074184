import { apiVersion, type Wire } from './objects.ts';
import type { Books } from './state.ts';

/** Keeps an event with the object as it is now, and has it delivered once what is being done is kept. */
export function recordEvent(books: Books, type: string, object: Wire): void {
  const id = books.newId('evt_');
  const created = books.clock.wireSeconds();
  const event = {
    id,
    object: 'event',
    api_version: apiVersion,
    created,
    data: { object },
    livemode: false,
    pending_webhooks: 1,
    request: { id: books.cause?.requestId ?? null, idempotency_key: books.cause?.idempotencyKey ?? null },
    type,
  };
  const row = books.events.put({ id, created, type, body: JSON.stringify(event, null, 2) });
  books.deliver(row);
}
