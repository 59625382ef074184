import {
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
  RefundExceedsPaymentError,
} from '../domain/errors.ts';
import { builder } from './builder.ts';
import { actorOf } from './context.ts';
import { ErrorCode } from './enums.ts';
import { MoneyType } from './money.ts';
import { PaymentMethodOption } from './payment-method.ts';

const ErrorInterface = builder.interfaceRef<DomainError>('Error').implement({
  description:
    'What a mutation answers when it could not do what was asked. Select `... on Error { code message }` and every case is covered.',
  fields: (t) => ({
    code: t.expose('code', { type: ErrorCode, description: 'For programs.' }),
    message: t.exposeString('message', { description: 'For people. Never holds internals; wording may change.' }),
  }),
});

const InputIssueType = builder.objectRef<InputIssue>('InputIssue').implement({
  description: 'One thing wrong with an input.',
  fields: (t) => ({
    path: t.exposeString('path', { description: 'The field, from the input object on: `lines.0.quantity`.' }),
    message: t.exposeString('message', { description: 'What is wrong with it.' }),
  }),
});

builder.objectType(InvalidInputError, {
  name: 'InvalidInputError',
  description: 'Fields of the input are wrong. Nothing was done.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    issues: t.field({ type: [InputIssueType], description: 'Each of them.', resolve: ({ issues }) => [...issues] }),
  }),
});

builder.objectType(NotFoundError, {
  name: 'NotFoundError',
  description: 'There is no such thing, or not for the caller.',
  interfaces: [ErrorInterface],
});

builder.objectType(ForbiddenError, {
  name: 'ForbiddenError',
  description: 'The caller may not do this, or nobody may yet. Nothing was done.',
  interfaces: [ErrorInterface],
});

builder.objectType(IdempotencyKeyReusedError, {
  name: 'IdempotencyKeyReusedError',
  description: 'The key was used with other input. Nothing was done.',
  interfaces: [ErrorInterface],
});

/** Errors that show the order that they are about. */
function orderErrorType(
  errorClass: typeof OrderNotPayableError | typeof OrderNotCancelableError,
  description: string,
): void {
  builder.objectType(errorClass as typeof OrderNotPayableError, {
    name: errorClass.name,
    description,
    interfaces: [ErrorInterface],
    fields: (t) => ({
      order: t.prismaField({
        type: 'Order',
        description: 'As it is now.',
        resolve: (query, { orderId }, _args, context) =>
          context.commands.db.prisma.order.findUniqueOrThrow({
            ...query,
            where: { id: orderId, merchantId: actorOf(context).merchantId },
          }),
      }),
    }),
  });
}

orderErrorType(OrderNotPayableError, 'The order is paid, closed or out of time.');
orderErrorType(OrderNotCancelableError, 'The order is paid, or has expired.');

type PaymentErrorClass =
  | typeof PaymentInProgressError
  | typeof PaymentNotCapturableError
  | typeof PaymentNotCancelableError
  | typeof ProviderRejectedError;

/** Errors that show the payment that they are about. */
function paymentErrorType(errorClass: PaymentErrorClass, description: string): void {
  builder.objectType(errorClass as typeof PaymentInProgressError, {
    name: errorClass.name,
    description,
    interfaces: [ErrorInterface],
    fields: (t) => ({
      payment: t.prismaField({
        type: 'Payment',
        description: 'As it is now.',
        resolve: (query, { paymentId }, _args, context) =>
          context.commands.db.prisma.payment.findUniqueOrThrow({
            ...query,
            where: { id: paymentId, merchantId: actorOf(context).merchantId },
          }),
      }),
    }),
  });
}

paymentErrorType(
  PaymentInProgressError,
  'Another payment of the order may still succeed. Finish it, or cancel it first.',
);
paymentErrorType(PaymentNotCapturableError, 'There is nothing to capture.');
paymentErrorType(PaymentNotCancelableError, 'The payment is past canceling.');
paymentErrorType(ProviderRejectedError, 'The provider refused, for good: the payment is FAILED.');

builder.objectType(RefundExceedsPaymentError, {
  name: 'RefundExceedsPaymentError',
  description: 'More than what is left of the payment, or a payment that has taken no money yet.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    refundable: t.field({
      type: MoneyType,
      description: 'What is left.',
      resolve: ({ refundableMinor: amountMinor, currency }) => ({ amountMinor, currency }),
    }),
  }),
});

builder.objectType(MethodNotAvailableError, {
  name: 'MethodNotAvailableError',
  description: 'The order cannot be paid in this way.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    available: t.field({
      type: [PaymentMethodOption],
      description: 'How it can be paid.',
      resolve: ({ available }) => [...available],
    }),
  }),
});

builder.objectType(ProviderUnavailableError, {
  name: 'ProviderUnavailableError',
  description: 'Nothing was sent, or nothing happened: safe to repeat with the same key.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    retryAfterMs: t.exposeInt('retryAfterMs', { description: 'When repeating makes sense, in milliseconds from now.' }),
  }),
});
