import type { Prisma } from '../../prisma/generated/client/client.ts';
import { isId } from '../domain/ids.ts';
import { encodeCursor, type LogPosition } from '../events/cursor.ts';
import { readLogEnd } from '../events/log.ts';
import type { ReadOrder } from '../store/order-reader.ts';
import { builder } from './builder.ts';
import { actorOf, badUserInput } from './context.ts';
import { OrderPaymentStatus, OrderStatus, PaymentMethod } from './enums.ts';
import { Order } from './order-types.ts';
import { type Page, PageInfo, pageComplexity, pageSizeDefault, pageSizeOf } from './page.ts';
import { visibleOrders } from './scope.ts';
import { storable } from './text.ts';

const OrderSort = builder.enumType('OrderSort', {
  description: 'The sort order, by time of creation.',
  values: {
    NEWEST_FIRST: { description: 'Newest order first.' },
    OLDEST_FIRST: { description: 'Oldest order first.' },
  } as const,
});

const OrderFilter = builder.inputType('OrderFilter', {
  description:
    'Conditions for orders. An order matches when it meets all given conditions; a list condition is met by any of its values.',
  fields: (t) => ({
    status: t.field({ type: [OrderStatus], description: 'The order has one of these statuses.' }),
    paymentStatus: t.field({ type: [OrderPaymentStatus], description: 'The order has one of these payment statuses.' }),
    method: t.field({
      type: [PaymentMethod],
      description: 'The order has a payment by one of these methods, successful or not.',
    }),
    customerId: t.string({ description: 'Matches the customer id exactly.' }),
    number: t.string({ description: 'Matches the beginning of the order number.' }),
    createdFrom: t.field({ type: 'DateTime', description: 'Created at or after this time.' }),
    createdBefore: t.field({ type: 'DateTime', description: 'Created before this time.' }),
    currency: t.field({ type: 'CurrencyCode', description: 'The currency of the order.' }),
    needsReview: t.boolean({ description: 'True: orders that need an operator. False: orders that do not.' }),
  }),
});

type OrderPage = { readonly rows: readonly ReadOrder[]; readonly page: Page; readonly end: LogPosition };

const OrderEdge = builder.objectRef<ReadOrder>('OrderEdge').implement({
  description: 'An order and its position in the list.',
  fields: (t) => ({
    cursor: t.string({
      description: 'The position in the list, for `after` and `before`.',
      resolve: ({ id }) => cursorOf(id),
    }),
    node: t.field({ type: Order, description: 'The order.', resolve: (order) => order }),
  }),
});

const OrderConnection = builder.objectRef<OrderPage>('OrderConnection').implement({
  description: 'A page of orders.',
  fields: (t) => ({
    edges: t.field({
      complexity: { multiplier: 1 },
      type: [OrderEdge],
      description: 'The orders of the page with their cursors.',
      resolve: ({ rows }) => [...rows],
    }),
    nodes: t.field({
      complexity: { multiplier: 1 },
      type: [Order],
      description: 'The orders of the page.',
      resolve: ({ rows }) => [...rows],
    }),
    pageInfo: t.field({
      type: PageInfo,
      description: 'The position of the page in the list.',
      resolve: ({ page }) => page,
    }),
    eventCursor: t.field({
      type: 'EventCursor',
      description:
        'The position of the merchant’s event log right before this page was read. Pass it as `after` to `merchantEvents`, or to `orderEvents` of any order, to get every change that the page may not contain.',
      resolve: ({ end }, _args, { logId }) => encodeCursor(logId, 'merchant', end),
    }),
  }),
});

builder.queryField('orders', (t) =>
  t.field({
    type: OrderConnection,
    nullable: true,
    complexity: pageComplexity,
    description:
      'The merchant’s orders, in pages. Give `first` or `last`, 1 to 100, but not both; the default is `first: 20`.',
    args: {
      first: t.arg.int({ description: 'The page size, counted from the start of the list or from `after`.' }),
      after: t.arg.string({
        description: 'Return only orders after this cursor: an `OrderEdge.cursor` or an `endCursor`.',
      }),
      last: t.arg.int({ description: 'The page size, counted back from the end of the list or from `before`.' }),
      before: t.arg.string({
        description: 'Return only orders before this cursor: an `OrderEdge.cursor` or a `startCursor`.',
      }),
      filter: t.arg({ type: OrderFilter, description: 'Return only orders that match.' }),
      orderBy: t.arg({ type: OrderSort, defaultValue: 'NEWEST_FIRST', description: 'The sort order.' }),
    },
    resolve: async (_root, args, context) => {
      const scope = actorOf(context);
      const { prisma, pool } = context.commands.db;
      const first = pageSizeOf('first', args.first);
      const last = pageSizeOf('last', args.last);
      if (first !== null && last !== null)
        throw badUserInput('last', 'cannot be combined with first. Give one of them.');
      const size = first ?? last ?? pageSizeDefault;
      const isBackward = last !== null;
      const isDescending = (args.orderBy ?? 'NEWEST_FIRST') === 'NEWEST_FIRST';
      const after = args.after == null ? null : idAt('after', args.after);
      const before = args.before == null ? null : idAt('before', args.before);
      // Read before the page. A change between the two reads is in the page and in the later events; in the other order it could be in neither.
      const end = await readLogEnd(pool);
      const read = (await prisma.order.findMany({
        // Ids are unique and sort by creation time, so the id alone is the key of the page.
        where: {
          AND: [
            visibleOrders(scope),
            conditionsOf(args.filter ?? {}),
            after === null ? {} : { id: isDescending ? { lt: after } : { gt: after } },
            before === null ? {} : { id: isDescending ? { gt: before } : { lt: before } },
          ],
        },
        orderBy: { id: isDescending !== isBackward ? 'desc' : 'asc' },
        take: size + 1,
      })) as ReadOrder[];
      const cut = read.slice(0, size);
      const rows = isBackward ? cut.reverse() : cut;
      const hasMore = read.length > size;
      const [start, stop] = [rows.at(0), rows.at(-1)];
      return {
        rows,
        end,
        page: {
          hasNextPage: isBackward ? before !== null : hasMore,
          hasPreviousPage: isBackward ? hasMore : after !== null,
          startCursor: start === undefined ? null : cursorOf(start.id),
          endCursor: stop === undefined ? null : cursorOf(stop.id),
        },
      };
    },
  }),
);

function conditionsOf(filter: typeof OrderFilter.$inferInput): Prisma.OrderWhereInput {
  const { status, paymentStatus, method, customerId, number, createdFrom, createdBefore, currency, needsReview } =
    filter;
  return {
    ...(status && { status: { in: status } }),
    ...(paymentStatus && { paymentStatus: { in: paymentStatus } }),
    ...(method && { payments: { some: { method: { in: method } } } }),
    ...(customerId != null && { customerId: storable('filter.customerId', customerId) }),
    ...(number != null && { number: { startsWith: literal(storable('filter.number', number)) } }),
    ...((createdFrom || createdBefore) && {
      createdAt: { ...(createdFrom && { gte: createdFrom }), ...(createdBefore && { lt: createdBefore }) },
    }),
    ...(currency != null && { currency }),
    ...(needsReview != null && { reviewReasons: { isEmpty: !needsReview } }),
  };
}

/** Prisma does not escape LIKE patterns in `startsWith`. */
function literal(text: string): string {
  return text.replaceAll(/[\\%_]/g, '\\$&');
}

function cursorOf(orderId: string): string {
  return Buffer.from(orderId).toString('base64url');
}

function idAt(name: 'after' | 'before', cursor: string): string {
  const id = cursor.length > 100 ? '' : Buffer.from(cursor, 'base64url').toString('latin1');
  if (!isId('order', id))
    throw badUserInput(name, 'is not a cursor of this list. Use a cursor that `orders` returned.');
  return id;
}
