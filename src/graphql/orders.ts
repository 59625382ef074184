import type { OrderScope } from '../domain/actor.ts';
import { encodeCursor, type LogPosition } from '../events/cursor.ts';
import { logStart, readLogEnd } from '../events/log.ts';
import { countOrders, type OrderFilter as Filter, readOrderPage } from '../store/order-list.ts';
import type { ReadOrder } from '../store/order-reader.ts';
import { builder } from './builder.ts';
import { actorOf, badUserInput, type GraphqlContext } from './context.ts';
import { OrderPaymentStatus, OrderStatus, PaymentMethod } from './enums.ts';
import { methodsOf, providersOf } from './list-filter.ts';
import { cursorOf, cutPage, wantedPage } from './list-page.ts';
import { isSelectedBelow, partsOf } from './order-loaders.ts';
import { Order } from './order-types.ts';
import { type Page, PageInfo, pageComplexity, TotalCount, totalCountComplexity } from './page.ts';
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
    provider: t.stringList({
      description: 'The order has a payment at one of these providers: `STRIPE`, `ALIPAY` or `WECHATPAY`.',
    }),
    totalMinor: t.field({ type: 'MinorUnits', description: 'The total is exactly this. Not with the next two.' }),
    totalMinorFrom: t.field({ type: 'MinorUnits', description: 'The total is at least this.' }),
    totalMinorTo: t.field({ type: 'MinorUnits', description: 'The total is at most this.' }),
    search: t.string({
      description:
        'The text of a search box, at least 3 characters: the id of the order, a payment or a refund; the provider’s number of a payment; the ' +
        'customer id; the beginning or the end of the order number; or a whole metadata value, such as an e-mail address, in upper or lower case. ' +
        'Metadata finds nothing for customers.',
    }),
  }),
});

type OrderPage = {
  readonly rows: readonly ReadOrder[];
  readonly page: Page;
  readonly end: LogPosition;
  readonly scope: OrderScope;
  readonly filter: Filter;
};

const OrderEdge = builder.objectRef<ReadOrder>('OrderEdge').implement({
  description: 'An order and its position in the list.',
  fields: (t) => ({
    cursor: t.string({
      description: 'The position in the list, for `after` and `before`.',
      resolve: cursorOf,
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
    totalCount: t.field({
      type: TotalCount,
      complexity: totalCountComplexity,
      description: 'The number of orders that match, on all pages.',
      resolve: ({ scope, filter }, _args, context) => countOrders(context.commands.db.pool, scope, filter),
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
    resolve: async (_root, args, context, info) => {
      const scope = actorOf(context);
      const { pool } = context.commands.db;
      const isNewestFirst = (args.orderBy ?? 'NEWEST_FIRST') === 'NEWEST_FIRST';
      const wanted = wantedPage(args, isNewestFirst, 'order', 'orders');
      const filter = filterOf(args.filter ?? {}, context);
      // Read before the page. A change between the two reads is in the page and in the later events; in the other order it could be in neither.
      const end = isSelectedBelow(info, 'eventCursor') ? await readLogEnd(pool) : logStart;
      const read = await readOrderPage(pool, scope, { ...wanted.page, filter }, partsOf(info));
      return { ...cutPage(wanted, read), end, scope, filter };
    },
  }),
);

function filterOf(given: typeof OrderFilter.$inferInput, context: GraphqlContext): Filter {
  const text = (name: 'customerId' | 'number') =>
    given[name] == null ? null : storable(`filter.${name}`, given[name]);
  const providers = providersOf(given.provider);
  const methods = given.method ?? methodsOf(context, providers);
  return {
    ...{ statuses: given.status ?? null, paymentStatuses: given.paymentStatus ?? null, methods },
    ...{ customerId: text('customerId'), number: text('number') },
    ...{ createdFrom: given.createdFrom ?? null, createdBefore: given.createdBefore ?? null },
    ...{ currency: given.currency ?? null, needsReview: given.needsReview ?? null },
    ...{ providers, search: searchOf(given.search), ...totalsOf(given) },
  };
}

function totalsOf({
  totalMinor,
  totalMinorFrom,
  totalMinorTo,
}: typeof OrderFilter.$inferInput): Pick<Filter, 'totalMinorFrom' | 'totalMinorTo'> {
  if (totalMinor == null) return { totalMinorFrom: totalMinorFrom ?? null, totalMinorTo: totalMinorTo ?? null };
  if (totalMinorFrom != null || totalMinorTo != null) {
    throw badUserInput('filter.totalMinor', 'cannot be combined with totalMinorFrom or totalMinorTo.');
  }
  return { totalMinorFrom: totalMinor, totalMinorTo: totalMinor };
}

const searchMin = 3;

function searchOf(given: string | null | undefined): string | null {
  if (given == null) return null;
  const text = storable('filter.search', given.trim());
  if ([...text].length < searchMin) throw badUserInput('filter.search', `must have at least ${searchMin} characters.`);
  return text;
}
