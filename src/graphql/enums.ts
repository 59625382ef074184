import { actorKinds } from '../domain/actor.ts';
import { errorCodes } from '../domain/errors.ts';
import { eventTypes } from '../domain/event.ts';
import { captureModes, orderPaymentStatuses, orderStatuses, reviewReasons } from '../domain/order.ts';
import { evidenceSources, paymentFlows, paymentMethods, paymentStatuses } from '../domain/payment.ts';
import { refundApprovals, refundOrigins, refundStatuses } from '../domain/refund.ts';
import { builder } from './builder.ts';

/** Adds a description to each value. The type requires one for every value, so that a new value cannot go undescribed. */
export function described<T extends string>(values: readonly T[], descriptions: Readonly<Record<T, string>>) {
  return Object.fromEntries(values.map((value) => [value, { value, description: descriptions[value] }])) as {
    [V in T]: { value: V; description: string };
  };
}

export const OrderStatus = builder.enumType('OrderStatus', {
  description: 'The lifecycle of an order. See `OrderPaymentStatus` for the money.',
  values: described(orderStatuses, {
    OPEN: 'Can be paid until `expiresAt`.',
    CLOSING:
      'Being canceled or expiring. No new payment can start. The order leaves this status when each provider has confirmed whether money arrived.',
    CONFIRMED: 'Paid or authorized in full.',
    CANCELED: 'Canceled by the merchant. Becomes CONFIRMED only if money arrives late and the merchant accepts it.',
    EXPIRED: 'Not paid before `expiresAt`. Becomes CONFIRMED only if money arrives late and the merchant accepts it.',
  }),
});

export const OrderPaymentStatus = builder.enumType('OrderPaymentStatus', {
  description: 'How much of an order is paid. Derived from its payments and refunds.',
  values: described(orderPaymentStatuses, {
    UNPAID: 'Nothing was captured, and no payment is in progress.',
    PENDING: 'Nothing was captured yet, and a payment is in progress.',
    AUTHORIZED: 'The full total is authorized. Call `capturePayment` to take the money.',
    PARTIALLY_PAID: 'Part of the total was captured.',
    PAID: 'The full total was captured.',
    OVERPAID: 'More was captured than the order needs. The surplus is refunded automatically.',
    PARTIALLY_REFUNDED: 'Part of the captured amount was refunded.',
    REFUNDED: 'The full captured amount was refunded.',
  }),
});

export const CaptureMode = builder.enumType('CaptureMode', {
  description: 'When the buyer’s money is captured.',
  values: described(captureModes, {
    AUTOMATIC: 'Captured when the buyer pays.',
    MANUAL: 'The buyer’s payment only authorizes the amount; `capturePayment` captures it. Cards only.',
  }),
});

export const OrderAction = builder.enumType('OrderAction', {
  description: 'A mutation that can be called for an order.',
  values: described(['PAY', 'CANCEL', 'CAPTURE', 'REFUND'] as const, {
    PAY: '`payOrder`.',
    CANCEL: '`cancelOrder`.',
    CAPTURE: '`capturePayment`.',
    REFUND: '`requestRefund`.',
  }),
});

export const ReviewReason = builder.enumType('ReviewReason', {
  description: 'Why an order needs an operator. Settle it with `resolveReview`.',
  values: described(reviewReasons, {
    LATE_PAYMENT: 'Money arrived after the order was canceled or had expired.',
    SURPLUS:
      'More was captured than the order’s total. The surplus is refunded automatically; the reason disappears when the refund succeeds.',
    AMOUNT_MISMATCH:
      'A provider reported an amount, currency, app or merchant that differs from the payment, or its bill contradicts the payment. The report was not applied.',
    STUCK_UNKNOWN: 'The outcome of a payment or a refund is still unknown after the last scheduled check.',
    REFUND_ABNORMAL:
      'A refund failed, is stuck, or differs from the provider’s records. Check it in the provider’s console.',
    UNREADABLE_CALLBACK:
      'A verified callback for a payment of the order is malformed, or has a status that this version does not support. It was not ' +
      'applied; the payment is queried instead. Compare it with the provider’s console.',
  }),
});

export const PaymentMethod = builder.enumType('PaymentMethod', {
  description: 'The means of payment.',
  values: described(paymentMethods, {
    CARD: 'Cards, through Stripe.',
    ALIPAY: 'Alipay (支付宝).',
    WECHAT_PAY: 'WeChat Pay (微信支付).',
  }),
});

export const PaymentFlow = builder.enumType('PaymentFlow', {
  description:
    'How the buyer is sent to the payment. `paymentMethods` lists the flows of each method and the input fields that each needs.',
  values: described(paymentFlows, {
    REDIRECT: 'The provider’s page in a desktop browser: Alipay page pay, Stripe Checkout. Requires `returnUrl`.',
    QR_CODE: 'A QR code that the buyer scans: Alipay precreate, WeChat Pay Native.',
    MOBILE_WEB:
      'The provider’s page in a mobile browser: Alipay wap, which requires `returnUrl`, and WeChat Pay H5, which requires `buyerIp`.',
    IN_APP: 'A page inside the provider’s app: WeChat Pay JSAPI and mini programs. Requires `openId`.',
    EMBEDDED: 'The provider’s form embedded in the merchant’s page: Stripe Elements.',
  }),
});

export const PaymentStatus = builder.enumType('PaymentStatus', {
  description:
    'The state of one payment. SUCCEEDED is final. FAILED, CANCELED and EXPIRED become AUTHORIZED or SUCCEEDED if the provider reports the money later.',
  values: described(paymentStatuses, {
    SUBMITTING: 'Recorded; the call to the provider has not finished.',
    ACTION_REQUIRED:
      'The buyer must act: see `nextAction`. After a declined attempt, `failure` holds the reason and the buyer can try again.',
    PROCESSING: 'The buyer has acted; the provider is processing the payment.',
    UNKNOWN:
      'The outcome is not known: the provider’s answer was lost or unclear. The provider is queried again at `nextCheckAt`. Do not start another payment.',
    AUTHORIZED: 'The amount is authorized and not captured yet.',
    SUCCEEDED: 'The money was captured.',
    CANCELING: 'Being canceled; the provider has not confirmed it yet.',
    CANCELED: 'Canceled; nothing was captured.',
    EXPIRED: 'Not completed in time; nothing was captured.',
    FAILED: 'Refused by the provider; final unless the provider later reports the money.',
  }),
});

export const EvidenceSource = builder.enumType('EvidenceSource', {
  description: 'The kind of report that a status comes from.',
  values: described(evidenceSources, {
    RESPONSE: 'The provider’s response to the call that started, captured or refunded the payment.',
    CALLBACK: 'A verified callback of the provider.',
    QUERY: 'The provider’s response to a status query.',
    RECONCILIATION: 'A line of the provider’s bill.',
    OPERATOR: 'An operator, by `resolveReview`.',
  }),
});

export const RefundStatus = builder.enumType('RefundStatus', {
  description: 'The state of one refund.',
  values: described(refundStatuses, {
    PENDING: 'Requested, or accepted by the provider and not finished. The amount is reserved.',
    UNKNOWN: 'The outcome is not known. The provider is queried again at `nextCheckAt`. The amount stays reserved.',
    SUCCEEDED: 'The money was returned to the buyer.',
    FAILED: 'The money was not returned, or came back. The amount can be refunded again.',
  }),
});

export const RefundOrigin = builder.enumType('RefundOrigin', {
  description: 'Who started a refund.',
  values: described(refundOrigins, {
    REQUESTED: 'The merchant, by `requestRefund`.',
    SURPLUS:
      'Paystream: it returns money captured beyond the total, or late money that the merchant’s policy or an operator refunds.',
    PROVIDER: 'Someone at the provider, usually in its console.',
  }),
});

export const EventType = builder.enumType('EventType', {
  description: 'The type of an event. New values may be added: ignore values that you do not know.',
  values: described(eventTypes, {
    ORDER_CREATED: 'The order was created.',
    ORDER_CONFIRMED: 'The order is paid or authorized in full.',
    ORDER_CLOSING: 'The order is being canceled or is expiring; the providers of its open payments are queried first.',
    ORDER_CANCELED: 'The order is canceled, and all its payments are closed.',
    ORDER_EXPIRED: 'The order has expired, and all its payments are closed.',
    ORDER_REVIEW_NEEDED: 'The order needs an operator: see `note` and `Order.needsReview`.',
    ORDER_REVIEW_RESOLVED: 'An operator settled the review, or the surplus was refunded automatically: see `note`.',
    PAYMENT_STARTED: 'A payment was recorded; the provider is called next.',
    PAYMENT_ACTION_REQUIRED: 'The buyer must act, or act again after a declined attempt.',
    PAYMENT_PROCESSING: 'The buyer has acted; the provider is processing the payment.',
    PAYMENT_UNKNOWN: 'The outcome of the payment is not known; the provider is queried.',
    PAYMENT_AUTHORIZED: 'The amount is authorized.',
    PAYMENT_CAPTURE_FAILED:
      'The provider refused a capture: see `Payment.failure`. The authorization may still be valid.',
    PAYMENT_SUCCEEDED: 'The money was captured.',
    PAYMENT_FAILED: 'The provider refused the payment.',
    PAYMENT_CANCELING: 'The payment is being canceled at the provider.',
    PAYMENT_CANCELED: 'The payment was canceled; nothing was captured.',
    PAYMENT_EXPIRED: 'The payment or its authorization expired; nothing was captured.',
    REFUND_APPROVAL_NEEDED:
      'An operator’s refund above the merchant’s limit was recorded, and its amount reserved. It waits for `approveRefund` or `rejectRefund`.',
    REFUND_REQUESTED: 'A refund was recorded, and its amount reserved; the provider is called next.',
    REFUND_PENDING: 'The provider accepted the refund and has not finished it.',
    REFUND_UNKNOWN: 'The outcome of the refund is not known; the provider is queried.',
    REFUND_SUCCEEDED: 'The money was returned to the buyer.',
    REFUND_FAILED: 'The money was not returned, or came back. The amount can be refunded again.',
    REFUND_UPDATED:
      'The provider’s id of a refund that an operator had resolved became known. No money moved, and its status is as before.',
  }),
});

export const ErrorCode = builder.enumType('ErrorCode', {
  description: 'The reason of an expected failure. Branch on this code, not on the message.',
  values: described(errorCodes, {
    INVALID_INPUT: 'Fields of the input are invalid: `issues` lists them.',
    NOT_FOUND: 'The object does not exist, or belongs to another merchant.',
    FORBIDDEN: 'The caller may not do this.',
    IDEMPOTENCY_KEY_REUSED:
      'The `idempotencyKey` was used before with different input. Use a new key for a new intent.',
    ORDER_NOT_PAYABLE: 'The order is paid, canceled, closing or expired, or has reached its limit of 50 payments.',
    ORDER_NOT_CANCELABLE: 'The order is paid or expired, or a capture is in progress.',
    PAYMENT_IN_PROGRESS: 'Another payment of the order may still succeed. Wait for it, or cancel it.',
    PAYMENT_NOT_CAPTURABLE: 'The payment is not authorized, or was captured already.',
    PAYMENT_NOT_CANCELABLE: 'The payment has succeeded, failed or expired, or a provider call for it is in progress.',
    REFUND_EXCEEDS_PAYMENT: 'The amount is larger than the refundable amount of the payment.',
    REFUND_NOT_APPROVABLE: 'The refund does not wait for approval.',
    METHOD_NOT_AVAILABLE: 'The method or flow is not available for this order. `available` lists the alternatives.',
    PROVIDER_REJECTED: 'The provider refused the request. Repeating it has no effect.',
    RATE_LIMITED: 'Too many attempts. Try again after `retryAfterMs`.',
    DELIVERY_NOT_REPLAYABLE: 'The body of the delivery is no longer kept.',
    PROVIDER_UNAVAILABLE:
      'The provider could not be reached, or its account is not configured. Repeat with the same key after `retryAfterMs`.',
  }),
});

export const RefundApproval = builder.enumType('RefundApproval', {
  description: 'The approval of a refund above the merchant’s limit.',
  values: described(refundApprovals, {
    NEEDED: 'Another person must approve or reject the refund. Its amount is reserved.',
    APPROVED: 'The refund was approved and submitted to the provider.',
    REJECTED:
      'The refund was rejected, or its amount was refunded at the provider before it was approved: it is FAILED, and reserves no amount.',
  }),
});

export const ActorKind = builder.enumType('ActorKind', {
  description: 'What caused a change. New values may be added.',
  values: described(actorKinds, {
    MERCHANT: 'A server of the merchant, with an API key.',
    OPERATOR: 'A person who works for the merchant.',
    CUSTOMER: 'A customer of the merchant.',
    BUYER: 'A browser with the client token of the order.',
    PROVIDER: 'The provider: a callback, a response, the answer to a query, or a bill.',
    SYSTEM: 'Paystream itself, such as the expiry of an order.',
  }),
});
