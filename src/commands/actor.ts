import type { EventActor, OrderScope, Role } from '../domain/actor.ts';
import type { OrderRef } from '../store/change-order.ts';

/** The authenticated caller of a command. */
export type Actor = OrderScope & {
  readonly role: Role;
  /**
   * Identifies the caller among those of the same role: the API key, the subject of the token, the order of the client token, or
   * `development`.
   */
  readonly id: string;
  /** The allowed origins of return URLs; `*` allows every origin. */
  readonly returnOrigins: readonly string[];
};

/** An order that a command changes, as its caller sees it. */
export function ownOrder(actor: Actor, orderId: string): Required<OrderRef> {
  return { orderId, scope: actor, actor: causeOf(actor) };
}

/** The namespace of the caller’s idempotency keys. */
export function keyOwnerOf({ customerId, orderId }: OrderScope): string {
  if (customerId !== null) return `customer:${customerId}`;
  return orderId === null ? '' : `order:${orderId}`;
}

/** The actor of the events that a command of this caller records. */
export function causeOf({ role, id }: Pick<Actor, 'role' | 'id'>): EventActor {
  if (role === 'VIEWER') throw new RangeError('A viewer changes nothing. This is a bug.');
  return { kind: role, id };
}
