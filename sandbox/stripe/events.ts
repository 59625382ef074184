import { apiVersion, type StripeObject } from './objects.ts';
import type { StripeState } from './state.ts';

/** Records an event with the present state of the object, and delivers it after the transaction commits. */
export function recordEvent(stripe: StripeState, type: string, object: StripeObject): void {
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
