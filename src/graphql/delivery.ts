import {
  DeliveryNotReplayableError,
  ForbiddenError,
  NotFoundError,
  ProviderUnavailableError,
} from '../domain/errors.ts';
import type { OrderEvent } from '../domain/event.ts';
import {
  countDeliveries,
  countDeliveriesOfPayments,
  deliveryStatuses,
  type DeliveryFilter as Filter,
  findReadDelivery,
  type ReadDelivery,
  readDeliveriesOfPayments,
  readDeliveryPage,
} from '../store/delivery-list.ts';
import { mayUse } from './access.ts';
import { builder } from './builder.ts';
import { actorOf, type GraphqlContext } from './context.ts';
import { described, EventType, OrderPaymentStatus, OrderStatus, PaymentStatus, RefundStatus } from './enums.ts';
import { providersOf } from './list-filter.ts';
import { connectionOf, cutPage, type List, listArgs, wantedPage } from './list-page.ts';
import { MoneyType } from './money.ts';
import { Node } from './node.ts';
import { isSelectedBelow, loadOrder, loadPart, loadPayment } from './order-loaders.ts';
import { Order, Payment } from './order-types.ts';
import { pageComplexity } from './page.ts';
import { storable } from './text.ts';

const DeliveryVerdict = builder.enumType('DeliveryVerdict', {
  description: 'What became of a delivery.',
  values: described(deliveryStatuses, {
    PENDING: 'Not applied yet: it is tried again at `nextAttemptAt`.',
    APPLIED: 'It changed its order.',
    IGNORED: 'It changed nothing: `reason` says why, such as `repeated`.',
    REVIEW: 'It was not applied, and a person must look at it: see `reason`.',
  }),
});

const Delivery = builder.objectRef<ReadDelivery>('Delivery').implement({
  description: 'A delivery: one verified callback of a provider, kept once.',
  interfaces: [Node],
  fields: (t) => ({
    provider: t.exposeString('provider', { description: 'The provider: `STRIPE`, `ALIPAY` or `WECHATPAY`.' }),
    account: t.exposeString('account', { description: 'The provider’s name of the account that received it.' }),
    eventId: t.exposeString('eventId', {
      description: 'The provider’s id of the event. A repeated callback has the same.',
    }),
    eventType: t.exposeString('eventType', { description: 'The provider’s name of the kind of event.' }),
    receivedAt: t.expose('receivedAt', { type: 'DateTime', description: 'The time when it was received.' }),
    verdict: t.expose('status', { type: DeliveryVerdict, description: 'What became of it.' }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'Why it was ignored, postponed or needs a person; null when it was applied.',
    }),
    appliedAt: t.expose('appliedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'The time of the verdict; null while it is PENDING.',
    }),
    attempts: t.exposeInt('applyAttempts', { description: 'How often it was tried to apply it.' }),
    nextAttemptAt: t.expose('applyAt', {
      type: 'DateTime',
      nullable: true,
      description: 'The time of the next attempt; null unless it is PENDING.',
    }),
    payment: t.field({
      type: Payment,
      nullable: true,
      description: 'The payment that it is about; null when it is not known.',
      resolve: ({ paymentId }, _args, context) => (paymentId === null ? null : loadPayment(context, paymentId)),
    }),
    order: t.field({
      type: Order,
      nullable: true,
      description: 'The order of the payment; null when it is not known.',
      resolve: async ({ paymentId }, _args, context, info) =>
        paymentId === null ? null : loadOrder(context, (await loadPayment(context, paymentId)).orderId, info),
    }),
    body: t.string({
      nullable: true,
      description:
        'The body as it is kept: without the data of buyers, and of WeChat Pay encrypted. Null for everyone but the merchant’s servers, and after the time for which bodies are kept.',
      resolve: ({ body }, _args, context) =>
        actorOf(context).role === 'MERCHANT' ? (body?.toString('utf8') ?? null) : null,
    }),
  }),
});

const DeliveryFilter = builder.inputType('DeliveryFilter', {
  description:
    'Conditions for deliveries. A delivery matches when it meets all given conditions; a list condition is met by any of its values.',
  fields: (t) => ({
    verdict: t.field({ type: [DeliveryVerdict], description: 'The delivery has one of these verdicts.' }),
    provider: t.stringList({ description: 'It is of one of these providers: `STRIPE`, `ALIPAY` or `WECHATPAY`.' }),
    receivedFrom: t.field({ type: 'DateTime', description: 'Received at or after this time.' }),
    receivedBefore: t.field({ type: 'DateTime', description: 'Received before this time.' }),
    paymentId: t.id({ description: 'It is about this payment.' }),
  }),
});

const DeliverySort = builder.enumType('DeliverySort', {
  description: 'The sort order, by the time of receipt.',
  values: {
    NEWEST_FIRST: { description: 'Newest delivery first.' },
    OLDEST_FIRST: { description: 'Oldest delivery first.' },
  } as const,
});

const DeliveryConnection = connectionOf('Delivery', 'deliveries', Delivery);

function filterOf(given: typeof DeliveryFilter.$inferInput): Filter {
  return {
    ...{ statuses: given.verdict ?? null, providers: providersOf(given.provider) },
    ...{ receivedFrom: given.receivedFrom ?? null, receivedBefore: given.receivedBefore ?? null },
    paymentId: given.paymentId == null ? null : storable('filter.paymentId', given.paymentId),
  };
}

builder.queryField('deliveries', (t) =>
  t.field({
    type: DeliveryConnection,
    nullable: true,
    complexity: pageComplexity,
    description:
      'The callbacks that the merchant’s provider accounts received, in pages. Give `first` or `last`, 1 to 100, but not both; the default is ' +
      '`first: 20`. Callbacks that could not be verified are not among them.',
    args: {
      ...listArgs,
      filter: t.arg({ type: DeliveryFilter, description: 'Return only deliveries that match.' }),
      orderBy: t.arg({ type: DeliverySort, defaultValue: 'NEWEST_FIRST', description: 'The sort order.' }),
    },
    resolve: async (_root, args, context, info) => {
      const { merchantId } = actorOf(context);
      const wanted = wantedPage(args, args.orderBy !== 'OLDEST_FIRST', 'delivery', 'deliveries');
      const filter = filterOf(args.filter ?? {});
      const { pool } = context.commands.db;
      const read = await readDeliveryPage(pool, merchantId, filter, wanted.page, isSelectedBelow(info, 'body'));
      return {
        ...cutPage(wanted, read),
        count: ({ commands }) => countDeliveries(commands.db.pool, merchantId, filter),
      };
    },
  }),
);

/** The newest deliveries about the payments; null for those who may not list deliveries. */
async function deliveriesOf(
  context: GraphqlContext,
  paymentIds: readonly string[],
  given: number | null | undefined,
  hasBody: boolean,
): Promise<List<ReadDelivery> | null> {
  const caller = actorOf(context);
  if (!mayUse(caller, 'replayDelivery')) return null;
  const wanted = wantedPage({ first: given ?? null }, true, 'delivery', 'deliveries');
  const { merchantId } = caller;
  const read = await readDeliveriesOfPayments(
    ...([context.commands.db.pool, merchantId, paymentIds, wanted.page.limit, hasBody] as const),
  );
  return {
    ...cutPage(wanted, read),
    count: ({ commands }) => countDeliveriesOfPayments(commands.db.pool, merchantId, paymentIds),
  };
}

const firstArg = { description: 'The number of deliveries, 1 to 100. Default: 20.' };
const forWhom = 'newest first. Null for viewers, customers and buyers. `deliveries` with a filter has further pages.';

builder.objectField(Order, 'deliveries', (t) =>
  t.field({
    type: DeliveryConnection,
    nullable: true,
    complexity: pageComplexity,
    description: `The newest callbacks about the payments of the order, ${forWhom}`,
    args: { first: t.arg.int(firstArg) },
    resolve: async (order, { first }, context, info) => {
      const payments = await loadPart(context, order, 'payments');
      return deliveriesOf(
        context,
        payments.map(({ id }) => id),
        first,
        isSelectedBelow(info, 'body'),
      );
    },
  }),
);

builder.objectField(Payment, 'deliveries', (t) =>
  t.field({
    type: DeliveryConnection,
    nullable: true,
    complexity: pageComplexity,
    description: `The newest callbacks about the payment, ${forWhom}`,
    args: { first: t.arg.int(firstArg) },
    resolve: ({ id }, { first }, context, info) => deliveriesOf(context, [id], first, isSelectedBelow(info, 'body')),
  }),
);

type Replayed = {
  readonly deliveryId: string;
  readonly isDryRun: boolean;
  readonly verdict: ReadDelivery['status'];
  readonly reason: string | null;
  readonly events: readonly OrderEvent[];
};

const ReplayedEvent = builder.objectRef<OrderEvent>('ReplayedEvent').implement({
  description: 'A change of an order that a replay made, or would make.',
  fields: (t) => ({
    type: t.expose('type', { type: EventType, description: 'The type of the change.' }),
    orderStatus: t.expose('orderStatus', { type: OrderStatus, description: 'The status of the order after it.' }),
    orderPaymentStatus: t.expose('orderPaymentStatus', {
      type: OrderPaymentStatus,
      description: 'The payment status of the order after it.',
    }),
    paymentStatus: t.expose('paymentStatus', {
      type: PaymentStatus,
      nullable: true,
      description: 'The status of the payment after it; null when no payment changes.',
    }),
    refundStatus: t.expose('refundStatus', {
      type: RefundStatus,
      nullable: true,
      description: 'The status of the refund after it; null when no refund changes.',
    }),
    amount: t.field({
      type: MoneyType,
      nullable: true,
      description: 'The amount of the payment or the refund; null for changes of the order itself.',
      resolve: ({ amountMinor, currency }) => (amountMinor === null ? null : { amountMinor, currency }),
    }),
  }),
});

const DeliveryReplay = builder.objectRef<Replayed>('DeliveryReplay').implement({
  description: 'What a replay did, or, as a dry run, would do now.',
  fields: (t) => ({
    dryRun: t.exposeBoolean('isDryRun', { description: 'True: nothing was written.' }),
    verdict: t.expose('verdict', { type: DeliveryVerdict, description: 'The verdict, or the one that it would get.' }),
    reason: t.exposeString('reason', { nullable: true, description: 'The reason of the verdict.' }),
    events: t.field({
      type: [ReplayedEvent],
      description: 'The changes of the order that it made, or would make. Empty when what it says is known.',
      resolve: ({ events }) => [...events],
    }),
    delivery: t.field({
      type: Delivery,
      description: 'The delivery as it is now.',
      resolve: async ({ deliveryId }, _args, context, info) => {
        const read = await loadDelivery(context, deliveryId, isSelectedBelow(info, 'body'));
        if (read === null) throw new Error(`${deliveryId} cannot be read.`);
        return read;
      },
    }),
  }),
});

/** Null for what the caller does not see. */
export async function loadDelivery(
  context: GraphqlContext,
  id: string,
  hasBody: boolean,
): Promise<ReadDelivery | null> {
  const caller = actorOf(context);
  if (!mayUse(caller, 'replayDelivery')) return null;
  return findReadDelivery(context.commands.db.pool, caller.merchantId, id, hasBody);
}

const ReplayDeliveryInput = builder.inputType('ReplayDeliveryInput', {
  description: 'The delivery to apply again.',
  fields: (t) => ({
    deliveryId: t.id({ required: true, description: 'The delivery, `dlv_…`.' }),
    dryRun: t.boolean({ required: true, description: 'True: say what would change, and write nothing.' }),
  }),
});

builder.mutationField('replayDelivery', (t) =>
  t.field({
    type: DeliveryReplay,
    nullable: true,
    description:
      'Applies the kept body of a callback again, such as after a mistake in its handling was corrected. What it says counts once: a replay of a ' +
      'known fact changes nothing. Can be repeated safely.',
    args: { input: t.arg({ type: ReplayDeliveryInput, required: true, description: 'The delivery to apply again.' }) },
    errors: {
      types: [NotFoundError, DeliveryNotReplayableError, ProviderUnavailableError, ForbiddenError],
      union: { name: 'ReplayDeliveryResult', description: 'What the replay did, or an error.' },
    },
    resolve: async (_root, { input: { deliveryId, dryRun } }, context) => {
      const { merchantId } = actorOf(context);
      const { outcome, events } = await context.replayDelivery(context.commands.log, merchantId, deliveryId, dryRun);
      const { status, reason } = outcome;
      const verdict = status === 'POSTPONED' ? ('PENDING' as const) : status;
      return { deliveryId, isDryRun: dryRun, verdict, reason, events };
    },
  }),
);
