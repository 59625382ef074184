import { isId } from '../domain/ids.ts';
import { encodeCursor } from '../events/cursor.ts';
import { merchantFeed, orderFeed } from '../events/feed.ts';
import { logStart, readMerchantLog } from '../events/log.ts';
import { builder } from './builder.ts';
import { actorOf, badUserInput, type GraphqlContext } from './context.ts';
import { EventType, OrderPaymentStatus, OrderStatus, PaymentMethod, PaymentStatus, RefundStatus } from './enums.ts';
import { MoneyType } from './money.ts';
import { Node } from './node.ts';
import { PageInfo, pageComplexity, pageSizeDefault, pageSizeOf, positionAfter } from './page.ts';
import { type OrderEventPage, ofMerchant, ofOrder, pageOf, type ReadEvent } from './read-event.ts';

export const OrderEvent = builder.objectRef<ReadEvent>('OrderEvent');

const cursorOf = ({ logId }: GraphqlContext, event: ReadEvent) => encodeCursor(logId, event.scope, event);

OrderEvent.implement({
  description: 'One change of one order: a row of the append-only log, the same for history and for subscribers.',
  interfaces: [Node],
  fields: (t) => ({
    cursor: t.field({
      type: 'EventCursor',
      description:
        'Where the event stands in what it was read from: continue `after` it. Read by `events` or `merchantEvents`, a place in the ' +
        'merchant’s log; read from one order, a place in the events of that order.',
      resolve: (event, _args, context) => cursorOf(context, event),
    }),
    sequence: t.exposeInt('sequence', { description: 'Counts the order’s events from 1, without gaps.' }),
    type: t.expose('type', { type: EventType, description: 'What happened.' }),
    occurredAt: t.expose('occurredAt', { type: 'DateTime', description: 'When we recorded it.' }),
    orderId: t.exposeID('orderId', { description: 'The order that changed.' }),
    orderNumber: t.exposeString('orderNumber', { description: 'The merchant’s own number of it.' }),
    orderStatus: t.expose('orderStatus', {
      type: OrderStatus,
      description: 'As it was right after the event; selecting this costs no further read.',
    }),
    orderPaymentStatus: t.expose('orderPaymentStatus', {
      type: OrderPaymentStatus,
      description: 'As it was right after the event; selecting this costs no further read.',
    }),
    paymentId: t.exposeID('paymentId', {
      nullable: true,
      description: 'The payment that changed; null when none did.',
    }),
    paymentStatus: t.expose('paymentStatus', {
      type: PaymentStatus,
      nullable: true,
      description: 'As it was right after the event.',
    }),
    paymentMethod: t.expose('paymentMethod', {
      type: PaymentMethod,
      nullable: true,
      description: 'What it is paid with.',
    }),
    refundId: t.exposeID('refundId', { nullable: true, description: 'The refund that changed; null when none did.' }),
    refundStatus: t.expose('refundStatus', {
      type: RefundStatus,
      nullable: true,
      description: 'As it was right after the event.',
    }),
    amount: t.field({
      type: MoneyType,
      nullable: true,
      description: 'What the event moved: the payment’s or the refund’s amount; null for events of the order itself.',
      resolve: ({ amountMinor, currency }) => (amountMinor === null ? null : { amountMinor, currency }),
    }),
    note: t.exposeString('note', {
      nullable: true,
      description: 'Of ORDER_REVIEW_NEEDED and ORDER_REVIEW_RESOLVED: why, in words for people. Merchants only.',
    }),
    resolvedBy: t.exposeString('resolvedBy', {
      nullable: true,
      description: 'Of ORDER_REVIEW_RESOLVED: who decided; null when the money went back by itself. Merchants only.',
    }),
    order: t.prismaField({
      type: 'Order',
      description: 'The order as it is now, not as it was at the event.',
      resolve: (query, { orderId, merchantId }, _args, { commands }) =>
        commands.db.prisma.order.findUniqueOrThrow({ ...query, where: { id: orderId, merchantId } }),
    }),
  }),
});

const OrderEventEdge = builder.objectRef<ReadEvent>('OrderEventEdge').implement({
  description: 'An event in its list.',
  fields: (t) => ({
    cursor: t.string({
      description: 'The same as the event’s own cursor.',
      resolve: (event, _args, context) => cursorOf(context, event),
    }),
    node: t.field({ type: OrderEvent, description: 'The event.', resolve: (event) => event }),
  }),
});

export const OrderEventConnection = builder.objectRef<OrderEventPage>('OrderEventConnection').implement({
  description: 'A page of events, oldest first.',
  fields: (t) => ({
    edges: t.field({
      complexity: { multiplier: 1 },
      type: [OrderEventEdge],
      description: 'The events with their cursors.',
      resolve: ({ events }) => [...events],
    }),
    nodes: t.field({
      complexity: { multiplier: 1 },
      type: [OrderEvent],
      description: 'The events themselves.',
      resolve: ({ events }) => [...events],
    }),
    pageInfo: t.field({
      type: PageInfo,
      description: 'Where the page stands.',
      resolve: ({ events, hasNextPage, hasPreviousPage }, _args, context) => {
        const [start, end] = [events.at(0), events.at(-1)];
        return {
          hasNextPage,
          hasPreviousPage,
          startCursor: start === undefined ? null : cursorOf(context, start),
          endCursor: end === undefined ? null : cursorOf(context, end),
        };
      },
    }),
  }),
});

builder.queryField('events', (t) =>
  t.field({
    type: OrderEventConnection,
    nullable: true,
    complexity: pageComplexity,
    description: 'The merchant’s whole log, oldest first.',
    args: {
      first: t.arg.int({ description: '1 to 100; 20 when left out.' }),
      after: t.arg({ type: 'EventCursor', description: 'Only what comes after it.' }),
      types: t.arg({ type: [EventType], description: 'Only these types.' }),
    },
    resolve: async (_root, args, context) => {
      const { merchantId } = actorOf(context);
      const first = pageSizeOf('first', args.first) ?? pageSizeDefault;
      const after = positionAfter(context, 'merchant', args.after);
      const { pool } = context.commands.db;
      const rows = await readMerchantLog(pool, merchantId, after ?? logStart, {
        limit: first + 1,
        types: args.types ?? null,
      });
      return pageOf(rows.map(ofMerchant), first, after !== null);
    },
  }),
);

builder.subscriptionField('orderEvents', (t) =>
  t.field({
    type: OrderEvent,
    description:
      'Everything that happens to one order. `after` replays what came later, then goes on live: each event once, in order, no ' +
      'gap. Without `after`, from now on.',
    args: {
      orderId: t.arg.id({ required: true, description: 'The order to follow.' }),
      after: t.arg({
        type: 'EventCursor',
        description:
          'The last cursor you have: the `eventCursor` of this order or of `orders`, or an event’s `cursor`. One of another order is refused.',
      }),
    },
    subscribe: async (_root, { orderId, after }, context) => {
      const { merchantId } = actorOf(context);
      if (!isId('order', orderId)) throw badUserInput('orderId', 'is not an order id.');
      const position = positionAfter(context, { orderId }, after);
      const { pool, prisma } = context.commands.db;
      const order = await prisma.order.findUnique({ where: { id: orderId, merchantId }, select: { id: true } });
      if (order === null) throw badUserInput('orderId', 'There is no such order.');
      return orderFeed({ pool, wakes: context.wakes, log: context.commands.log }, { merchantId, orderId }, position);
    },
    resolve: ofOrder,
  }),
);

builder.subscriptionField('merchantEvents', (t) =>
  t.field({
    type: OrderEvent,
    description:
      'Everything that happens to the merchant’s orders, for dashboards and back offices. `after` replays what came later, then ' +
      'goes on live: each event once, in order, no gap. Without `after`, from now on.',
    args: {
      after: t.arg({
        type: 'EventCursor',
        description:
          'The last cursor you have: the `eventCursor` of `orders`, or the `cursor` of an event of this subscription or of `events`. A ' +
          'cursor of a single order is refused.',
      }),
      types: t.arg({ type: [EventType], description: 'Only these types.' }),
    },
    subscribe: (_root, { after, types }, context) => {
      const { merchantId } = actorOf(context);
      const { pool } = context.commands.db;
      return merchantFeed(
        { pool, wakes: context.wakes, log: context.commands.log },
        { merchantId, types: types ?? null },
        positionAfter(context, 'merchant', after),
      );
    },
    resolve: ofMerchant,
  }),
);
