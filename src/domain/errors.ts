import type { PaymentFlow, PaymentMethod } from './payment.ts';

export const errorCodes = [
  ...(['INVALID_INPUT', 'NOT_FOUND', 'FORBIDDEN', 'IDEMPOTENCY_KEY_REUSED', 'ORDER_NOT_PAYABLE'] as const),
  ...(['ORDER_NOT_CANCELABLE', 'PAYMENT_IN_PROGRESS', 'PAYMENT_NOT_CAPTURABLE', 'PAYMENT_NOT_CANCELABLE'] as const),
  ...(['REFUND_EXCEEDS_PAYMENT', 'REFUND_NOT_APPROVABLE', 'METHOD_NOT_AVAILABLE', 'PROVIDER_REJECTED'] as const),
  ...(['PROVIDER_UNAVAILABLE', 'RATE_LIMITED', 'DELIVERY_NOT_REPLAYABLE'] as const),
] as const;
export type ErrorCode = (typeof errorCodes)[number];

/** A failure that the caller can act on. `message` is sent to clients. Details for operators belong in `cause`. */
export abstract class DomainError extends Error {
  abstract readonly code: ErrorCode;
}

/** One problem of an input. `path` is relative to the input object: `lines.0.quantity`. */
export type InputIssue = { readonly path: string; readonly message: string };

export class InvalidInputError extends DomainError {
  readonly code = 'INVALID_INPUT';
  readonly issues: readonly InputIssue[];
  constructor(issues: readonly InputIssue[]) {
    super(issues.map(({ path, message }) => `${path}: ${message}`).join(' '));
    this.issues = issues;
  }
}

export class NotFoundError extends DomainError {
  readonly code = 'NOT_FOUND';
}

export class ForbiddenError extends DomainError {
  readonly code = 'FORBIDDEN';
}

export class IdempotencyKeyReusedError extends DomainError {
  readonly code = 'IDEMPOTENCY_KEY_REUSED';
  constructor() {
    super('This idempotencyKey was already used with different input. Use a new key for a new operation.');
  }
}

export class OrderNotPayableError extends DomainError {
  readonly code = 'ORDER_NOT_PAYABLE';
  readonly orderId: string;
  constructor(orderId: string, why: string) {
    super(`The order cannot be paid: ${why}.`);
    this.orderId = orderId;
  }
}

export class OrderNotCancelableError extends DomainError {
  readonly code = 'ORDER_NOT_CANCELABLE';
  readonly orderId: string;
  constructor(orderId: string, why: string) {
    super(`The order cannot be canceled: ${why}.`);
    this.orderId = orderId;
  }
}

export class PaymentInProgressError extends DomainError {
  readonly code = 'PAYMENT_IN_PROGRESS';
  readonly paymentId: string;
  constructor(paymentId: string) {
    super('Another payment of the order may still succeed. Wait for it, or cancel it before you start a new payment.');
    this.paymentId = paymentId;
  }
}

export class PaymentNotCapturableError extends DomainError {
  readonly code = 'PAYMENT_NOT_CAPTURABLE';
  readonly paymentId: string;
  constructor(paymentId: string, why: string) {
    super(`The payment cannot be captured: ${why}.`);
    this.paymentId = paymentId;
  }
}

export class PaymentNotCancelableError extends DomainError {
  readonly code = 'PAYMENT_NOT_CANCELABLE';
  readonly paymentId: string;
  constructor(paymentId: string, why: string) {
    super(`The payment cannot be canceled: ${why}.`);
    this.paymentId = paymentId;
  }
}

export class RefundExceedsPaymentError extends DomainError {
  readonly code = 'REFUND_EXCEEDS_PAYMENT';
  readonly refundableMinor: bigint;
  readonly currency: string;
  constructor(refundableMinor: bigint, currency: string, isCaptured: boolean) {
    super(
      isCaptured
        ? 'The amount is larger than the refundable amount of the payment.'
        : 'Nothing has been captured from the payment yet, so there is nothing to refund.',
    );
    this.refundableMinor = refundableMinor;
    this.currency = currency;
  }
}

export class RefundNotApprovableError extends DomainError {
  readonly code = 'REFUND_NOT_APPROVABLE';
  readonly refundId: string;
  constructor(refundId: string, why: string) {
    super(`The refund cannot be approved or rejected: ${why}.`);
    this.refundId = refundId;
  }
}

export class DeliveryNotReplayableError extends DomainError {
  readonly code = 'DELIVERY_NOT_REPLAYABLE';
  readonly deliveryId: string;
  constructor(deliveryId: string, why: string) {
    super(`The delivery cannot be replayed: ${why}.`);
    this.deliveryId = deliveryId;
  }
}

/**
 * A method by which an order can be paid. `needs` has one entry for each flow, in the same order, with the additional
 * fields that the input of `payOrder` requires.
 */
export type PaymentMethodOption = {
  readonly method: PaymentMethod;
  readonly flows: readonly PaymentFlow[];
  readonly needs: readonly FlowNeeds[];
};
export type FlowNeeds = { readonly flow: PaymentFlow; readonly fields: readonly string[] };

export class MethodNotAvailableError extends DomainError {
  readonly code = 'METHOD_NOT_AVAILABLE';
  readonly available: readonly PaymentMethodOption[];
  constructor(why: string, available: readonly PaymentMethodOption[]) {
    super(why);
    this.available = available;
  }
}

export class ProviderRejectedError extends DomainError {
  readonly code = 'PROVIDER_REJECTED';
  readonly paymentId: string;
  constructor(
    paymentId: string,
    message = 'The provider refused the payment. The refusal is final. You can start another payment.',
  ) {
    super(message);
    this.paymentId = paymentId;
  }
}

export class RateLimitedError extends DomainError {
  readonly code = 'RATE_LIMITED';
  readonly retryAfterMs: number;
  constructor(retryAfterMs: number, message: string) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

export class ProviderUnavailableError extends DomainError {
  readonly code = 'PROVIDER_UNAVAILABLE';
  readonly retryAfterMs: number;
  constructor(
    retryAfterMs: number,
    options?: ErrorOptions,
    message = 'The provider did not execute the request. Retry with the same idempotencyKey, or use another payment method.',
  ) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}
