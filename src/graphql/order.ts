import { cancelOrder } from '../commands/close-order.ts';
import { createOrder } from '../commands/create-order.ts';
import {
  ForbiddenError,
  IdempotencyKeyReusedError,
  InvalidInputError,
  NotFoundError,
  OrderNotCancelableError,
} from '../domain/errors.ts';
import { isId } from '../domain/ids.ts';
import { allowedActionsOf } from '../domain/order.ts';
import { refundableMinor } from '../domain/payment.ts';
import { encodeCursor, posMax } from '../events/cursor.ts';
import { builder } from './builder.ts';
import { actorOf, badUserInput } from './context.ts';
import { CaptureMode, OrderAction, OrderPaymentStatus, OrderStatus, ReviewReason } from './enums.ts';
import { OrderEventConnection } from './event.ts';
import { MoneyType } from './money.ts';
import { Node } from './node.ts';
import { pageComplexity, pageSizeDefault, pageSizeOf, positionAfter } from './page.ts';
import { runAndRead } from './run-and-read.ts';
import { storable } from './text.ts';

builder.prismaObject('OrderLine', {
  description: 'A position of an order.',
  fields: (t) => ({
    sku: t.exposeString('sku', { nullable: true, description: 'The merchant’s product code.' }),
    name: t.exposeString('name', { description: 'What is bought, for people.' }),
    quantity: t.exposeInt('quantity', { description: 'How many.' }),
    unitPrice: t.field({
      type: MoneyType,
      description: 'The price of one.',
      resolve: ({ unitMinor, currency }) => ({ amountMinor: unitMinor, currency }),
    }),
    total: t.field({
      type: MoneyType,
      description: 'The price of all of them.',
      resolve: ({ unitMinor, quantity, currency }) => ({ amountMinor: unitMinor * BigInt(quantity), currency }),
    }),
  }),
});

export const Order = builder.prismaObject('Order', {
  description: 'What is bought, by whom, and how far its payment has come.',
  interfaces: [Node],
  fields: (t) => ({
    number: t.exposeString('number', { description: 'The merchant’s own order number, unique per merchant.' }),
    status: t.expose('status', { type: OrderStatus, description: 'Where it is in its life.' }),
    paymentStatus: t.expose('paymentStatus', { type: OrderPaymentStatus, description: 'Whether and how it was paid.' }),
    total: t.field({
      type: MoneyType,
      description: 'The sum of its lines.',
      resolve: ({ totalMinor, currency }) => ({ amountMinor: totalMinor, currency }),
    }),
    authorized: t.field({
      type: MoneyType,
      description: 'What its payments were authorized for, captured or not.',
      resolve: ({ authorizedMinor, currency }) => ({ amountMinor: authorizedMinor, currency }),
    }),
    captured: t.field({
      type: MoneyType,
      description: 'What its payments took.',
      resolve: ({ capturedMinor, currency }) => ({ amountMinor: capturedMinor, currency }),
    }),
    refunded: t.field({
      type: MoneyType,
      description: 'What went back.',
      resolve: ({ refundedMinor, currency }) => ({ amountMinor: refundedMinor, currency }),
    }),
    refundable: t.field({
      type: MoneyType,
      description: 'What may still be refunded.',
      resolve: (order) => ({ amountMinor: refundableMinor(order), currency: order.currency }),
    }),
    captureMode: t.expose('captureMode', { type: CaptureMode, description: 'When its money moves.' }),
    lines: t.relation('lines', {
      query: { orderBy: { position: 'asc' } },
      description: 'What is bought, in the order given.',
    }),
    customerId: t.exposeString('customerId', { nullable: true, description: 'The merchant’s name for the buyer.' }),
    description: t.exposeString('description', { nullable: true, description: 'Shown to the buyer by the provider.' }),
    metadata: t.expose('metadata', { type: 'Metadata', description: 'As the merchant gave it.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'Until when it may be paid.' }),
    version: t.exposeInt('version', {
      description: 'Counts the order’s changes from 1. Two copies of an order: the higher one is newer.',
    }),
    needsReview: t.expose('reviewReasons', {
      type: [ReviewReason],
      description: 'Why a person should look at it. Empty in normal life.',
    }),
    allowedActions: t.field({
      type: [OrderAction],
      description: 'What the caller may do with the order now.',
      resolve: (order, _args, { commands }) => allowedActionsOf(order, commands.clock.now()),
    }),
    payments: t.relation('payments', {
      query: { orderBy: { id: 'asc' } },
      description: 'Its attempts to be paid, oldest first.',
    }),
    refunds: t.relation('refunds', {
      query: { orderBy: { id: 'asc' } },
      description: 'Money on its way back, oldest first.',
    }),
    events: t.field({
      type: OrderEventConnection,
      complexity: pageComplexity,
      description: 'The order’s history, oldest first.',
      args: {
        first: t.arg.int({ description: '1 to 100; 20 when left out.' }),
        after: t.arg({ type: 'EventCursor', description: 'Only what comes after it.' }),
      },
      resolve: ({ id: orderId }, args, context) => {
        const first = pageSizeOf('first', args.first) ?? pageSizeDefault;
        return context.orderEvents.load({ orderId, first, after: positionAfter(context, { orderId }, args.after) });
      },
    }),
    eventCursor: t.field({
      type: 'EventCursor',
      description:
        'Where this copy of the order stands in its events: subscribe to `orderEvents` `after` it and nothing is missed. A place in this ' +
        'order alone: `merchantEvents` and `events` refuse it.',
      resolve: ({ id: orderId, epoch, xid }, _args, { logId }) =>
        encodeCursor(logId, { orderId }, { epoch, xid, pos: posMax }),
    }),
    clientToken: t.string({
      nullable: true,
      description:
        'For a browser: lets its bearer read, pay and follow this one order until shortly after it expires. Null unless a merchant ' +
        'asks; always null in this version, which has no access control yet.',
      resolve: () => null,
    }),
  }),
});

const OrderLineInput = builder.inputType('OrderLineInput', {
  description:
    'Merchants price a line themselves. Customers name a product of the catalogue by its `sku`, and the server prices it; there is ' +
    'no catalogue yet, so `name` and `unitAmountMinor` are needed.',
  fields: (t) => ({
    sku: t.string({ description: '1 to 64 characters.' }),
    name: t.string({ description: '1 to 256 characters.' }),
    quantity: t.int({ required: true, description: '1 to 999999.' }),
    unitAmountMinor: t.field({ type: 'MinorUnits', description: 'The price of one, at least 1. Merchants only.' }),
  }),
});

const CreateOrderInput = builder.inputType('CreateOrderInput', {
  description: 'What is bought.',
  fields: (t) => ({
    idempotencyKey: t.string({
      required: true,
      description:
        '1 to 255 characters. The same key with the same input returns the order as it is now; with other input, ' +
        'IDEMPOTENCY_KEY_REUSED.',
    }),
    number: t.string({
      description: 'The merchant’s order number, 1 to 64 characters; made by the server when left out.',
    }),
    currency: t.field({ type: 'CurrencyCode', required: true, description: 'Of every amount of the order.' }),
    lines: t.field({ type: [OrderLineInput], required: true, description: '1 to 100.' }),
    captureMode: t.field({ type: CaptureMode, defaultValue: 'AUTOMATIC', description: 'When the money moves.' }),
    expiresInSeconds: t.int({ defaultValue: 1800, description: '60 to 604800.' }),
    customerId: t.string({ description: 'The merchant’s name for the buyer, 1 to 255 characters.' }),
    description: t.string({ description: 'At most 127 characters; shown to the buyer by the provider.' }),
    metadata: t.field({ type: 'Metadata', description: 'Yours to use.' }),
  }),
});

const CancelOrderInput = builder.inputType('CancelOrderInput', {
  description: 'Which order is to be canceled, and why.',
  fields: (t) => ({
    orderId: t.id({ required: true, description: 'The order to cancel.' }),
    reason: t.string({ description: 'For the merchant’s own records, at most 255 characters.' }),
  }),
});

builder.mutationField('createOrder', (t) =>
  t.prismaField({
    type: 'Order',
    nullable: true,
    description: 'Creates an order, open for payment until it expires.',
    args: { input: t.arg({ type: CreateOrderInput, required: true, description: 'What is bought.' }) },
    errors: {
      types: [InvalidInputError, IdempotencyKeyReusedError, ForbiddenError],
      union: { name: 'CreateOrderResult', description: 'The order, or why there is none.' },
    },
    resolve: (query, _root, { input }, context) =>
      runAndRead(
        context,
        (commands, actor) => createOrder(commands, actor, input),
        (prisma, where) => prisma.order.findUniqueOrThrow({ ...query, where }),
      ),
  }),
);

builder.mutationField('cancelOrder', (t) =>
  t.prismaField({
    type: 'Order',
    nullable: true,
    description:
      'Cancels an order that is not paid. CLOSING means that a provider has yet to confirm that no money can come; should the buyer ' +
      'have been faster, it becomes CONFIRMED. Repeating it is no error.',
    args: { input: t.arg({ type: CancelOrderInput, required: true, description: 'Which order.' }) },
    errors: {
      types: [NotFoundError, OrderNotCancelableError, ForbiddenError],
      union: { name: 'CancelOrderResult', description: 'The order, or why it was not canceled.' },
    },
    resolve: (query, _root, { input }, context) =>
      runAndRead(
        context,
        (commands, actor) => cancelOrder(commands, actor, input),
        (prisma, where) => prisma.order.findUniqueOrThrow({ ...query, where }),
      ),
  }),
);

builder.queryField('order', (t) =>
  t.prismaField({
    type: 'Order',
    nullable: true,
    description: 'One order. Null when it does not exist, or not for the caller.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: (query, _root, { id }, context) => {
      const { merchantId } = actorOf(context);
      if (!isId('order', id)) throw badUserInput('id', 'is not an order id.');
      return context.commands.db.prisma.order.findUnique({ ...query, where: { id, merchantId } });
    },
  }),
);

builder.queryField('orderByNumber', (t) =>
  t.prismaField({
    type: 'Order',
    nullable: true,
    description: 'One order by the merchant’s own number. Null when it does not exist, or not for the caller.',
    args: { number: t.arg.string({ required: true, description: 'As it was given, or made by the server.' }) },
    resolve: (query, _root, { number }, context) => {
      const { merchantId } = actorOf(context);
      return context.commands.db.prisma.order.findUnique({
        ...query,
        where: { merchantId_number: { merchantId, number: storable('number', number) } },
      });
    },
  }),
);
