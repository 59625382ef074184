import type { EventType } from '../../src/domain/event.ts';
import type { LogPosition } from '../../src/events/cursor.ts';
import { differencesOf, type History } from './history.ts';
import type { EventRow, Snapshot } from './rows.ts';

type Placed = Pick<EventRow, 'id' | 'orderId' | 'sequence' | 'epoch' | 'xid' | 'pos' | 'type'>;

/** Invariant 6, for all committed events. */
export function findRowsThatEventsDoNotTell(history: History, snapshot: Snapshot): string[] {
  return [
    ...findGaps(history.events),
    ...[...history.folded].flatMap(([orderId, folded]) => differencesOf(folded, snapshot, orderId)),
    ...snapshot.orders.filter(({ id }) => !history.folded.has(id)).map(({ id }) => `${id} has a row and no events`),
    ...snapshot.orders.flatMap((order) => {
      const last = history.events.findLast(({ orderId }) => orderId === order.id);
      if (last === undefined) return [];
      return [
        ...(order.version === last.sequence
          ? []
          : [`${order.id} has version ${order.version} and ${last.sequence} events`]),
        ...(order.status === last.orderStatus
          ? []
          : [`${order.id} is ${order.status}, its last event says ${last.orderStatus}`]),
        ...(order.paymentStatus === last.orderPaymentStatus
          ? []
          : [`${order.id} is ${order.paymentStatus}, its last event says ${last.orderPaymentStatus}`]),
      ];
    }),
  ];
}

/** In log order, the sequences of each order are 1, 2, 3 … */
function findGaps(events: readonly Placed[]): string[] {
  const last = new Map<string, number>();
  return events.flatMap(({ id, orderId, sequence }) => {
    const expected = (last.get(orderId) ?? 0) + 1;
    last.set(orderId, sequence);
    return sequence === expected ? [] : [`${orderId}: event ${id} is number ${sequence}, and ${expected} was to come`];
  });
}

/** A subscriber: of one order or all, of some event types or all, from a position in the log. */
export type Following = {
  readonly name: string;
  readonly orderId: string | null;
  readonly types: readonly EventType[] | null;
  readonly after: LogPosition;
};

/** The events that a subscriber must get in total, in order. */
function expectedOf<T extends Placed>({ orderId, types, after }: Following, events: readonly T[]): T[] {
  return events
    .filter((event) => orderId === null || event.orderId === orderId)
    .filter((event) => types === null || types.includes(event.type))
    .filter((event) => isAfter(event, after));
}

/** Invariant 9. `isToBeComplete`: all committed events must have arrived. */
export function findMisheard(
  following: Following,
  heard: readonly Placed[],
  events: readonly Placed[],
  isToBeComplete: boolean,
): string[] {
  const { name } = following;
  const expected = expectedOf(following, events);
  const at = heard.findIndex((event, index) => event.id !== expected[index]?.id);
  if (at >= 0) {
    const wanted = expected[at];
    const was = heard[at];
    const before = heard.slice(0, at).some(({ id }) => id === was?.id) ? ', which it had heard before' : '';
    return [
      `${name}: as number ${at + 1} it heard ${wordsOf(was)}${before}; it should have been ${wanted === undefined ? 'nothing more' : wordsOf(wanted)}`,
    ];
  }
  if (!isToBeComplete || heard.length === expected.length) return [];
  return [
    `${name}: heard ${heard.length} events of ${expected.length}; missing from ${wordsOf(expected[heard.length])} on`,
  ];
}

export function isAfter(event: LogPosition, { epoch, xid, pos }: LogPosition): boolean {
  if (event.epoch !== epoch) return event.epoch > epoch;
  if (event.xid !== xid) return event.xid > xid;
  return event.pos > pos;
}

function wordsOf(event: Placed | undefined): string {
  return event === undefined ? 'nothing' : `${event.type} ${event.id} (number ${event.sequence} of ${event.orderId})`;
}
