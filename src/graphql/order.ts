import { cancelOrder } from '../commands/cancel-order.ts';
import { clientTokenGraceMs } from '../commands/client-token.ts';
import { createOrder } from '../commands/create-order.ts';
import { isPayer } from '../domain/actor.ts';
import { after } from '../domain/clock.ts';
import {
  ForbiddenError,
  IdempotencyKeyReusedError,
  InvalidInputError,
  NotFoundError,
  OrderNotCancelableError,
} from '../domain/errors.ts';
import { isId } from '../domain/ids.ts';
import { type OrderAction as ActionName, allowedActionsOf } from '../domain/order-sums.ts';
import { refundableMinor } from '../domain/payment.ts';
import { encodeCursor, posMax } from '../events/cursor.ts';
import { findOrderByNumber } from '../store/order-reader.ts';
import { mayUse } from './access.ts';
import type { Caller } from './authentication.ts';
import { builder } from './builder.ts';
import { actorOf, badUserInput } from './context.ts';
import { CaptureMode, OrderAction, OrderPaymentStatus, OrderStatus, ReviewReason } from './enums.ts';
import { OrderEventConnection } from './event.ts';
import { loadMerchant, Merchant } from './merchant.ts';
import { MoneyType } from './money.ts';
import { Node } from './node.ts';
import { loadOrder, loadPart, partsOf } from './order-loaders.ts';
import { Order, OrderLine, Payment, Refund } from './order-types.ts';
import { pageComplexity, pageSizeDefault, pageSizeOf, positionAfter } from './page.ts';
import { runAndAnswer } from './run-and-read.ts';
import { isStaff } from './scope.ts';
import { storable } from './text.ts';

OrderLine.implement({
  description: 'A line item of an order.',
  fields: (t) => ({
    sku: t.exposeString('sku', {
      nullable: true,
      description: 'The merchant’s product code; null when none was given.',
    }),
    name: t.exposeString('name', { description: 'The display name of the item.' }),
    quantity: t.exposeInt('quantity', { description: 'The number of items.' }),
    unitPrice: t.field({
      type: MoneyType,
      description: 'The price of one item.',
      resolve: ({ unitMinor, currency }) => ({ amountMinor: unitMinor, currency }),
    }),
    total: t.field({
      type: MoneyType,
      description: '`unitPrice` times `quantity`.',
      resolve: ({ unitMinor, quantity, currency }) => ({ amountMinor: unitMinor * BigInt(quantity), currency }),
    }),
  }),
});

Order.implement({
  description: 'A purchase, with its payments and refunds. One order can have several payments, of which one succeeds.',
  interfaces: [Node],
  fields: (t) => ({
    number: t.exposeString('number', {
      description: 'The order number, unique per merchant. Given by the merchant, or generated.',
    }),
    status: t.expose('status', { type: OrderStatus, description: 'The lifecycle status.' }),
    paymentStatus: t.expose('paymentStatus', {
      type: OrderPaymentStatus,
      description: 'How much of the order is paid.',
    }),
    total: t.field({
      type: MoneyType,
      description: 'The sum of the lines: the amount to pay.',
      resolve: ({ totalMinor, currency }) => ({ amountMinor: totalMinor, currency }),
    }),
    authorized: t.field({
      type: MoneyType,
      description: 'The sum of the amounts that the payments were authorized for, captured or not.',
      resolve: ({ authorizedMinor, currency }) => ({ amountMinor: authorizedMinor, currency }),
    }),
    captured: t.field({
      type: MoneyType,
      description: 'The sum of the captured amounts, before refunds.',
      resolve: ({ capturedMinor, currency }) => ({ amountMinor: capturedMinor, currency }),
    }),
    refunded: t.field({
      type: MoneyType,
      description: 'The sum of the refunds that succeeded.',
      resolve: ({ refundedMinor, currency }) => ({ amountMinor: refundedMinor, currency }),
    }),
    refundable: t.field({
      type: MoneyType,
      description: 'The captured amount that is neither refunded nor reserved by a pending refund.',
      resolve: (order) => ({ amountMinor: refundableMinor(order), currency: order.currency }),
    }),
    captureMode: t.expose('captureMode', { type: CaptureMode, description: 'When the buyer’s money is captured.' }),
    lines: t.field({
      type: [OrderLine],
      description: 'The line items, in the order in which they were given.',
      resolve: (order, _args, context) => loadPart(context, order, 'lines'),
    }),
    customerId: t.exposeString('customerId', {
      nullable: true,
      description: 'The merchant’s id of the buyer; null when none was given.',
    }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'The text that the provider shows to the buyer; null when none was given.',
    }),
    metadata: t.field({
      type: 'Metadata',
      description: 'The merchant’s own data, unchanged. Empty for customers and buyers.',
      resolve: ({ metadata }, _args, context) => (isStaff(actorOf(context)) ? metadata : {}),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'The time of creation.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'The time of the last change.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'The time until which the order can be paid.' }),
    version: t.exposeInt('version', {
      description:
        'The number of changes, starting at 1. Of two copies of an order, the one with the higher version is newer.',
    }),
    needsReview: t.expose('reviewReasons', {
      type: [ReviewReason],
      description: 'The reasons why the order needs an operator. Normally empty.',
    }),
    allowedActions: t.field({
      type: [OrderAction],
      description:
        'The mutations that the order’s state and the caller’s role allow now. A refund or a capture in progress is not considered, so a listed mutation can still be refused.',
      resolve: (order, _args, context) =>
        allowedActionsOf(order, context.commands.clock.now()).filter((action) =>
          isAllowed(actorOf(context), action, order.status),
        ),
    }),
    payments: t.field({
      type: [Payment],
      description: 'The payments of the order, oldest first.',
      resolve: (order, _args, context) => loadPart(context, order, 'payments'),
    }),
    refunds: t.field({
      type: [Refund],
      description: 'The refunds of the order, oldest first.',
      resolve: (order, _args, context) => loadPart(context, order, 'refunds'),
    }),
    events: t.field({
      type: OrderEventConnection,
      complexity: pageComplexity,
      description: 'The events of the order, oldest first.',
      args: {
        first: t.arg.int({ description: 'The page size, 1 to 100. Default: 20.' }),
        after: t.arg({
          type: 'EventCursor',
          description: 'Return only events after this cursor: the `cursor` of an event, or an `endCursor`.',
        }),
      },
      resolve: ({ id: orderId }, args, context) => {
        const first = pageSizeOf('first', args.first) ?? pageSizeDefault;
        return context.orderEvents.load({ orderId, first, after: positionAfter(context, { orderId }, args.after) });
      },
    }),
    eventCursor: t.field({
      type: 'EventCursor',
      description:
        'The position of this copy of the order in its events. Pass it as `after` to `orderEvents` to get every later event. Valid only ' +
        'for this order: `merchantEvents` and `events` refuse it.',
      resolve: ({ id: orderId, epoch, xid }, _args, { logId }) =>
        encodeCursor(logId, { orderId }, { epoch, xid, pos: posMax }),
    }),
    merchant: t.field({
      type: Merchant,
      description: 'The merchant that sells. Customers and buyers see its id, its name and its colour.',
      resolve: (_order, _args, context) => loadMerchant(context),
    }),
    clientToken: t.string({
      nullable: true,
      description:
        'A bearer token for the buyer’s browser. It reads, pays, cancels and follows this one order, and is valid until an hour after ' +
        '`expiresAt`. Null afterwards, for viewers, and on a server without a master key.',
      resolve: ({ id, expiresAt }, _args, context) => {
        const isValid = after(expiresAt, clientTokenGraceMs) > context.commands.clock.now();
        const isAllowed = actorOf(context).role !== 'VIEWER';
        return isValid && isAllowed ? (context.clientTokens?.tokenOf(id) ?? null) : null;
      },
    }),
  }),
});

const OrderLineInput = builder.inputType('OrderLineInput', {
  description:
    'A line item. `name` and `unitAmountMinor` are required in this version, because there is no product catalogue that could supply ' +
    'them for a `sku`.',
  fields: (t) => ({
    sku: t.string({
      description:
        'The merchant’s product code, 1 to 64 characters. Without `unitAmountMinor`, the sku of an active product of the catalogue.',
    }),
    name: t.string({
      description:
        'The display name, 1 to 256 characters. Default: the name of the product. Required with `unitAmountMinor`; an error from a customer.',
    }),
    quantity: t.int({ required: true, description: 'The number of items, 1 to 999999.' }),
    unitAmountMinor: t.field({
      type: 'MinorUnits',
      description:
        'The price of one item in minor units, at least 1. Default: the price of the product. An error from a customer.',
    }),
  }),
});

/** The mutation of each action. */
const mutations = {
  PAY: 'payOrder',
  CANCEL: 'cancelOrder',
  CAPTURE: 'capturePayment',
  REFUND: 'requestRefund',
} as const satisfies Record<ActionName, string>;

/** Who pays cannot take an authorization back. */
function isAllowed(caller: Caller, action: ActionName, status: string): boolean {
  if (action === 'CANCEL' && status === 'CONFIRMED' && isPayer(caller.role)) return false;
  return mayUse(caller, mutations[action]);
}

const CreateOrderInput = builder.inputType('CreateOrderInput', {
  description: 'The order to create.',
  fields: (t) => ({
    idempotencyKey: t.string({
      required: true,
      description:
        'A unique key of this intent, 1 to 255 characters. A repeated call with the same key and input returns the existing order in its ' +
        'current state; with different input it returns IDEMPOTENCY_KEY_REUSED.',
    }),
    number: t.string({
      description:
        'The merchant’s order number, 1 to 64 characters, unique per merchant. Generated when omitted. An error from a customer.',
    }),
    currency: t.field({
      type: 'CurrencyCode',
      required: true,
      description: 'The currency of all amounts of the order.',
    }),
    lines: t.field({ type: [OrderLineInput], required: true, description: 'The line items, 1 to 100.' }),
    captureMode: t.field({
      type: CaptureMode,
      defaultValue: 'AUTOMATIC',
      description: 'When the buyer’s money is captured. AUTOMATIC from a customer.',
    }),
    expiresInSeconds: t.int({
      defaultValue: 1800,
      description:
        'How long the order can be paid, in seconds: 60 to 604800 (seven days), from a customer at most 1800.',
    }),
    customerId: t.string({
      description:
        'The merchant’s id of the buyer, 1 to 255 characters: the subject of the customer’s tokens. From a customer always their own.',
    }),
    description: t.string({ description: 'The text that the provider shows to the buyer, at most 127 characters.' }),
    metadata: t.field({
      type: 'Metadata',
      description: 'The merchant’s own data; not interpreted. An error from a customer.',
    }),
  }),
});

const CancelOrderInput = builder.inputType('CancelOrderInput', {
  description: 'The order to cancel.',
  fields: (t) => ({
    orderId: t.id({ required: true, description: 'The order to cancel.' }),
    reason: t.string({ description: 'A reason for the merchant’s own records, at most 255 characters.' }),
  }),
});

builder.mutationField('createOrder', (t) =>
  t.field({
    type: Order,
    nullable: true,
    description: 'Creates an order that can be paid until it expires.',
    args: { input: t.arg({ type: CreateOrderInput, required: true, description: 'The order to create.' }) },
    errors: {
      types: [InvalidInputError, IdempotencyKeyReusedError, ForbiddenError],
      union: { name: 'CreateOrderResult', description: 'The order, or an error.' },
    },
    resolve: (_root, { input }, context, info) =>
      runAndAnswer(
        context,
        (commands, actor) => createOrder(commands, actor, input),
        (order) => [order],
        (id) => loadOrder(context, id, info),
      ),
  }),
);

builder.mutationField('cancelOrder', (t) =>
  t.field({
    type: Order,
    nullable: true,
    description:
      'Cancels an order that is not paid, and voids its authorization. While a provider has not confirmed the cancellation, the order is ' +
      'CLOSING: follow its events. If the buyer paid first, it becomes CONFIRMED. Only the merchant and its operators can void an authorization. ' +
      'Can be repeated safely.',
    args: { input: t.arg({ type: CancelOrderInput, required: true, description: 'The order to cancel.' }) },
    errors: {
      types: [NotFoundError, OrderNotCancelableError, ForbiddenError],
      union: { name: 'CancelOrderResult', description: 'The order, or an error.' },
    },
    resolve: (_root, { input }, context, info) =>
      runAndAnswer(
        context,
        (commands, actor) => cancelOrder(commands, actor, input),
        (order) => [order],
        (id) => loadOrder(context, id, info),
      ),
  }),
);

builder.queryField('order', (t) =>
  t.field({
    type: Order,
    nullable: true,
    description: 'An order by its id. Null when it does not exist or belongs to another merchant.',
    args: { id: t.arg.id({ required: true, description: 'The id of the order, `ord_…`.' }) },
    resolve: (_root, { id }, context, info) => {
      actorOf(context);
      if (!isId('order', id)) throw badUserInput('id', 'is not an order id.');
      return context.orders.load({ id, parts: partsOf(info) });
    },
  }),
);

builder.queryField('orderByNumber', (t) =>
  t.field({
    type: Order,
    nullable: true,
    description: 'An order by its number. Null when it does not exist or belongs to another merchant.',
    args: { number: t.arg.string({ required: true, description: 'The order number, given or generated.' }) },
    resolve: (_root, { number }, context, info) => {
      const { pool } = context.commands.db;
      return findOrderByNumber(pool, actorOf(context), storable('number', number), partsOf(info));
    },
  }),
);
