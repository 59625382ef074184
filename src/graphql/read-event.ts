import type { CursorScope, LogPosition } from '../events/cursor.ts';
import type { LoggedEvent } from '../events/log.ts';

/**
 * An event with the log that it was read from: the merchant's log, or the events of its order. The event's cursor is a position in that
 * log.
 */
export type ReadEvent = LoggedEvent & { readonly scope: CursorScope };

export function ofOrder(event: LoggedEvent): ReadEvent {
  return { ...event, scope: { orderId: event.orderId } };
}

export function ofMerchant(event: LoggedEvent): ReadEvent {
  return { ...event, scope: 'merchant' };
}

/** The arguments of one page of an order's events. Pages of several orders with the same `first` and `after` are read together. */
export type OrderEventsKey = { readonly orderId: string; readonly first: number; readonly after: LogPosition | null };

export type OrderEventPage = {
  readonly events: readonly ReadEvent[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
};

/** Cuts a page of `first` events from `rows`, which are read with one row more to find out whether a next page exists. */
export function pageOf(rows: readonly ReadEvent[], first: number, isContinued: boolean): OrderEventPage {
  return { events: rows.slice(0, first), hasNextPage: rows.length > first, hasPreviousPage: isContinued };
}
