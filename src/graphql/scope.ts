import type { Prisma } from '../../prisma/generated/client/client.ts';
import type { OrderScope } from '../domain/actor.ts';

/** The condition for the orders that the caller sees. It is part of every query, so that others are not found. */
export function visibleOrders({ merchantId, customerId, orderId }: OrderScope): Prisma.OrderWhereInput {
  return { merchantId, ...(customerId !== null && { customerId }), ...(orderId !== null && { id: orderId }) };
}

/** The condition for the payments or refunds of these orders. */
export function ofVisibleOrders(scope: OrderScope): {
  readonly merchantId: string;
  readonly order?: Prisma.OrderWhereInput;
} {
  const { merchantId, customerId, orderId } = scope;
  return customerId === null && orderId === null ? { merchantId } : { merchantId, order: visibleOrders(scope) };
}

/** True for callers who work for the merchant, and may read what is not meant for buyers. */
export function isStaff({ customerId, orderId }: OrderScope): boolean {
  return customerId === null && orderId === null;
}
