import { approveRefund } from '../commands/approve-refund.ts';
import { rejectRefund } from '../commands/reject-refund.ts';
import { requestRefund } from '../commands/request-refund.ts';
import {
  ForbiddenError,
  IdempotencyKeyReusedError,
  InvalidInputError,
  NotFoundError,
  ProviderUnavailableError,
  RefundExceedsPaymentError,
  RefundNotApprovableError,
} from '../domain/errors.ts';
import { ActorType, shownActor } from './actor.ts';
import { builder } from './builder.ts';
import { RefundApproval, RefundOrigin, RefundStatus } from './enums.ts';
import { Evidence, evidenceOf } from './evidence.ts';
import { PaymentFailureType } from './failure.ts';
import { MoneyType } from './money.ts';
import { Node } from './node.ts';
import { loadOrder, loadPayment, loadRefund } from './order-loaders.ts';
import { Order, Payment, Refund } from './order-types.ts';
import { runAndAnswer } from './run-and-read.ts';

Refund.implement({
  description:
    'A refund of a payment, full or partial. Its id is also the refund’s number at Alipay (`out_request_no`) and WeChat Pay (`out_refund_no`).',
  interfaces: [Node],
  fields: (t) => ({
    order: t.field({
      type: Order,
      description: 'The order of the payment.',
      resolve: ({ order, orderId }, _args, context, info) => order ?? loadOrder(context, orderId, info),
    }),
    payment: t.field({
      type: Payment,
      description: 'The payment that is refunded.',
      resolve: ({ payment, paymentId }, _args, context) => payment ?? loadPayment(context, paymentId),
    }),
    amount: t.field({ type: MoneyType, description: 'The amount of the refund.', resolve: (refund) => refund }),
    status: t.expose('status', { type: RefundStatus, description: 'The state of the refund.' }),
    origin: t.expose('origin', { type: RefundOrigin, description: 'Who started the refund.' }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'The reason given with `requestRefund`; null when none was given.',
    }),
    approval: t.expose('approval', {
      type: RefundApproval,
      nullable: true,
      description: 'Whether another person must approve the refund; null when no approval is needed.',
    }),
    requestedBy: t.field({
      type: ActorType,
      nullable: true,
      description: 'The caller of `requestRefund`; null for a refund of another origin, or of an earlier version.',
      resolve: ({ requestedByKind, requestedById }, _args, context) =>
        shownActor(context, requestedByKind, requestedById),
    }),
    decidedBy: t.field({
      type: ActorType,
      nullable: true,
      description: 'Who approved or rejected the refund; null when nobody has, or no approval is needed.',
      resolve: ({ decidedByKind, decidedById }, _args, context) => shownActor(context, decidedByKind, decidedById),
    }),
    failure: t.field({
      type: PaymentFailureType,
      nullable: true,
      description: 'Why the refund failed or is stuck; null otherwise.',
      resolve: (refund) => (refund.failureReason === null ? null : refund),
    }),
    providerRefundId: t.exposeString('providerRefundId', {
      nullable: true,
      description: 'The provider’s number of the refund, as its console shows it; null until the provider reports it.',
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
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'The time when the refund was recorded.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'The time of the last change.' }),
    succeededAt: t.expose('succeededAt', {
      type: 'DateTime',
      nullable: true,
      description: 'The time when the refund succeeded; null until then.',
    }),
  }),
});

const RequestRefundInput = builder.inputType('RequestRefundInput', {
  description: 'The payment to refund, and the amount.',
  fields: (t) => ({
    idempotencyKey: t.string({
      required: true,
      description:
        'A unique key of this intent, 1 to 255 characters. Repeated calls with the same key and input refund once; different input returns IDEMPOTENCY_KEY_REUSED.',
    }),
    paymentId: t.id({ required: true, description: 'The payment to refund.' }),
    amountMinor: t.field({
      type: 'MinorUnits',
      required: true,
      description:
        'The amount to refund in minor units, at least 1. There is no default, so that an omitted field never refunds everything.',
    }),
    reason: t.string({ description: 'A reason, at most 80 characters.' }),
  }),
});

builder.mutationField('requestRefund', (t) =>
  t.field({
    type: Refund,
    nullable: true,
    description:
      'Refunds a payment, fully or in part. A payment can be refunded several times, up to its `refundable` amount. A refund with status ' +
      'PENDING or UNKNOWN is not a failure: follow the order’s events. After FAILED the amount can be refunded again, with a new key. When the ' +
      'refunds of an order that operators requested and nobody approved exceed the merchant’s limit, the refund waits with `approval` ' +
      'NEEDED, and its amount is reserved.',
    args: {
      input: t.arg({ type: RequestRefundInput, required: true, description: 'The payment to refund, and the amount.' }),
    },
    errors: {
      types: [
        ...[InvalidInputError, NotFoundError, IdempotencyKeyReusedError, RefundExceedsPaymentError],
        ...[ProviderUnavailableError, ForbiddenError],
      ],
      union: { name: 'RequestRefundResult', description: 'The refund, or an error.' },
    },
    resolve: (_root, { input }, context) =>
      runAndAnswer(
        context,
        (commands, actor) => requestRefund(commands, actor, input),
        ({ refunds }) => refunds,
        (id) => loadRefund(context, id),
      ),
  }),
);

builder.mutationField('approveRefund', (t) =>
  t.field({
    type: Refund,
    nullable: true,
    description:
      'Approves a refund that waits for another person, and submits it to the provider. FORBIDDEN for the person who requested it. Can be ' +
      'repeated safely.',
    args: { refundId: t.arg.id({ required: true, description: 'The refund with `approval` NEEDED.' }) },
    errors: {
      types: [NotFoundError, RefundNotApprovableError, ForbiddenError],
      union: { name: 'ApproveRefundResult', description: 'The refund, or an error.' },
    },
    resolve: (_root, { refundId }, context) =>
      runAndAnswer(
        context,
        (commands, actor) => approveRefund(commands, actor, refundId),
        ({ refunds }) => refunds,
        (id) => loadRefund(context, id),
      ),
  }),
);

const RejectRefundInput = builder.inputType('RejectRefundInput', {
  description: 'The refund to reject, and why.',
  fields: (t) => ({
    refundId: t.id({ required: true, description: 'The refund with `approval` NEEDED.' }),
    reason: t.string({
      description: 'The reason, at most 255 characters. It becomes the message of the refund’s `failure`.',
    }),
  }),
});

builder.mutationField('rejectRefund', (t) =>
  t.field({
    type: Refund,
    nullable: true,
    description:
      'Rejects a refund that waits for approval, or withdraws it: it becomes FAILED, and its amount can be refunded again. Can be repeated ' +
      'safely.',
    args: { input: t.arg({ type: RejectRefundInput, required: true, description: 'The refund to reject, and why.' }) },
    errors: {
      types: [InvalidInputError, NotFoundError, RefundNotApprovableError, ForbiddenError],
      union: { name: 'RejectRefundResult', description: 'The refund, or an error.' },
    },
    resolve: (_root, { input }, context) =>
      runAndAnswer(
        context,
        (commands, actor) => rejectRefund(commands, actor, input),
        ({ refunds }) => refunds,
        (id) => loadRefund(context, id),
      ),
  }),
);
