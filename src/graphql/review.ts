import { factStatuses, latePaymentDecisions, refundFactStatuses, resolveReview } from '../commands/resolve-review.ts';
import { ForbiddenError, InvalidInputError, NotFoundError } from '../domain/errors.ts';
import { builder } from './builder.ts';
import { described, ReviewReason } from './enums.ts';
import { loadOrder } from './order-loaders.ts';
import { Order } from './order-types.ts';
import { runAndAnswer } from './run-and-read.ts';

const LatePaymentDecision = builder.enumType('LatePaymentDecision', {
  description: 'How to handle money that arrived after its order was canceled or had expired.',
  values: described(latePaymentDecisions, {
    ACCEPT: 'Apply it: the order becomes CONFIRMED.',
    REFUND: 'Refund it to the buyer; void an authorization.',
  }),
});

const PaymentFactStatus = builder.enumType('PaymentFactStatus', {
  description: 'The state of a payment that an operator read in the provider’s console.',
  values: described(factStatuses, {
    AUTHORIZED: 'The amount is authorized and not captured.',
    SUCCEEDED: 'The money was captured.',
    CANCELED: 'Canceled; nothing was captured.',
    EXPIRED: 'Expired; nothing was captured.',
    FAILED: 'Refused; nothing was captured.',
  }),
});

const RefundFactStatus = builder.enumType('RefundFactStatus', {
  description: 'The state of a refund that an operator read in the provider’s console.',
  values: described(refundFactStatuses, {
    SUCCEEDED: 'The money was returned to the buyer.',
    FAILED: 'The money was not returned.',
  }),
});

const PaymentFactInput = builder.inputType('PaymentFactInput', {
  description:
    'A fact about a payment that an operator verified at the provider. It is applied like a report of the provider, with the evidence source OPERATOR.',
  fields: (t) => ({
    paymentId: t.id({ required: true, description: 'The id of a payment of the order.' }),
    status: t.field({ type: PaymentFactStatus, required: true, description: 'The state at the provider.' }),
    capturedMinor: t.field({
      type: 'MinorUnits',
      description: 'The captured amount in minor units, for SUCCEEDED. Default: the full amount of the payment.',
    }),
    providerPaymentId: t.string({
      description:
        'The provider’s number of the payment. Required for SUCCEEDED and AUTHORIZED when `Payment.providerPaymentId` is null.',
    }),
  }),
});

const RefundFactInput = builder.inputType('RefundFactInput', {
  description: 'A fact about a refund that an operator verified at the provider.',
  fields: (t) => ({
    refundId: t.id({ required: true, description: 'The id of a refund of the order.' }),
    status: t.field({ type: RefundFactStatus, required: true, description: 'The state at the provider.' }),
  }),
});

const ResolveReviewInput = builder.inputType('ResolveReviewInput', {
  description: 'The facts and decisions of an operator about an order in review.',
  fields: (t) => ({
    orderId: t.id({ required: true, description: 'The order in review.' }),
    reasons: t.field({
      type: [ReviewReason],
      required: true,
      description: 'The reasons in `needsReview` that are settled, at least one.',
    }),
    resolvedBy: t.string({
      deprecationReason: 'Ignored: the token says who decides.',
      description: 'Ignored. The event records the caller as its `actor`.',
    }),
    note: t.string({ required: true, description: 'The justification, 1 to 500 characters. Stored in the event log.' }),
    latePayment: t.field({
      type: LatePaymentDecision,
      description:
        'The decision for LATE_PAYMENT. Required when the merchant’s policy holds late money for review; an error when no money is held.',
    }),
    payments: t.field({ type: [PaymentFactInput], description: 'Facts about payments, at most 20.' }),
    refunds: t.field({ type: [RefundFactInput], description: 'Facts about refunds, at most 20.' }),
  }),
});

builder.mutationField('resolveReview', (t) =>
  t.field({
    type: Order,
    nullable: true,
    description:
      'Settles reviews of an order: applies the given facts and the decision, and removes `reasons` from `needsReview`. The event ' +
      'ORDER_REVIEW_RESOLVED records the caller and `note`. Outcomes that are still unknown are queried again from now on. Can be ' +
      'repeated safely.',
    args: {
      input: t.arg({ type: ResolveReviewInput, required: true, description: 'The order, the facts and the decision.' }),
    },
    errors: {
      types: [InvalidInputError, NotFoundError, ForbiddenError],
      union: { name: 'ResolveReviewResult', description: 'The order, or an error.' },
    },
    resolve: (_root, { input }, context, info) =>
      runAndAnswer(
        context,
        (commands, actor) => resolveReview(commands, actor, input),
        (order) => [order],
        (id) => loadOrder(context, id, info),
      ),
  }),
);
