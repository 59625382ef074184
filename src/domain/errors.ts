import type { PaymentFlow, PaymentMethod } from './payment.ts';

export const errorCodes = [
  ...(['INVALID_INPUT', 'NOT_FOUND', 'FORBIDDEN', 'IDEMPOTENCY_KEY_REUSED', 'ORDER_NOT_PAYABLE'] as const),
  ...(['ORDER_NOT_CANCELABLE', 'PAYMENT_IN_PROGRESS', 'PAYMENT_NOT_CAPTURABLE', 'PAYMENT_NOT_CANCELABLE'] as const),
  ...(['REFUND_EXCEEDS_PAYMENT', 'METHOD_NOT_AVAILABLE', 'PROVIDER_REJECTED', 'PROVIDER_UNAVAILABLE'] as const),
] as const;
export type ErrorCode = (typeof errorCodes)[number];

/** A failure the caller can act on. `message` reaches clients; what only operators may read goes in `cause`. */
export abstract class DomainError extends Error {
  abstract readonly code: ErrorCode;
}

/** One thing wrong with an input. `path` names the field from the input object on: `lines.0.quantity`. */
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
    super('idempotencyKey was used before with other input. A new intent needs a new key.');
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
    super('Another payment of the order may still succeed. Finish it, or cancel it first.');
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
      isCaptured ? 'The refund is larger than what is left of the payment.' : 'The payment has taken no money yet.',
    );
    this.refundableMinor = refundableMinor;
    this.currency = currency;
  }
}

/** A way in which an order can be paid. `needs` has an entry for each of the flows, in their order: fields of `payOrder`'s input. */
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
    message = 'The provider refused the payment, for good. Another payment may be started.',
  ) {
    super(message);
    this.paymentId = paymentId;
  }
}

export class ProviderUnavailableError extends DomainError {
  readonly code = 'PROVIDER_UNAVAILABLE';
  readonly retryAfterMs: number;
  constructor(
    retryAfterMs: number,
    options?: ErrorOptions,
    message = 'The provider took nothing, and nothing happened there. Repeat with the same key, or pay by another method.',
  ) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}
