import { requestRefund } from '../commands/request-refund.ts';
import {
  ForbiddenError,
  IdempotencyKeyReusedError,
  InvalidInputError,
  NotFoundError,
  ProviderUnavailableError,
  RefundExceedsPaymentError,
} from '../domain/errors.ts';
import { builder } from './builder.ts';
import { RefundOrigin, RefundStatus } from './enums.ts';
import { Evidence, evidenceOf } from './evidence.ts';
import { PaymentFailureType } from './failure.ts';
import { MoneyType } from './money.ts';
import { Node } from './node.ts';
import { runAndRead } from './run-and-read.ts';

export const Refund = builder.prismaObject('Refund', {
  description: 'Money on its way back to the buyer for one payment.',
  interfaces: [Node],
  fields: (t) => ({
    order: t.relation('order', { description: 'The order that was paid.' }),
    payment: t.relation('payment', { description: 'The payment whose money goes back.' }),
    amount: t.field({ type: MoneyType, description: 'How much goes back.', resolve: (refund) => refund }),
    status: t.expose('status', { type: RefundStatus, description: 'Where it is.' }),
    origin: t.expose('origin', { type: RefundOrigin, description: 'Who sent it back.' }),
    reason: t.exposeString('reason', { nullable: true, description: 'As it was requested.' }),
    failure: t.field({
      type: PaymentFailureType,
      nullable: true,
      description: 'Why it failed; null while it has not.',
      resolve: (refund) => (refund.failureReason === null ? null : refund),
    }),
    providerRefundId: t.exposeString('providerRefundId', {
      nullable: true,
      description: 'The provider’s own number of it, as its console shows it. Merchants only.',
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
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was recorded.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
    succeededAt: t.expose('succeededAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the money went back.',
    }),
  }),
});

const RequestRefundInput = builder.inputType('RequestRefundInput', {
  description: 'How much of which payment goes back.',
  fields: (t) => ({
    idempotencyKey: t.string({
      required: true,
      description: '1 to 255 characters. The same key with the same input refunds once.',
    }),
    paymentId: t.id({ required: true, description: 'The payment whose money goes back.' }),
    amountMinor: t.field({
      type: 'MinorUnits',
      required: true,
      description: 'Required, so that nobody refunds everything by leaving something out. At least 1.',
    }),
    reason: t.string({ description: 'At most 80 characters.' }),
  }),
});

builder.mutationField('requestRefund', (t) =>
  t.prismaField({
    type: 'Refund',
    nullable: true,
    description:
      'Sends money of a payment back: all of it, or a part, as often as something is left. A refund that comes back PENDING or UNKNOWN ' +
      'is no failure: the provider is at work, or is being asked; follow it. FAILED frees the amount again.',
    args: { input: t.arg({ type: RequestRefundInput, required: true, description: 'How much of which payment.' }) },
    errors: {
      types: [
        ...[InvalidInputError, NotFoundError, IdempotencyKeyReusedError, RefundExceedsPaymentError],
        ...[ProviderUnavailableError, ForbiddenError],
      ],
      union: { name: 'RequestRefundResult', description: 'The refund, or why there is none.' },
    },
    resolve: (query, _root, { input }, context) =>
      runAndRead(
        context,
        (commands, actor) => requestRefund(commands, actor, input),
        (prisma, where) => prisma.refund.findUniqueOrThrow({ ...query, where }),
      ),
  }),
);
