import { countRefunds, type RefundFilter as Filter, readRefundPage } from '../store/refund-list.ts';
import { builder } from './builder.ts';
import { actorOf, type GraphqlContext } from './context.ts';
import { PaymentMethod, RefundApproval, RefundStatus } from './enums.ts';
import { methodsAt, providersOf } from './list-filter.ts';
import { connectionOf, cutPage, listArgs, wantedPage } from './list-page.ts';
import { Refund } from './order-types.ts';
import { pageComplexity } from './page.ts';

const RefundSort = builder.enumType('RefundSort', {
  description: 'The sort order, by the time when the refund was recorded.',
  values: {
    NEWEST_FIRST: { description: 'Newest refund first.' },
    OLDEST_FIRST: { description: 'Oldest refund first.' },
  } as const,
});

const RefundFilter = builder.inputType('RefundFilter', {
  description:
    'Conditions for refunds. A refund matches when it meets all given conditions; a list condition is met by any of its values.',
  fields: (t) => ({
    status: t.field({ type: [RefundStatus], description: 'The refund has one of these statuses.' }),
    approval: t.field({ type: [RefundApproval], description: 'The approval of the refund is one of these.' }),
    method: t.field({ type: [PaymentMethod], description: 'The refunded payment is by one of these methods.' }),
    provider: t.stringList({
      description: 'The refunded payment is at one of these providers: `STRIPE`, `ALIPAY` or `WECHATPAY`.',
    }),
    currency: t.field({ type: 'CurrencyCode', description: 'The currency of the refund.' }),
    createdFrom: t.field({ type: 'DateTime', description: 'Recorded at or after this time.' }),
    createdBefore: t.field({ type: 'DateTime', description: 'Recorded before this time.' }),
    amountMinorFrom: t.field({ type: 'MinorUnits', description: 'The amount is at least this.' }),
    amountMinorTo: t.field({ type: 'MinorUnits', description: 'The amount is at most this.' }),
  }),
});

const RefundConnection = connectionOf('Refund', 'refunds', Refund);

export function filterOfRefunds(given: typeof RefundFilter.$inferInput, context: GraphqlContext): Filter {
  const providers = providersOf(given.provider);
  return {
    ...{ statuses: given.status ?? null, approvals: given.approval ?? null, providers },
    ...{ methods: methodsAt(context, given.method ?? null, providers), currency: given.currency ?? null },
    ...{ createdFrom: given.createdFrom ?? null, createdBefore: given.createdBefore ?? null },
    ...{ amountMinorFrom: given.amountMinorFrom ?? null, amountMinorTo: given.amountMinorTo ?? null },
  };
}

builder.queryField('refunds', (t) =>
  t.field({
    type: RefundConnection,
    nullable: true,
    complexity: pageComplexity,
    description:
      'The merchant’s refunds, in pages. Give `first` or `last`, 1 to 100, but not both; the default is `first: 20`.',
    args: {
      ...listArgs,
      filter: t.arg({ type: RefundFilter, description: 'Return only refunds that match.' }),
      orderBy: t.arg({ type: RefundSort, defaultValue: 'NEWEST_FIRST', description: 'The sort order.' }),
    },
    resolve: async (_root, args, context) => {
      const { merchantId } = actorOf(context);
      const wanted = wantedPage(args, args.orderBy !== 'OLDEST_FIRST', 'refund', 'refunds');
      const filter = filterOfRefunds(args.filter ?? {}, context);
      const read = await readRefundPage(context.commands.db.pool, merchantId, filter, wanted.page);
      return {
        ...cutPage(wanted, read),
        count: ({ commands }) => countRefunds(commands.db.pool, merchantId, filter),
      };
    },
  }),
);
