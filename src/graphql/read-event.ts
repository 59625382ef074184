import type { CursorScope } from '../events/cursor.ts';
import type { LoggedEvent } from '../events/log.ts';

/** An event as it was read: in the merchant's log, or among the events of its order. Its cursor is a place in that. */
export type ReadEvent = LoggedEvent & { readonly scope: CursorScope };

export function ofOrder(event: LoggedEvent): ReadEvent {
  return { ...event, scope: { orderId: event.orderId } };
}

export function ofMerchant(event: LoggedEvent): ReadEvent {
  return { ...event, scope: 'merchant' };
}
