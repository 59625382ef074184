import { queryFromInfo } from '@pothos/plugin-prisma';
import { type IdKind, idKindOf } from '../domain/ids.ts';
import { findEvent } from '../events/log.ts';
import { findReadDelivery } from '../store/delivery-list.ts';
import { mayUse } from './access.ts';
import { builder } from './builder.ts';
import { actorOf, badUserInput, type GraphqlContext } from './context.ts';
import { isSelectedBelow, partsOf } from './order-loaders.ts';
import { ofOrder, type ReadEvent } from './read-event.ts';
import { isStaff } from './scope.ts';

type WithoutNode = 'apiKey' | 'signingKey' | 'providerAccount' | 'webhookEndpoint' | 'webhookAttempt' | 'webhookReplay';
const typeNames: Readonly<Record<Exclude<IdKind, WithoutNode>, string>> = {
  order: 'Order',
  payment: 'Payment',
  refund: 'Refund',
  event: 'OrderEvent',
  merchant: 'Merchant',
  product: 'Product',
  delivery: 'Delivery',
};

export const Node = builder.interfaceRef<{ readonly id: string }>('Node').implement({
  description: 'An object with a globally unique id.',
  fields: (t) => ({
    id: t.exposeID('id', {
      description:
        'The globally unique id: a TypeID with a type prefix and a sortable suffix, such as `ord_01jd8m0v6te4r8x3y5z7a9b1c2`.',
    }),
  }),
  resolveType: ({ id }) => {
    const kind = idKindOf(id);
    return kind !== null && kind in typeNames ? typeNames[kind as keyof typeof typeNames] : undefined;
  },
});

builder.queryField('node', (t) =>
  t.field({
    type: Node,
    nullable: true,
    description: 'An object by its id. Null when it does not exist or belongs to another merchant.',
    args: {
      id: t.arg.id({
        required: true,
        description: 'The id of an order, payment, refund, event, delivery, merchant or product.',
      }),
    },
    resolve: async (_root, { id }, context, info) => {
      const scope = actorOf(context);
      const { merchantId } = scope;
      const { prisma } = context.commands.db;
      const kind = idKindOf(id);
      switch (kind) {
        case 'order':
          return context.orders.load({ id, parts: partsOf(info) });
        case 'payment':
          return context.payments.load(id);
        case 'refund':
          return context.refunds.load(id);
        case 'product':
          if (scope.orderId !== null) return null; // a buyer sees one order
          return prisma.product.findFirst({
            ...queryFromInfo({ context, info, typeName: 'Product' }),
            where: { id, merchantId, ...(!isStaff(scope) && { active: true }) },
          });
        case 'event':
          return findVisibleEvent(context, id);
        case 'delivery':
          if (!mayUse(scope, 'replayDelivery')) return null;
          return findReadDelivery(context.commands.db.pool, merchantId, id, isSelectedBelow(info, 'body'));
        case 'merchant':
          if (id !== merchantId || !isStaff(scope)) return null;
          return prisma.merchant.findUnique({
            ...queryFromInfo({ context, info, typeName: 'Merchant' }),
            where: { id },
          });
        default:
          throw badUserInput(
            'id',
            'is not the id of an order, a payment, a refund, an event, a delivery, a merchant or a product.',
          );
      }
    },
  }),
);

async function findVisibleEvent(context: GraphqlContext, id: string): Promise<ReadEvent | null> {
  const scope = actorOf(context);
  const event = await findEvent(context.commands.db.pool, scope.merchantId, id);
  if (event === null) return null;
  if (isStaff(scope)) return ofOrder(event);
  const order = await context.orders.load({ id: event.orderId, parts: [] });
  return order && ofOrder(event);
}
