import type { Prisma } from '../../prisma/generated/client/client.ts';
import type { OrderScope } from '../domain/actor.ts';

/** The condition for the orders that the caller sees. It is part of every query, so that others are not found. */
export function visibleOrders({ merchantId, customerId, orderId }: OrderScope): Prisma.OrderWhereInput {
  return { merchantId, ...(customerId !== null && { customerId }), ...(orderId !== null && { id: orderId }) };
}

/** True for callers who work for the merchant, and may read what is not meant for buyers. */
export function isStaff({ customerId, orderId }: OrderScope): boolean {
  return customerId === null && orderId === null;
}
