import { factStatuses, latePaymentDecisions, refundFactStatuses, resolveReview } from '../commands/resolve-review.ts';
import { ForbiddenError, InvalidInputError, NotFoundError } from '../domain/errors.ts';
import { builder } from './builder.ts';
import { described, ReviewReason } from './enums.ts';
import { runAndRead } from './run-and-read.ts';

const LatePaymentDecision = builder.enumType('LatePaymentDecision', {
  description: 'What becomes of money that came after its order was closed.',
  values: described(latePaymentDecisions, {
    ACCEPT: 'It pays the order, which is confirmed.',
    REFUND: 'It goes back to the buyer; an authorization is given back.',
  }),
});

const PaymentFactStatus = builder.enumType('PaymentFactStatus', {
  description: 'What an operator can have read of a payment in the provider’s console.',
  values: described(factStatuses, {
    AUTHORIZED: 'The amount is held.',
    SUCCEEDED: 'The money was taken.',
    CANCELED: 'It was closed without money.',
    EXPIRED: 'Its time ran out without money.',
    FAILED: 'It was refused for good.',
  }),
});

const RefundFactStatus = builder.enumType('RefundFactStatus', {
  description: 'What an operator can have read of a refund in the provider’s console.',
  values: described(refundFactStatuses, { SUCCEEDED: 'The money went back.', FAILED: 'The money did not go back.' }),
});

const PaymentFactInput = builder.inputType('PaymentFactInput', {
  description: 'What an operator knows of a payment. It counts as the provider’s word does, with evidence OPERATOR.',
  fields: (t) => ({
    paymentId: t.id({ required: true, description: 'A payment of the order.' }),
    status: t.field({ type: PaymentFactStatus, required: true, description: 'Where it is at the provider.' }),
    capturedMinor: t.field({ type: 'MinorUnits', description: 'With SUCCEEDED, when it is not the whole amount.' }),
    providerPaymentId: t.string({
      description: 'The provider’s number of it. Required with SUCCEEDED and AUTHORIZED where we have none.',
    }),
  }),
});

const RefundFactInput = builder.inputType('RefundFactInput', {
  description: 'What an operator knows of a refund.',
  fields: (t) => ({
    refundId: t.id({ required: true, description: 'A refund of the order.' }),
    status: t.field({ type: RefundFactStatus, required: true, description: 'Where it is at the provider.' }),
  }),
});

const ResolveReviewInput = builder.inputType('ResolveReviewInput', {
  description: 'What a person found out and decided about an order that needed one.',
  fields: (t) => ({
    orderId: t.id({ required: true, description: 'The order.' }),
    reasons: t.field({ type: [ReviewReason], required: true, description: 'Those of `needsReview` that are settled.' }),
    resolvedBy: t.string({ required: true, description: 'Who decided, 1 to 255 characters. Kept in the log.' }),
    note: t.string({ required: true, description: 'Why, 1 to 500 characters. Kept in the log.' }),
    latePayment: t.field({
      type: LatePaymentDecision,
      description:
        'With LATE_PAYMENT: required when the merchant’s policy left money waiting, and refused when none waits.',
    }),
    payments: t.field({ type: [PaymentFactInput], description: 'At most 20.' }),
    refunds: t.field({ type: [RefundFactInput], description: 'At most 20.' }),
  }),
});

builder.mutationField('resolveReview', (t) =>
  t.prismaField({
    type: 'Order',
    nullable: true,
    description:
      'For operators: states facts, decides what waits, and takes reasons off `needsReview`. Who and why are kept in the log, as ' +
      'ORDER_REVIEW_RESOLVED. What is still unknown is asked again from now on. Repeating it is no error.',
    args: { input: t.arg({ type: ResolveReviewInput, required: true, description: 'Which order, and what is so.' }) },
    errors: {
      types: [InvalidInputError, NotFoundError, ForbiddenError],
      union: { name: 'ResolveReviewResult', description: 'The order, or why nothing was resolved.' },
    },
    resolve: (query, _root, { input }, context) =>
      runAndRead(
        context,
        (commands, actor) => resolveReview(commands, actor, input),
        (prisma, where) => prisma.order.findUniqueOrThrow({ ...query, where }),
      ),
  }),
);
