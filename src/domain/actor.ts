import type { ProviderName } from './payment.ts';

/**
 * What a caller may do. MERCHANT: a server with an API key. OPERATOR, VIEWER and CUSTOMER: people with a token that the merchant has signed.
 * BUYER: a browser with the client token of one order.
 */
export const roles = ['MERCHANT', 'OPERATOR', 'VIEWER', 'CUSTOMER', 'BUYER'] as const;
export type Role = (typeof roles)[number];

/** PROVIDER: a callback, a response, the answer to a query, or a bill. SYSTEM: Paystream itself, such as the expiry of an order. */
export const actorKinds = ['MERCHANT', 'OPERATOR', 'CUSTOMER', 'BUYER', 'PROVIDER', 'SYSTEM'] as const;
export type ActorKind = (typeof actorKinds)[number];

/**
 * Who caused an event. `id` is the API key, the subject of the token, the order of the client token, or the provider's name. Null for
 * SYSTEM.
 */
export type EventActor = { readonly kind: ActorKind; readonly id: string | null };

/** True for who pays. They may give up what they have not paid, but not take back an authorization that the merchant relies on. */
export function isPayer(kind: ActorKind | Role): boolean {
  return kind === 'CUSTOMER' || kind === 'BUYER';
}

export const systemActor: EventActor = { kind: 'SYSTEM', id: null };

export function providerActor({ provider }: { readonly provider: ProviderName }): EventActor {
  return { kind: 'PROVIDER', id: provider };
}

/** The orders that a caller can see. To the caller, others do not exist. */
export type OrderScope = {
  readonly merchantId: string;
  /** Only the orders of this customer; null for those of all customers. */
  readonly customerId: string | null;
  /** Only this order; null for all orders. */
  readonly orderId: string | null;
};

export function isVisible(order: { readonly id: string } & Omit<OrderScope, 'orderId'>, scope: OrderScope): boolean {
  return (
    order.merchantId === scope.merchantId &&
    (scope.customerId === null || order.customerId === scope.customerId) &&
    (scope.orderId === null || order.id === scope.orderId)
  );
}
