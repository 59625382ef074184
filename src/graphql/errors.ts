import {
  DeliveryNotReplayableError,
  type DomainError,
  ForbiddenError,
  IdempotencyKeyReusedError,
  type InputIssue,
  InvalidInputError,
  MethodNotAvailableError,
  NotFoundError,
  OrderNotCancelableError,
  OrderNotPayableError,
  PaymentInProgressError,
  PaymentNotCancelableError,
  PaymentNotCapturableError,
  ProviderRejectedError,
  ProviderUnavailableError,
  RateLimitedError,
  RefundExceedsPaymentError,
  RefundNotApprovableError,
} from '../domain/errors.ts';
import { builder } from './builder.ts';
import { ErrorCode } from './enums.ts';
import { MoneyType } from './money.ts';
import { loadOrder, loadPayment, loadRefund } from './order-loaders.ts';
import { Order, Payment, Refund } from './order-types.ts';
import { PaymentMethodOption } from './payment-method.ts';

const ErrorInterface = builder.interfaceRef<DomainError>('Error').implement({
  description:
    'An expected failure of a mutation. Expected failures are typed union members: select `... on Error { code message }` to handle all of them.',
  fields: (t) => ({
    code: t.expose('code', { type: ErrorCode, description: 'The machine-readable reason.' }),
    message: t.exposeString('message', {
      description: 'A text for developers and operators. Contains no secrets or internals. The wording may change.',
    }),
  }),
});

const InputIssueType = builder.objectRef<InputIssue>('InputIssue').implement({
  description: 'One invalid field of an input.',
  fields: (t) => ({
    path: t.exposeString('path', {
      description: 'The path of the field within the input object, such as `lines.0.quantity`.',
    }),
    message: t.exposeString('message', { description: 'The error in the field.' }),
  }),
});

builder.objectType(InvalidInputError, {
  name: 'InvalidInputError',
  description: 'Fields of the input are invalid. Nothing was changed.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    issues: t.field({
      type: [InputIssueType],
      description: 'The invalid fields.',
      resolve: ({ issues }) => [...issues],
    }),
  }),
});

builder.objectType(NotFoundError, {
  name: 'NotFoundError',
  description: 'The object does not exist, or belongs to another merchant.',
  interfaces: [ErrorInterface],
});

builder.objectType(ForbiddenError, {
  name: 'ForbiddenError',
  description: 'The caller’s role may not do this. Nothing was changed.',
  interfaces: [ErrorInterface],
});

builder.objectType(IdempotencyKeyReusedError, {
  name: 'IdempotencyKeyReusedError',
  description:
    'The `idempotencyKey` was used before with different input. Nothing was changed. Use a new key for a new intent.',
  interfaces: [ErrorInterface],
});

/** Defines an error type with an `order` field. */
function orderErrorType(
  errorClass: typeof OrderNotPayableError | typeof OrderNotCancelableError,
  description: string,
): void {
  builder.objectType(errorClass as typeof OrderNotPayableError, {
    name: errorClass.name,
    description,
    interfaces: [ErrorInterface],
    fields: (t) => ({
      order: t.field({
        type: Order,
        description: 'The order in its current state.',
        resolve: ({ orderId }, _args, context, info) => loadOrder(context, orderId, info),
      }),
    }),
  });
}

orderErrorType(
  OrderNotPayableError,
  'The order is paid, canceled, closing or expired, or has reached its limit of 50 payments.',
);
orderErrorType(
  OrderNotCancelableError,
  'The order is paid or expired, or a capture of its payment is in progress. Refund a paid order instead.',
);

type PaymentErrorClass =
  | typeof PaymentInProgressError
  | typeof PaymentNotCapturableError
  | typeof PaymentNotCancelableError
  | typeof ProviderRejectedError;

/** Defines an error type with a `payment` field. */
function paymentErrorType(errorClass: PaymentErrorClass, description: string): void {
  builder.objectType(errorClass as typeof PaymentInProgressError, {
    name: errorClass.name,
    description,
    interfaces: [ErrorInterface],
    fields: (t) => ({
      payment: t.field({
        type: Payment,
        description: 'The payment in its current state.',
        resolve: ({ paymentId }, _args, context) => loadPayment(context, paymentId),
      }),
    }),
  });
}

paymentErrorType(
  PaymentInProgressError,
  'Another payment of the order may still succeed. Show `payment` to the buyer, wait for it, or cancel it with `cancelPayment`.',
);
paymentErrorType(PaymentNotCapturableError, 'The payment is not authorized, or was captured already.');
paymentErrorType(
  PaymentNotCancelableError,
  'The payment has succeeded, failed or expired, or a provider call for it is in progress.',
);
paymentErrorType(
  ProviderRejectedError,
  'The provider refused the request. From `payOrder`: the payment is FAILED; start another one. From `capturePayment`: see the payment’s `status` and `failure`.',
);

builder.objectType(RefundExceedsPaymentError, {
  name: 'RefundExceedsPaymentError',
  description: 'The amount is larger than the refundable amount of the payment. Nothing was changed.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    refundable: t.field({
      type: MoneyType,
      description: 'The amount that can still be refunded; zero when nothing was captured.',
      resolve: ({ refundableMinor: amountMinor, currency }) => ({ amountMinor, currency }),
    }),
  }),
});

builder.objectType(RefundNotApprovableError, {
  name: 'RefundNotApprovableError',
  description: 'The refund does not wait for approval: it needs none, or was decided before. Nothing was changed.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    refund: t.field({
      type: Refund,
      description: 'The refund in its current state.',
      resolve: ({ refundId }, _args, context) => loadRefund(context, refundId),
    }),
  }),
});

builder.objectType(DeliveryNotReplayableError, {
  name: 'DeliveryNotReplayableError',
  description: 'The body of the delivery is no longer kept. Nothing was changed.',
  interfaces: [ErrorInterface],
});

builder.objectType(MethodNotAvailableError, {
  name: 'MethodNotAvailableError',
  description: 'The method or flow is not available for this order.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    available: t.field({
      type: [PaymentMethodOption],
      description: 'The methods and flows that are available.',
      resolve: ({ available }) => [...available],
    }),
  }),
});

builder.objectType(ProviderUnavailableError, {
  name: 'ProviderUnavailableError',
  description:
    'The provider could not be reached, or its account is not configured. Repeat the mutation with the same key after `retryAfterMs`. From `refreshPayment`: the status is unchanged, and the provider is queried again automatically.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    retryAfterMs: t.exposeInt('retryAfterMs', {
      description: 'How long to wait before the next try, in milliseconds.',
    }),
  }),
});

builder.objectType(RateLimitedError, {
  name: 'RateLimitedError',
  description:
    'Too many card payments of this customer, order or address have failed. The provider was not called. Other payment methods are not limited.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    retryAfterMs: t.exposeInt('retryAfterMs', {
      description: 'How long to wait before the next try, in milliseconds.',
    }),
  }),
});
