import { isId } from '../domain/ids.ts';
import { encodeCursor } from '../events/cursor.ts';
import { FollowedEvents } from '../events/followed-events.ts';
import { logForever, logStart, readLogEnd, readMerchantLog } from '../events/log.ts';
import { earlierOf, laterOf, placesAround } from '../events/log-time.ts';
import { ActorType, shownActor } from './actor.ts';
import { builder } from './builder.ts';
import { actorOf, badUserInput, type GraphqlContext } from './context.ts';
import { EventType, OrderPaymentStatus, OrderStatus, PaymentMethod, PaymentStatus, RefundStatus } from './enums.ts';
import { PaymentFailureType } from './failure.ts';
import { MoneyType } from './money.ts';
import { Node } from './node.ts';
import { loadOrder } from './order-loaders.ts';
import { Order } from './order-types.ts';
import { PageInfo, pageComplexity, pageSizeDefault, pageSizeOf, positionAfter, startAfter } from './page.ts';
import { type OrderEventPage, ofMerchant, ofOrder, pageOf, type ReadEvent } from './read-event.ts';
import { isStaff, visibleOrders } from './scope.ts';

export const OrderEvent = builder.objectRef<ReadEvent>('OrderEvent');

const cursorOf = ({ logId }: GraphqlContext, event: ReadEvent) => encodeCursor(logId, event.scope, event);

OrderEvent.implement({
  description:
    'One change of an order: an entry of the append-only event log. Queries and subscriptions return the same entries.',
  interfaces: [Node],
  fields: (t) => ({
    cursor: t.field({
      type: 'EventCursor',
      description:
        'The position of the event in the list or subscription that it was read from: pass it as `after` to continue there. Read from ' +
        '`events` or `merchantEvents`, it is a position in the merchant’s log; read from one order, a position in the events of that order.',
      resolve: (event, _args, context) => cursorOf(context, event),
    }),
    sequence: t.exposeInt('sequence', {
      description: 'The number of the event within its order, starting at 1, without gaps.',
    }),
    type: t.expose('type', { type: EventType, description: 'The type of the change.' }),
    occurredAt: t.expose('occurredAt', {
      type: 'DateTime',
      description: 'The time when Paystream recorded the change.',
    }),
    orderId: t.exposeID('orderId', { description: 'The order that changed.' }),
    orderNumber: t.exposeString('orderNumber', { description: 'The order number.' }),
    orderStatus: t.expose('orderStatus', {
      type: OrderStatus,
      description: 'The status of the order right after the event. Stored with the event: costs no additional read.',
    }),
    orderPaymentStatus: t.expose('orderPaymentStatus', {
      type: OrderPaymentStatus,
      description:
        'The payment status of the order right after the event. Stored with the event: costs no additional read.',
    }),
    paymentId: t.exposeID('paymentId', {
      nullable: true,
      description: 'The payment that changed; null when no payment changed.',
    }),
    paymentStatus: t.expose('paymentStatus', {
      type: PaymentStatus,
      nullable: true,
      description: 'The status of the payment right after the event; null when `paymentId` is null.',
    }),
    paymentMethod: t.expose('paymentMethod', {
      type: PaymentMethod,
      nullable: true,
      description: 'The method of the payment; null when `paymentId` is null.',
    }),
    refundId: t.exposeID('refundId', {
      nullable: true,
      description: 'The refund that changed; null when no refund changed.',
    }),
    refundStatus: t.expose('refundStatus', {
      type: RefundStatus,
      nullable: true,
      description: 'The status of the refund right after the event; null when `refundId` is null.',
    }),
    amount: t.field({
      type: MoneyType,
      nullable: true,
      description: 'The amount of the payment or the refund; null for events of the order itself.',
      resolve: ({ amountMinor, currency }) => (amountMinor === null ? null : { amountMinor, currency }),
    }),
    failure: t.field({
      type: PaymentFailureType,
      nullable: true,
      description:
        'Why the payment, the capture or the refund failed, as the event reports it; null for events that report no failure. On ' +
        'PAYMENT_ACTION_REQUIRED it is the last attempt of the buyer that failed, such as a declined card: the payment still waits, and ' +
        'the buyer can try again.',
      resolve: (event) => (event.failureReason === null ? null : event),
    }),
    actor: t.field({
      type: ActorType,
      nullable: true,
      description: 'Who caused the change. Null for events that an earlier version recorded.',
      resolve: ({ actorKind, actorId }, _args, context) => shownActor(context, actorKind, actorId),
    }),
    note: t.string({
      nullable: true,
      description:
        'The explanation of ORDER_REVIEW_NEEDED and ORDER_REVIEW_RESOLVED; null for other types, and for customers and buyers.',
      resolve: ({ note }, _args, context) => (isStaff(actorOf(context)) ? note : null),
    }),
    resolvedBy: t.string({
      nullable: true,
      deprecationReason: 'Use `actor`.',
      description:
        'The operator who settled the review, for ORDER_REVIEW_RESOLVED; null for other types, and when the review was settled automatically.',
      resolve: ({ resolvedBy }, _args, context) => (isStaff(actorOf(context)) ? resolvedBy : null),
    }),
    order: t.field({
      type: Order,
      description: 'The order in its current state, not in its state at the event.',
      resolve: ({ orderId }, _args, context, info) => loadOrder(context, orderId, info),
    }),
  }),
});

const OrderEventEdge = builder.objectRef<ReadEvent>('OrderEventEdge').implement({
  description: 'An event and its position in the list.',
  fields: (t) => ({
    cursor: t.string({
      description: 'The same as the event’s own cursor.',
      resolve: (event, _args, context) => cursorOf(context, event),
    }),
    node: t.field({ type: OrderEvent, description: 'The event.', resolve: (event) => event }),
  }),
});

export const OrderEventConnection = builder.objectRef<OrderEventPage>('OrderEventConnection').implement({
  description: 'A page of events.',
  fields: (t) => ({
    edges: t.field({
      complexity: { multiplier: 1 },
      type: [OrderEventEdge],
      description: 'The events of the page with their cursors.',
      resolve: ({ events }) => [...events],
    }),
    nodes: t.field({
      complexity: { multiplier: 1 },
      type: [OrderEvent],
      description: 'The events of the page.',
      resolve: ({ events }) => [...events],
    }),
    pageInfo: t.field({
      type: PageInfo,
      description: 'The position of the page in the list.',
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

const EventSort = builder.enumType('EventSort', {
  description: 'The sort order of events, by their position in the log.',
  values: {
    OLDEST_FIRST: { description: 'Oldest event first.' },
    NEWEST_FIRST: { description: 'Newest event first.' },
  } as const,
});

builder.queryField('events', (t) =>
  t.field({
    type: OrderEventConnection,
    nullable: true,
    complexity: pageComplexity,
    description: 'The merchant’s event log, oldest first unless `orderBy` says otherwise.',
    args: {
      first: t.arg.int({ description: 'The page size, 1 to 100. Default: 20.' }),
      after: t.arg({
        type: 'EventCursor',
        description:
          'Return only events that follow this cursor in the list: the `cursor` of an event, an `endCursor`, or the `eventCursor` of `orders`. With NEWEST_FIRST these are older events.',
      }),
      types: t.arg({ type: [EventType], description: 'Return only events of these types.' }),
      orderBy: t.arg({ type: EventSort, defaultValue: 'OLDEST_FIRST', description: 'The sort order.' }),
      createdFrom: t.arg({ type: 'DateTime', description: 'Return only events that occurred at or after this time.' }),
      createdBefore: t.arg({ type: 'DateTime', description: 'Return only events that occurred before this time.' }),
    },
    resolve: async (_root, args, context) => {
      const { merchantId } = actorOf(context);
      const first = pageSizeOf('first', args.first) ?? pageSizeDefault;
      const cursor = positionAfter(context, 'merchant', args.after);
      const isNewestFirst = args.orderBy === 'NEWEST_FIRST';
      const { pool } = context.commands.db;
      const [from, before] = [args.createdFrom ?? null, args.createdBefore ?? null];
      const around = await placesAround(pool, merchantId, from, before);
      // What an older transaction holds back is not read, however much it is.
      const newest = isNewestFirst ? (cursor ?? (await readLogEnd(pool))) : logForever;
      const rows = await readMerchantLog(pool, merchantId, {
        limit: first + 1,
        types: args.types ?? null,
        direction: isNewestFirst ? 'desc' : 'asc',
        after: laterOf(around.after, isNewestFirst ? logStart : (cursor ?? logStart)),
        before: earlierOf(around.before, newest),
        ...{ occurredFrom: from, occurredBefore: before },
      });
      return pageOf(rows.map(ofMerchant), first, cursor !== null);
    },
  }),
);

builder.subscriptionField('orderEvents', (t) =>
  t.field({
    type: OrderEvent,
    description:
      'The events of one order. With `after`, the stored events after the cursor come first, then new ones as they happen: each event once, ' +
      'in order. Without `after`, only new events.',
    args: {
      orderId: t.arg.id({ required: true, description: 'The order to follow.' }),
      after: t.arg({
        type: 'EventCursor',
        description:
          'The last cursor that you processed: the `eventCursor` of this order or of `orders`, or the `cursor` of an event. The cursor of another order is an error.',
      }),
    },
    subscribe: async (_root, { orderId, after }, context) => {
      const caller = actorOf(context);
      const { merchantId } = caller;
      if (!isId('order', orderId)) throw badUserInput('orderId', 'is not an order id.');
      const position = startAfter(context, { orderId }, after);
      // The subscription must not keep the context.
      const { feeds } = context;
      const { prisma } = context.commands.db;
      const where = { id: orderId, AND: visibleOrders(caller) };
      const order = await feeds.reads.run(() => prisma.order.findUnique({ where, select: { id: true } }));
      if (order === null) throw badUserInput('orderId', 'There is no such order.');
      return new FollowedEvents('order', (receiver) =>
        feeds.follow({ merchantId, orderId, types: null }, position, receiver),
      );
    },
    resolve: ofOrder,
  }),
);

builder.subscriptionField('merchantEvents', (t) =>
  t.field({
    type: OrderEvent,
    description:
      'The events of all orders of the merchant, for dashboards and back offices. With `after`, the stored events after the cursor come ' +
      'first, then new ones as they happen: each event once, in order. Without `after`, only new events.',
    args: {
      after: t.arg({
        type: 'EventCursor',
        description:
          'The last cursor that you processed: the `eventCursor` of `orders`, or the `cursor` of an event of this subscription or of ' +
          '`events`. The cursor of a single order is an error.',
      }),
      types: t.arg({ type: [EventType], description: 'Return only events of these types.' }),
    },
    subscribe: (_root, { after, types }, context) => {
      const { merchantId } = actorOf(context);
      const position = startAfter(context, 'merchant', after);
      const scope = { merchantId, orderId: null, types: types ?? null };
      const { feeds } = context; // the subscription must not keep the context
      return new FollowedEvents('merchant', (receiver) => feeds.follow(scope, position, receiver));
    },
    resolve: ofMerchant,
  }),
);
