import type { OrderScope } from '../domain/actor.ts';
import { countPayments, type PaymentFilter as Filter, readPaymentPage } from '../store/payment-list.ts';
import { builder } from './builder.ts';
import { actorOf, type GraphqlContext } from './context.ts';
import { PaymentMethod, PaymentStatus } from './enums.ts';
import { methodsAt, providersOf } from './list-filter.ts';
import { connectionOf, cutPage, listArgs, wantedPage } from './list-page.ts';
import { Payment } from './order-types.ts';
import { pageComplexity } from './page.ts';
import { storable } from './text.ts';

const PaymentSort = builder.enumType('PaymentSort', {
  description:
    'The sort order, by the time when the payment was started. With `succeededFrom` or `succeededBefore`, by the time when it succeeded.',
  values: {
    NEWEST_FIRST: { description: 'Newest payment first.' },
    OLDEST_FIRST: { description: 'Oldest payment first.' },
  } as const,
});

const PaymentFilter = builder.inputType('PaymentFilter', {
  description:
    'Conditions for payments. A payment matches when it meets all given conditions; a list condition is met by any of its values.',
  fields: (t) => ({
    status: t.field({ type: [PaymentStatus], description: 'The payment has one of these statuses.' }),
    method: t.field({ type: [PaymentMethod], description: 'The payment is by one of these methods.' }),
    provider: t.stringList({
      description: 'The payment is at one of these providers: `STRIPE`, `ALIPAY` or `WECHATPAY`.',
    }),
    currency: t.field({ type: 'CurrencyCode', description: 'The currency of the payment.' }),
    createdFrom: t.field({ type: 'DateTime', description: 'Started at or after this time.' }),
    createdBefore: t.field({ type: 'DateTime', description: 'Started before this time.' }),
    succeededFrom: t.field({ type: 'DateTime', description: 'Succeeded at or after this time.' }),
    succeededBefore: t.field({ type: 'DateTime', description: 'Succeeded before this time.' }),
    amountMinorFrom: t.field({ type: 'MinorUnits', description: 'The amount is at least this.' }),
    amountMinorTo: t.field({ type: 'MinorUnits', description: 'The amount is at most this.' }),
    providerPaymentId: t.string({ description: 'Matches the provider’s number of the payment exactly.' }),
  }),
});

const PaymentConnection = connectionOf('Payment', 'payments', Payment);

/** Reads a page of the payments of a merchant's own people. */
export function filterOfPayments(given: typeof PaymentFilter.$inferInput, context: GraphqlContext): Filter {
  const providers = providersOf(given.provider);
  const id = given.providerPaymentId ?? null;
  return {
    ...{ statuses: given.status ?? null, methods: methodsAt(context, given.method ?? null, providers), providers },
    ...{ currency: given.currency ?? null, createdFrom: given.createdFrom ?? null },
    ...{ createdBefore: given.createdBefore ?? null, succeededFrom: given.succeededFrom ?? null },
    ...{ succeededBefore: given.succeededBefore ?? null, amountMinorFrom: given.amountMinorFrom ?? null },
    amountMinorTo: given.amountMinorTo ?? null,
    providerPaymentId: id === null ? null : storable('filter.providerPaymentId', id),
  };
}

builder.queryField('payments', (t) =>
  t.field({
    type: PaymentConnection,
    nullable: true,
    complexity: pageComplexity,
    description:
      'The merchant’s payments, in pages. Give `first` or `last`, 1 to 100, but not both; the default is `first: 20`.',
    args: {
      ...listArgs,
      filter: t.arg({ type: PaymentFilter, description: 'Return only payments that match.' }),
      orderBy: t.arg({ type: PaymentSort, defaultValue: 'NEWEST_FIRST', description: 'The sort order.' }),
    },
    resolve: async (_root, args, context) => {
      const { merchantId }: OrderScope = actorOf(context);
      const wanted = wantedPage(args, args.orderBy !== 'OLDEST_FIRST', 'payment', 'payments');
      const filter = filterOfPayments(args.filter ?? {}, context);
      const read = await readPaymentPage(context.commands.db.pool, merchantId, filter, wanted.page);
      return {
        ...cutPage(wanted, read),
        count: ({ commands }) => countPayments(commands.db.pool, merchantId, filter),
      };
    },
  }),
);
