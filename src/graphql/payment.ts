import { cancelPayment } from '../commands/cancel-payment.ts';
import { capturePayment } from '../commands/capture-payment.ts';
import { paymentMethodsOf, payOrder } from '../commands/pay-order.ts';
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
} from '../domain/errors.ts';
import { isId } from '../domain/ids.ts';
import { refundableMinor } from '../domain/payment.ts';
import { builder } from './builder.ts';
import { actorOf, badUserInput } from './context.ts';
import { PaymentFlow, PaymentMethod, PaymentStatus } from './enums.ts';
import { Evidence, evidenceOf } from './evidence.ts';
import { PaymentFailureType } from './failure.ts';
import { MoneyType } from './money.ts';
import { NextAction, nextActionOf } from './next-action.ts';
import { Node } from './node.ts';
import { PaymentMethodOption } from './payment-method.ts';
import { runAndRead } from './run-and-read.ts';

export const Payment = builder.prismaObject('Payment', {
  description:
    'One attempt to pay an order. Its id is also the merchant’s number at the provider: out_trade_no, or Stripe’s idempotency key ' +
    'and metadata.',
  interfaces: [Node],
  fields: (t) => ({
    order: t.relation('order', { description: 'What it pays.' }),
    method: t.expose('method', { type: PaymentMethod, description: 'What the buyer pays with.' }),
    flow: t.expose('flow', { type: PaymentFlow, description: 'How the buyer is led to pay.' }),
    status: t.expose('status', { type: PaymentStatus, description: 'Where it is.' }),
    amount: t.field({
      type: MoneyType,
      description: 'What it is for: the order’s total.',
      resolve: (payment) => payment,
    }),
    captured: t.field({
      type: MoneyType,
      description: 'What the provider took from the buyer.',
      resolve: ({ capturedMinor, currency }) => ({ amountMinor: capturedMinor, currency }),
    }),
    captureRequested: t.field({
      type: MoneyType,
      nullable: true,
      description:
        'What `capturePayment` has asked for and the provider has not confirmed yet; null when nothing is under way.',
      resolve: ({ captureMinor, currency }) => (captureMinor === null ? null : { amountMinor: captureMinor, currency }),
    }),
    refunded: t.field({
      type: MoneyType,
      description: 'What went back.',
      resolve: ({ refundedMinor, currency }) => ({ amountMinor: refundedMinor, currency }),
    }),
    refundable: t.field({
      type: MoneyType,
      description: 'What may still be refunded: captured, neither refunded nor on its way.',
      resolve: (payment) => ({ amountMinor: refundableMinor(payment), currency: payment.currency }),
    }),
    nextAction: t.field({
      type: NextAction,
      nullable: true,
      description:
        'How the buyer acts. Null unless status is ACTION_REQUIRED, and for readers who may not pay the order.',
      resolve: nextActionOf,
    }),
    failure: t.field({
      type: PaymentFailureType,
      nullable: true,
      description: 'Why it failed, or why the buyer’s last attempt did while another one may succeed.',
      resolve: (payment) => (payment.failureReason === null ? null : payment),
    }),
    providerPaymentId: t.exposeString('providerPaymentId', {
      nullable: true,
      description: 'Alipay’s trade_no, WeChat Pay’s transaction_id, Stripe’s PaymentIntent id. Merchants only.',
    }),
    evidence: t.field({
      type: Evidence,
      nullable: true,
      description: 'How we know the status; null before the provider has said anything.',
      resolve: evidenceOf,
    }),
    nextCheckAt: t.expose('checkAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the provider will be asked next; null when there is nothing left to ask.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was started.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
    succeededAt: t.expose('succeededAt', { type: 'DateTime', nullable: true, description: 'When the buyer paid.' }),
  }),
});

const PayOrderInput = builder.inputType('PayOrderInput', {
  description: 'Which order is to be paid, and how.',
  fields: (t) => ({
    idempotencyKey: t.string({
      required: true,
      description:
        '1 to 255 characters; one for each time the buyer decides to pay. The same key with the same input returns the payment as ' +
        'it is now; with other input, IDEMPOTENCY_KEY_REUSED.',
    }),
    orderId: t.id({ required: true, description: 'The order to pay.' }),
    method: t.field({ type: PaymentMethod, required: true, description: 'One of `paymentMethods`.' }),
    flow: t.field({ type: PaymentFlow, description: 'Left out: the method’s first flow in `paymentMethods`.' }),
    returnUrl: t.string({
      description:
        'Where the provider sends the buyer afterwards. http or https, of an origin that the merchant allows; at most 2048 ' +
        'characters. Required with REDIRECT, and with Alipay’s MOBILE_WEB. Which flow needs what: `paymentMethods { needs { flow fields } }`.',
    }),
    openId: t.string({
      description: 'The payer’s openid in the merchant’s official account or mini program. Required with IN_APP.',
    }),
    buyerIp: t.string({
      description: 'The buyer’s address as the merchant saw it, IPv4 or IPv6. Required with WeChat Pay’s MOBILE_WEB.',
    }),
  }),
});

builder.mutationField('payOrder', (t) =>
  t.prismaField({
    type: 'Payment',
    nullable: true,
    description:
      'Starts a payment of the whole order. A payment that only waits for its buyer is closed first, so that two can never both be ' +
      'paid. A payment that comes back UNKNOWN is no failure: the provider is being asked, follow it. A repetition while the ' +
      'first call is still under way comes back SUBMITTING: follow it, `nextAction` comes with PAYMENT_ACTION_REQUIRED.',
    args: { input: t.arg({ type: PayOrderInput, required: true, description: 'Which order, and how.' }) },
    errors: {
      types: [
        ...[InvalidInputError, NotFoundError, IdempotencyKeyReusedError, OrderNotPayableError, PaymentInProgressError],
        ...[MethodNotAvailableError, ProviderRejectedError, ProviderUnavailableError],
      ],
      union: { name: 'PayOrderResult', description: 'The payment, or why there is none.' },
    },
    resolve: (query, _root, { input }, context) =>
      runAndRead(
        context,
        (commands, actor) => payOrder(commands, actor, input),
        (prisma, where) => prisma.payment.findUniqueOrThrow({ ...query, where }),
      ),
  }),
);

const CapturePaymentInput = builder.inputType('CapturePaymentInput', {
  description: 'How much of which authorization is taken.',
  fields: (t) => ({
    idempotencyKey: t.string({
      required: true,
      description: '1 to 255 characters. The same key with the same input captures once.',
    }),
    paymentId: t.id({ required: true, description: 'The authorized payment.' }),
    amountMinor: t.field({
      type: 'MinorUnits',
      description: 'Left out: all that was authorized. The rest is released.',
    }),
  }),
});

builder.mutationField('capturePayment', (t) =>
  t.prismaField({
    type: 'Payment',
    nullable: true,
    description:
      'Takes the money of an authorized payment, all of it or a part; the rest is released. A payment that comes back AUTHORIZED with ' +
      '`captureRequested` is no failure: the provider did not say whether it was captured, and is being asked; follow it.',
    args: { input: t.arg({ type: CapturePaymentInput, required: true, description: 'How much of which payment.' }) },
    errors: {
      types: [
        ...[InvalidInputError, NotFoundError, IdempotencyKeyReusedError, PaymentNotCapturableError],
        ...[ProviderRejectedError, ProviderUnavailableError, ForbiddenError],
      ],
      union: { name: 'CapturePaymentResult', description: 'The payment, or why nothing was captured.' },
    },
    resolve: (query, _root, { input }, context) =>
      runAndRead(
        context,
        (commands, actor) => capturePayment(commands, actor, input),
        (prisma, where) => prisma.payment.findUniqueOrThrow({ ...query, where }),
      ),
  }),
);

const CancelPaymentInput = builder.inputType('CancelPaymentInput', {
  description: 'Which payment is to be closed.',
  fields: (t) => ({ paymentId: t.id({ required: true, description: 'The payment to void or close.' }) }),
});

builder.mutationField('cancelPayment', (t) =>
  t.prismaField({
    type: 'Payment',
    nullable: true,
    description:
      'Voids an authorization, or closes a payment that the buyer has not made. CANCELING means that the provider has yet to ' +
      'confirm it; should the buyer have been faster, it becomes SUCCEEDED.',
    args: { input: t.arg({ type: CancelPaymentInput, required: true, description: 'Which payment.' }) },
    errors: {
      types: [NotFoundError, PaymentNotCancelableError, ProviderUnavailableError, ForbiddenError],
      union: { name: 'CancelPaymentResult', description: 'The payment, or why it was not closed.' },
    },
    resolve: (query, _root, { input }, context) =>
      runAndRead(
        context,
        (commands, actor) => cancelPayment(commands, actor, input.paymentId),
        (prisma, where) => prisma.payment.findUniqueOrThrow({ ...query, where }),
      ),
  }),
);

builder.mutationField('refreshPayment', (t) =>
  t.prismaField({
    type: 'Payment',
    nullable: true,
    description:
      'Asks the provider now: for the page that a buyer returns to, and for operators. At most once a second per payment; sooner, ' +
      'the payment comes back as it is known.',
    args: { paymentId: t.arg.id({ required: true, description: 'The payment to ask about.' }) },
    errors: {
      types: [NotFoundError, ProviderUnavailableError],
      union: { name: 'RefreshPaymentResult', description: 'The payment, or why the provider was not asked.' },
    },
    resolve: (query, _root, { paymentId }, context) =>
      runAndRead(
        context,
        (commands, actor) => refreshPayment(commands, actor, paymentId),
        (prisma, where) => prisma.payment.findUniqueOrThrow({ ...query, where }),
      ),
  }),
);

builder.queryField('paymentMethods', (t) =>
  t.field({
    type: [PaymentMethodOption],
    nullable: true,
    description:
      'How this order can be paid now, the merchant’s preference first. Empty when it cannot be paid any more.',
    args: { orderId: t.arg.id({ required: true, description: 'The order to be paid.' }) },
    resolve: async (_root, { orderId }, context) => {
      const { merchantId } = actorOf(context);
      if (!isId('order', orderId)) throw badUserInput('orderId', 'is not an order id.');
      const order = await context.commands.db.prisma.order.findUnique({ where: { id: orderId, merchantId } });
      if (order === null) throw badUserInput('orderId', 'There is no such order.');
      const isPayable = order.status === 'OPEN' && order.expiresAt > context.commands.clock.now();
      return isPayable ? paymentMethodsOf(context.commands, order) : [];
    },
  }),
);
