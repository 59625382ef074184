import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core';
import type { GraphQLFieldResolver } from 'graphql';
import type { Role } from '../domain/actor.ts';
import { ForbiddenError } from '../domain/errors.ts';
import { actorOf, type GraphqlContext } from './context.ts';

const everyone = ['MERCHANT', 'OPERATOR', 'VIEWER', 'CUSTOMER', 'BUYER'] as const;
const staff = ['MERCHANT', 'OPERATOR', 'VIEWER'] as const;
const payers = ['MERCHANT', 'CUSTOMER', 'BUYER'] as const;
const cancelers = ['MERCHANT', 'OPERATOR', 'CUSTOMER', 'BUYER'] as const;
const deciders = ['MERCHANT', 'OPERATOR'] as const;

/**
 * Who may use which root field. Which orders a caller sees is a matter of its `OrderScope`. A field without a line here is refused when the
 * schema is built.
 */
export const access: Readonly<
  Record<'Query' | 'Mutation' | 'Subscription', Readonly<Record<string, readonly Role[]>>>
> = {
  Query: {
    apiKeys: ['MERCHANT'],
    deliveries: deciders,
    events: staff,
    merchant: staff,
    node: everyone,
    order: everyone,
    orderByNumber: [...staff, 'CUSTOMER'],
    orders: [...staff, 'CUSTOMER'],
    paymentMethods: everyone,
    payments: staff,
    refunds: staff,
    providerAccounts: ['MERCHANT'],
    salesSummary: staff,
    signingKeys: ['MERCHANT'],
    products: [...staff, 'CUSTOMER'],
    viewer: everyone,
    webhookEndpoint: staff,
    webhookEndpoints: staff,
    webhookMessages: staff,
  },
  Mutation: {
    addProviderAccount: ['MERCHANT'],
    approveRefund: deciders,
    cancelOrder: cancelers,
    cancelPayment: cancelers,
    capturePayment: deciders,
    createApiKey: ['MERCHANT'],
    createOrder: ['MERCHANT', 'CUSTOMER'],
    createSigningKey: ['MERCHANT'],
    createWebhookEndpoint: ['MERCHANT'],
    deleteWebhookEndpoint: ['MERCHANT'],
    disableProviderAccount: ['MERCHANT'],
    pauseWebhookEndpoint: ['MERCHANT'],
    payOrder: payers,
    refreshPayment: cancelers,
    rejectRefund: deciders,
    replayWebhooks: deciders,
    replayDelivery: deciders,
    requestRefund: deciders,
    resendWebhook: deciders,
    resolveReview: deciders,
    resumeWebhookEndpoint: ['MERCHANT'],
    revokeApiKey: ['MERCHANT'],
    revokeSigningKey: ['MERCHANT'],
    rotateWebhookSecret: ['MERCHANT'],
    setLatePaymentPolicy: ['MERCHANT'],
    setRefundLimits: ['MERCHANT'],
    testProviderAccount: ['MERCHANT'],
    updateMerchant: ['MERCHANT'],
    updateProviderAccount: ['MERCHANT'],
    updateWebhookEndpoint: ['MERCHANT'],
    upsertProduct: ['MERCHANT'],
  },
  Subscription: {
    merchantEvents: staff,
    orderEvents: everyone,
  },
};

/** True when the caller's role may use this mutation. */
export function mayUse({ role }: { readonly role: Role }, mutation: string): boolean {
  return access.Mutation[mutation]?.includes(role) ?? false;
}

export const accessPlugin = 'access';

/** Checks the role of the caller before any root field is resolved, or subscribed to. */
export class AccessPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(
    resolve: GraphQLFieldResolver<unknown, Types['Context'], object>,
    { kind, name }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    // A subscription is checked when it starts. While it lasts, its token may only end it.
    if (kind !== 'Query' && kind !== 'Mutation') return resolve;
    const allowed = allowedTo(kind, name);
    return (root, args, context, info) => {
      check(allowed, name, context as unknown as GraphqlContext);
      return resolve(root, args, context, info);
    };
  }

  override wrapSubscribe(
    subscribe: GraphQLFieldResolver<unknown, Types['Context'], object> | undefined,
    { kind, name }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> | undefined {
    if (kind !== 'Subscription' || subscribe === undefined) return subscribe;
    const allowed = allowedTo(kind, name);
    return (root, args, context, info) => {
      check(allowed, name, context as unknown as GraphqlContext);
      return subscribe(root, args, context, info);
    };
  }
}

function allowedTo(kind: keyof typeof access, name: string): readonly Role[] {
  const allowed = access[kind][name];
  if (allowed === undefined) throw new Error(`${kind}.${name} has no line in src/graphql/access.ts.`);
  return allowed;
}

/** @throws {GraphQLError} UNAUTHENTICATED. @throws {ForbiddenError} */
function check(allowed: readonly Role[], name: string, context: GraphqlContext): void {
  const { role } = actorOf(context);
  if (!allowed.includes(role)) throw new ForbiddenError(`${name} is not allowed for the role ${role}.`);
}

SchemaBuilder.registerPlugin(accessPlugin, AccessPlugin);

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      access: AccessPlugin<Types>;
    }
  }
}
