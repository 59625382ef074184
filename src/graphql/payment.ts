import { cancelPayment } from '../commands/cancel-payment.ts';
import { capturePayment } from '../commands/capture-payment.ts';
import { payOrder } from '../commands/pay-order.ts';
import { paymentMethodsOf } from '../commands/payment-methods.ts';
import { refreshPayment } from '../commands/refresh-payment.ts';
import {
  ForbiddenError,
  IdempotencyKeyReusedError,
  InvalidInputError,
  MethodNotAvailableError,
  NotFoundError,
  OrderNotPayableError,
  PaymentInProgressError,
  PaymentNotCancelableError,
  PaymentNotCapturableError,
  ProviderRejectedError,
  ProviderUnavailableError,
  RateLimitedError,
} from '../domain/errors.ts';
import { isId } from '../domain/ids.ts';
import { refundableMinor } from '../domain/payment.ts';
import type { Card } from '../domain/report.ts';
import { builder } from './builder.ts';
import { actorOf, badUserInput } from './context.ts';
import { PaymentFlow, PaymentMethod, PaymentStatus } from './enums.ts';
import { Evidence, evidenceOf } from './evidence.ts';
import { PaymentFailureType } from './failure.ts';
import { MoneyType } from './money.ts';
import { NextAction, nextActionOf } from './next-action.ts';
import { Node } from './node.ts';
import { loadOrder, loadPayment } from './order-loaders.ts';
import { Order, Payment } from './order-types.ts';
import { PaymentMethodOption } from './payment-method.ts';
import { runAndAnswer } from './run-and-read.ts';
import { isStaff } from './scope.ts';

const CardType = builder.objectRef<Card>('Card').implement({
  description: 'What a person recognizes a card by.',
  fields: (t) => ({
    brand: t.exposeString('brand', {
      description: 'The brand in lower case, such as `visa` or `mastercard`. New values may be added.',
    }),
    last4: t.exposeString('last4', { description: 'The last four digits of the number.' }),
  }),
});

Payment.implement({
  description:
    'One attempt to pay an order. Its id is also the payment’s number at the provider: `out_trade_no` at Alipay and WeChat Pay, ' +
    '`payment_id` in the metadata of Stripe’s PaymentIntent.',
  interfaces: [Node],
  fields: (t) => ({
    order: t.field({
      type: Order,
      description: 'The order that the payment is for.',
      resolve: ({ order, orderId }, _args, context, info) => order ?? loadOrder(context, orderId, info),
    }),
    method: t.expose('method', { type: PaymentMethod, description: 'The means of payment.' }),
    flow: t.expose('flow', { type: PaymentFlow, description: 'How the buyer is sent to the payment.' }),
    status: t.expose('status', { type: PaymentStatus, description: 'The state of the payment.' }),
    amount: t.field({
      type: MoneyType,
      description: 'The amount of the payment: the order’s total.',
      resolve: (payment) => payment,
    }),
    captured: t.field({
      type: MoneyType,
      description: 'The captured amount, before refunds; zero until the payment succeeds.',
      resolve: ({ capturedMinor, currency }) => ({ amountMinor: capturedMinor, currency }),
    }),
    captureRequested: t.field({
      type: MoneyType,
      nullable: true,
      description:
        'The amount that `capturePayment` requested and the provider has not confirmed yet; null when no capture is in progress.',
      resolve: ({ captureMinor, currency }) => (captureMinor === null ? null : { amountMinor: captureMinor, currency }),
    }),
    refunded: t.field({
      type: MoneyType,
      description: 'The sum of the refunds that succeeded.',
      resolve: ({ refundedMinor, currency }) => ({ amountMinor: refundedMinor, currency }),
    }),
    refundable: t.field({
      type: MoneyType,
      description: 'The captured amount that is neither refunded nor reserved by a pending refund.',
      resolve: (payment) => ({ amountMinor: refundableMinor(payment), currency: payment.currency }),
    }),
    nextAction: t.field({
      type: NextAction,
      nullable: true,
      description:
        'What the buyer’s page must do next. Null unless `status` is ACTION_REQUIRED. When `expiresAt` has passed, call `payOrder` with the same key, or `refreshPayment`, to get a new one.',
      resolve: nextActionOf,
    }),
    failure: t.field({
      type: PaymentFailureType,
      nullable: true,
      description: 'Why the payment, the buyer’s last attempt or a capture failed; null when nothing failed.',
      resolve: (payment) => (payment.failureReason === null ? null : payment),
    }),
    providerPaymentId: t.exposeString('providerPaymentId', {
      nullable: true,
      description:
        'The provider’s number: Alipay’s `trade_no`, WeChat Pay’s `transaction_id`, Stripe’s PaymentIntent id. Null until the provider reports it.',
    }),
    card: t.field({
      type: CardType,
      nullable: true,
      description:
        'The card that paid. Null for other methods, and until the provider has said it: callbacks do not, the next query of the payment does, such as by `refreshPayment`.',
      resolve: ({ cardBrand, cardLast4 }) =>
        cardBrand === null || cardLast4 === null ? null : { brand: cardBrand, last4: cardLast4 },
    }),
    evidence: t.field({
      type: Evidence,
      nullable: true,
      description: 'The source of the current status; null before the provider’s first report.',
      resolve: evidenceOf,
    }),
    nextCheckAt: t.expose('checkAt', {
      type: 'DateTime',
      nullable: true,
      description: 'The time of the next status query to the provider; null when none is planned.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'The time when the payment was started.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'The time of the last change.' }),
    succeededAt: t.expose('succeededAt', {
      type: 'DateTime',
      nullable: true,
      description: 'The time when the money was captured; null until then.',
    }),
  }),
});

const PayOrderInput = builder.inputType('PayOrderInput', {
  description: 'The order to pay, and how.',
  fields: (t) => ({
    idempotencyKey: t.string({
      required: true,
      description:
        'A unique key, 1 to 255 characters. Generate one each time the buyer decides to pay. A repeated call with the same key and input ' +
        'returns the existing payment in its current state; with different input it returns IDEMPOTENCY_KEY_REUSED.',
    }),
    orderId: t.id({ required: true, description: 'The order to pay.' }),
    method: t.field({
      type: PaymentMethod,
      required: true,
      description: 'A method that `paymentMethods` lists for the order.',
    }),
    flow: t.field({
      type: PaymentFlow,
      description: 'A flow of the method. Default: its first flow in `paymentMethods`.',
    }),
    returnUrl: t.string({
      description:
        'The http or https URL to which the provider sends the buyer afterwards, at most 2048 characters. Required for REDIRECT and for ' +
        'Alipay’s MOBILE_WEB. `paymentMethods { needs { flow fields } }` lists the fields that each flow requires.',
    }),
    openId: t.string({
      description:
        'The buyer’s WeChat openid in the merchant’s official account or mini program, at most 128 characters. Required for IN_APP.',
    }),
    buyerIp: t.string({
      description: 'The buyer’s IPv4 or IPv6 address. Required for WeChat Pay’s MOBILE_WEB.',
    }),
  }),
});

builder.mutationField('payOrder', (t) =>
  t.field({
    type: Payment,
    nullable: true,
    description:
      'Starts a payment of the full order total. An earlier payment that still waits for the buyer is canceled at the provider first, so that ' +
      'the buyer cannot pay twice. A payment with status UNKNOWN is not a failure: follow the order’s events, and do not start another ' +
      'payment. A repeated call during the first one returns SUBMITTING; `nextAction` is available after PAYMENT_ACTION_REQUIRED.',
    args: { input: t.arg({ type: PayOrderInput, required: true, description: 'The order to pay, and how.' }) },
    errors: {
      types: [
        ...[InvalidInputError, NotFoundError, IdempotencyKeyReusedError, OrderNotPayableError, PaymentInProgressError],
        ...[MethodNotAvailableError, ProviderRejectedError, ProviderUnavailableError, ForbiddenError],
        RateLimitedError,
      ],
      union: { name: 'PayOrderResult', description: 'The payment, or an error.' },
    },
    resolve: (_root, { input }, context) =>
      runAndAnswer(
        context,
        (commands, actor) => payOrder(commands, actor, input, isStaff(actor) ? null : context.address),
        ({ payments }) => payments,
        (id) => loadPayment(context, id),
      ),
  }),
);

const CapturePaymentInput = builder.inputType('CapturePaymentInput', {
  description: 'The authorized payment to capture, and the amount.',
  fields: (t) => ({
    idempotencyKey: t.string({
      required: true,
      description:
        'A unique key of this intent, 1 to 255 characters. Repeated calls with the same key and input capture once.',
    }),
    paymentId: t.id({ required: true, description: 'The authorized payment.' }),
    amountMinor: t.field({
      type: 'MinorUnits',
      description:
        'The amount to capture in minor units, at least 1. Default: the full authorized amount. The rest is released.',
    }),
  }),
});

builder.mutationField('capturePayment', (t) =>
  t.field({
    type: Payment,
    nullable: true,
    description:
      'Captures an authorized payment, fully or in part; the rest is released. If the payment is still AUTHORIZED and `captureRequested` is ' +
      'set, the outcome is not known yet: this is not a failure. Follow the order’s events.',
    args: {
      input: t.arg({
        type: CapturePaymentInput,
        required: true,
        description: 'The authorized payment to capture, and the amount.',
      }),
    },
    errors: {
      types: [
        ...[InvalidInputError, NotFoundError, IdempotencyKeyReusedError, PaymentNotCapturableError],
        ...[ProviderRejectedError, ProviderUnavailableError, ForbiddenError],
      ],
      union: { name: 'CapturePaymentResult', description: 'The payment, or an error.' },
    },
    resolve: (_root, { input }, context) =>
      runAndAnswer(
        context,
        (commands, actor) => capturePayment(commands, actor, input),
        ({ payments }) => payments,
        (id) => loadPayment(context, id),
      ),
  }),
);

const CancelPaymentInput = builder.inputType('CancelPaymentInput', {
  description: 'The payment to cancel.',
  fields: (t) => ({ paymentId: t.id({ required: true, description: 'The payment to cancel.' }) }),
});

builder.mutationField('cancelPayment', (t) =>
  t.field({
    type: Payment,
    nullable: true,
    description:
      'Cancels a payment that the buyer has not completed, or voids an authorization. The order stays open. While the provider has not ' +
      'confirmed it, the payment is CANCELING: follow the order’s events. If the buyer paid first, it becomes SUCCEEDED. Only the merchant and ' +
      'its operators can void an authorization. Can be repeated safely.',
    args: { input: t.arg({ type: CancelPaymentInput, required: true, description: 'The payment to cancel.' }) },
    errors: {
      types: [NotFoundError, PaymentNotCancelableError, ProviderUnavailableError, ForbiddenError],
      union: { name: 'CancelPaymentResult', description: 'The payment, or an error.' },
    },
    resolve: (_root, { input }, context) =>
      runAndAnswer(
        context,
        (commands, actor) => cancelPayment(commands, actor, input.paymentId),
        ({ payments }) => payments,
        (id) => loadPayment(context, id),
      ),
  }),
);

builder.mutationField('refreshPayment', (t) =>
  t.field({
    type: Payment,
    nullable: true,
    description:
      'Queries the provider for the payment’s status now, and renews an expired `nextAction`. Call it when the buyer returns to your page. ' +
      'Within a second of the previous query, the cached state is returned.',
    args: { paymentId: t.arg.id({ required: true, description: 'The payment to query.' }) },
    errors: {
      types: [NotFoundError, ProviderUnavailableError, ForbiddenError],
      union: { name: 'RefreshPaymentResult', description: 'The payment, or an error.' },
    },
    resolve: (_root, { paymentId }, context) =>
      runAndAnswer(
        context,
        (commands, actor) => refreshPayment(commands, actor, paymentId),
        ({ payments }) => payments,
        (id) => loadPayment(context, id),
      ),
  }),
);

builder.queryField('paymentMethods', (t) =>
  t.field({
    type: [PaymentMethodOption],
    nullable: true,
    description:
      'The methods by which the order can be paid now, in the order in which to offer them. Empty when the order cannot be paid any more.',
    args: { orderId: t.arg.id({ required: true, description: 'The order to pay.' }) },
    resolve: async (_root, { orderId }, context) => {
      actorOf(context);
      if (!isId('order', orderId)) throw badUserInput('orderId', 'is not an order id.');
      const order = await context.orders.load({ id: orderId, parts: [] });
      if (order === null) throw badUserInput('orderId', 'There is no such order.');
      const isPayable = order.status === 'OPEN' && order.expiresAt > context.commands.clock.now();
      return isPayable ? paymentMethodsOf(context.commands, order) : [];
    },
  }),
);
