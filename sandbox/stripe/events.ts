import { apiVersion, type Wire } from './objects.ts';
import type { StripeState } from './state.ts';

/** Keeps an event with the object as it is now, and has it delivered once what is being done is kept. */
export function recordEvent(stripe: StripeState, type: string, object: Wire): void {
  const id = stripe.newId('evt_');
  const created = stripe.clock.wireSeconds();
  const event = {
    id,
    object: 'event',
    api_version: apiVersion,
    created,
    data: { object },
    livemode: false,
    pending_webhooks: 1,
    request: { id: stripe.cause?.requestId ?? null, idempotency_key: stripe.cause?.idempotencyKey ?? null },
    type,
  };
  const row = stripe.events.put({ id, created, type, body: JSON.stringify(event, null, 2) });
  stripe.deliver(row);
}
