import { queryFromInfo } from '@pothos/plugin-prisma';
import type { Order as OrderRow, Prisma } from '../../prisma/generated/client/client.ts';
import { isId } from '../domain/ids.ts';
import { encodeCursor, type LogPosition } from '../events/cursor.ts';
import { readLogEnd } from '../events/log.ts';
import { builder } from './builder.ts';
import { actorOf, badUserInput } from './context.ts';
import { OrderPaymentStatus, OrderStatus, PaymentMethod } from './enums.ts';
import { Order } from './order.ts';
import { type Page, PageInfo, pageComplexity, pageSizeDefault, pageSizeOf } from './page.ts';
import { storable } from './text.ts';

const OrderSort = builder.enumType('OrderSort', {
  description: 'By when they were created.',
  values: {
    NEWEST_FIRST: { description: 'The last created comes first.' },
    OLDEST_FIRST: { description: 'The first created comes first.' },
  } as const,
});

const OrderFilter = builder.inputType('OrderFilter', {
  description: 'Which orders; all conditions must hold, and of a list any value.',
  fields: (t) => ({
    status: t.field({ type: [OrderStatus], description: 'Any of these.' }),
    paymentStatus: t.field({ type: [OrderPaymentStatus], description: 'Any of these.' }),
    method: t.field({ type: [PaymentMethod], description: 'With a payment by any of these.' }),
    customerId: t.string({ description: 'Exactly this one.' }),
    number: t.string({ description: 'Matches the start of the order number.' }),
    createdFrom: t.field({ type: 'DateTime', description: 'Inclusive.' }),
    createdBefore: t.field({ type: 'DateTime', description: 'Exclusive.' }),
    currency: t.field({ type: 'CurrencyCode', description: 'Exactly this one.' }),
    needsReview: t.boolean({ description: 'With a reason for review, or without any.' }),
  }),
});

type OrderPage = { readonly rows: readonly OrderRow[]; readonly page: Page; readonly end: LogPosition };

const OrderEdge = builder.objectRef<OrderRow>('OrderEdge').implement({
  description: 'An order in its list.',
  fields: (t) => ({
    cursor: t.string({ description: 'Where it stands in the list.', resolve: ({ id }) => cursorOf(id) }),
    node: t.field({ type: Order, description: 'The order.', resolve: (order) => order }),
  }),
});

const OrderConnection = builder.objectRef<OrderPage>('OrderConnection').implement({
  description: 'A page of orders.',
  fields: (t) => ({
    edges: t.field({
      complexity: { multiplier: 1 },
      type: [OrderEdge],
      description: 'The orders with their cursors.',
      resolve: ({ rows }) => [...rows],
    }),
    nodes: t.field({
      complexity: { multiplier: 1 },
      type: [Order],
      description: 'The orders themselves.',
      resolve: ({ rows }) => [...rows],
    }),
    pageInfo: t.field({ type: PageInfo, description: 'Where the page stands.', resolve: ({ page }) => page }),
    eventCursor: t.field({
      type: 'EventCursor',
      description: 'Where the log stood when this page was read: subscribe `after` it and nothing is missed.',
      resolve: ({ end }, _args, { logId }) => encodeCursor(logId, 'merchant', end),
    }),
  }),
});

builder.queryField('orders', (t) =>
  t.field({
    type: OrderConnection,
    nullable: true,
    complexity: pageComplexity,
    description: 'The merchant’s orders. `first` and `last` from 1 to 100; 20 when neither is given.',
    args: {
      first: t.arg.int({ description: 'So many from the start, or from `after`.' }),
      after: t.arg.string({ description: 'A cursor of this list.' }),
      last: t.arg.int({ description: 'So many from the end, or up to `before`.' }),
      before: t.arg.string({ description: 'A cursor of this list.' }),
      filter: t.arg({ type: OrderFilter, description: 'Only these.' }),
      orderBy: t.arg({ type: OrderSort, defaultValue: 'NEWEST_FIRST', description: 'Which comes first.' }),
    },
    resolve: async (_root, args, context, info) => {
      const { merchantId } = actorOf(context);
      const { prisma, pool } = context.commands.db;
      const first = pageSizeOf('first', args.first);
      const last = pageSizeOf('last', args.last);
      if (first !== null && last !== null) throw badUserInput('last', 'cannot be combined with first.');
      const size = first ?? last ?? pageSizeDefault;
      const isBackward = last !== null;
      const isDescending = (args.orderBy ?? 'NEWEST_FIRST') === 'NEWEST_FIRST';
      const after = args.after == null ? null : idAt('after', args.after);
      const before = args.before == null ? null : idAt('before', args.before);
      // Read before the page: what happens in between is in the page and comes once more as an event, and nothing is in neither.
      const end = await readLogEnd(pool);
      const query = queryFromInfo({ context, info, typeName: 'Order', paths: [['nodes'], ['edges', 'node']] });
      const read = await prisma.order.findMany({
        ...query,
        // Ids sort by the time of creation and never repeat, so they are the key of the page by themselves.
        where: {
          AND: [
            { merchantId },
            conditionsOf(args.filter ?? {}),
            after === null ? {} : { id: isDescending ? { lt: after } : { gt: after } },
            before === null ? {} : { id: isDescending ? { gt: before } : { lt: before } },
          ],
        },
        orderBy: { id: isDescending !== isBackward ? 'desc' : 'asc' },
        take: size + 1,
      });
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

/** Prisma hands the text to LIKE as it is. */
function literal(text: string): string {
  return text.replaceAll(/[\\%_]/g, '\\$&');
}

function cursorOf(orderId: string): string {
  return Buffer.from(orderId).toString('base64url');
}

function idAt(name: 'after' | 'before', cursor: string): string {
  const id = cursor.length > 100 ? '' : Buffer.from(cursor, 'base64url').toString('latin1');
  if (!isId('order', id)) throw badUserInput(name, 'is not a cursor of this list.');
  return id;
}
