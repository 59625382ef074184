import type {
  OrderCopyFragment,
  PaidOrderCopyFragment,
  PayMutation,
  PaymentCopyFragment,
} from '../generated/graphql.ts';
import type { PaystreamError } from './errors.ts';

type Known = { readonly payment: PaymentCopyFragment; readonly order: OrderCopyFragment };
type Answered = NonNullable<PayMutation['payOrder']>;
type AnsweredBy<Name extends Answered['__typename']> = Extract<Answered, { __typename: Name }>;

/** The outcome of `pay`, by `kind`. Which fields are there depends on it, so that each has to be handled. */
export type PayResult =
  /** The money was captured. */
  | ({ readonly kind: 'paid' } & Known)
  /** The amount is authorized; the merchant captures it later. Nothing is left to do for the buyer. */
  | ({ readonly kind: 'authorized' } & Known)
  /** The buyer must act: a page to open, a QR code to scan, a card to confirm. Another call returns the same payment, with a new action if this one has expired. */
  | ({ readonly kind: 'actionRequired'; readonly action: NonNullable<PaymentCopyFragment['nextAction']> } & Known)
  /** The provider is at work, or its answer is not known yet. Wait for the events of the order; do not offer to pay again. */
  | ({ readonly kind: 'processing' } & Known)
  /** This payment is over without money: see `payment.failure` and `payment.status`. Another call tries again with a new payment. */
  | ({ readonly kind: 'failed' } & Known)
  /** Another payment of the order may still succeed. Nothing was started. Wait for its events, or cancel it. */
  | ({ readonly kind: 'inProgress'; readonly message: string } & Known)
  /** The order is canceled, closing, expired or refunded, or has had too many payments. */
  | { readonly kind: 'notPayable'; readonly order: OrderCopyFragment; readonly message: string }
  /** The method or the flow is not offered for the order. */
  | {
      readonly kind: 'methodNotAvailable';
      readonly available: AnsweredBy<'MethodNotAvailableError'>['available'];
      readonly message: string;
    }
  /** Fields of the input are wrong, such as a missing `returnUrl`. */
  | {
      readonly kind: 'invalid';
      readonly issues: AnsweredBy<'InvalidInputError'>['issues'];
      readonly message: string;
    }
  /** Too many card payments have failed. Other methods are not limited. */
  | { readonly kind: 'limited'; readonly retryAfterMs: number; readonly message: string }
  /** The token may not pay this order, or there is no such order. */
  | {
      readonly kind: 'refused';
      readonly code: 'FORBIDDEN' | 'NOT_FOUND' | 'IDEMPOTENCY_KEY_REUSED';
      readonly message: string;
    }
  /** The provider cannot be reached and has nothing of this payment. Another call goes on with the attempt. */
  | { readonly kind: 'unavailable'; readonly retryAfterMs: number; readonly message: string }
  /** No answer came: the payment may or may not exist. Another call goes on with the attempt and charges once. */
  | { readonly kind: 'unknown'; readonly error: PaystreamError; readonly retryAfterMs: number | null };

export function resultOf(answer: Answered): PayResult {
  switch (answer.__typename) {
    case 'Payment':
      return ofPayment(answer);
    case 'ProviderRejectedError':
      return { kind: 'failed', ...known(answer.payment) };
    case 'PaymentInProgressError':
      return { kind: 'inProgress', ...known(answer.payment), message: answer.message };
    case 'OrderNotPayableError':
      return paidBefore(answer.order) ?? { kind: 'notPayable', order: answer.order, message: answer.message };
    case 'MethodNotAvailableError':
      return { kind: 'methodNotAvailable', available: answer.available, message: answer.message };
    case 'InvalidInputError':
      return { kind: 'invalid', issues: answer.issues, message: answer.message };
    case 'RateLimitedError':
      return { kind: 'limited', retryAfterMs: answer.retryAfterMs, message: answer.message };
    case 'ProviderUnavailableError':
      return { kind: 'unavailable', retryAfterMs: answer.retryAfterMs, message: answer.message };
    case 'ForbiddenError':
      return { kind: 'refused', code: 'FORBIDDEN', message: answer.message };
    case 'NotFoundError':
      return { kind: 'refused', code: 'NOT_FOUND', message: answer.message };
    case 'IdempotencyKeyReusedError':
      return { kind: 'refused', code: 'IDEMPOTENCY_KEY_REUSED', message: answer.message };
  }
}

function ofPayment(payment: PaidOrderCopyFragment): PayResult {
  const parts = known(payment);
  switch (payment.status) {
    case 'SUCCEEDED':
      return { kind: 'paid', ...parts };
    case 'AUTHORIZED':
      return { kind: 'authorized', ...parts };
    case 'ACTION_REQUIRED':
      // Without an action, the provider has just been asked for another one.
      return payment.nextAction === null
        ? { kind: 'processing', ...parts }
        : { kind: 'actionRequired', ...parts, action: payment.nextAction };
    case 'SUBMITTING':
    case 'PROCESSING':
    case 'UNKNOWN':
    case 'CANCELING':
      return { kind: 'processing', ...parts };
    case 'FAILED':
    case 'CANCELED':
    case 'EXPIRED':
      // A page whose storage was lost may ask for an attempt that another one has followed meanwhile.
      return paidBefore(parts.order) ?? { kind: 'failed', ...parts };
  }
}

/** An order that is paid by another attempt: an earlier one, one in another tab, or one on another device. */
function paidBefore(order: OrderCopyFragment): PayResult | null {
  const isPaid = order.paymentStatus === 'PAID' || order.paymentStatus === 'OVERPAID';
  const payment = order.payments.find(({ status }) => status === (isPaid ? 'SUCCEEDED' : 'AUTHORIZED'));
  if (payment === undefined) return null;
  if (isPaid) return { kind: 'paid', payment, order };
  return order.paymentStatus === 'AUTHORIZED' ? { kind: 'authorized', payment, order } : null;
}

function known({ order, ...payment }: PaidOrderCopyFragment): Known {
  return { payment, order };
}
