import { errorCodes } from '../domain/errors.ts';
import { eventTypes } from '../domain/event.ts';
import { captureModes, orderPaymentStatuses, orderStatuses, reviewReasons } from '../domain/order.ts';
import { evidenceSources, paymentFlows, paymentMethods, paymentStatuses } from '../domain/payment.ts';
import { refundOrigins, refundStatuses } from '../domain/refund.ts';
import { builder } from './builder.ts';

/** Values with what they mean; the keys must be all of `values`, so that a new one cannot go undescribed. */
export function described<T extends string>(values: readonly T[], descriptions: Readonly<Record<T, string>>) {
  return Object.fromEntries(values.map((value) => [value, { value, description: descriptions[value] }])) as {
    [V in T]: { value: V; description: string };
  };
}

export const OrderStatus = builder.enumType('OrderStatus', {
  description: 'Where an order is in its life. Whether and how it was paid is `paymentStatus`.',
  values: described(orderStatuses, {
    OPEN: 'Open for payment.',
    CLOSING: 'Being closed: no new payment may start while providers are asked whether money arrived.',
    CONFIRMED: 'Paid, or authorized.',
    CANCELED: 'Closed by the merchant. Only late money that the merchant accepts leads away from here.',
    EXPIRED: 'Closed because its time ran out. Only late money that the merchant accepts leads away from here.',
  }),
});

export const OrderPaymentStatus = builder.enumType('OrderPaymentStatus', {
  description: 'Derived from the payments and refunds of the order; never set by hand.',
  values: described(orderPaymentStatuses, {
    UNPAID: 'No money, and no payment under way.',
    PENDING: 'A payment is under way.',
    AUTHORIZED: 'The whole total is held for the merchant and waits for its capture.',
    PARTIALLY_PAID: 'Less than the total was captured.',
    PAID: 'The whole total was captured.',
    OVERPAID: 'More than the total was captured; the surplus is being refunded.',
    PARTIALLY_REFUNDED: 'Part of what was captured went back.',
    REFUNDED: 'All that was captured went back.',
  }),
});

export const CaptureMode = builder.enumType('CaptureMode', {
  description: 'When the money of an order moves.',
  values: described(captureModes, {
    AUTOMATIC: 'Money moves when the buyer pays.',
    MANUAL: 'The buyer’s payment only authorizes; `capturePayment` moves the money. Cards only.',
  }),
});

export const OrderAction = builder.enumType('OrderAction', {
  description: 'What a caller may do with an order.',
  values: described(['PAY', 'CANCEL', 'CAPTURE', 'REFUND'] as const, {
    PAY: '`payOrder`',
    CANCEL: '`cancelOrder`',
    CAPTURE: '`capturePayment`',
    REFUND: '`requestRefund`',
  }),
});

export const ReviewReason = builder.enumType('ReviewReason', {
  description: 'Why a person should look at an order. Empty in normal life.',
  values: described(reviewReasons, {
    LATE_PAYMENT: 'Money came after the order was canceled or had expired.',
    SURPLUS: 'More was captured than the order wanted.',
    AMOUNT_MISMATCH:
      'A provider reported an amount, a currency or an identity that is not that of the payment; nothing was changed.',
    STUCK_UNKNOWN: 'The provider has not said for over a week what became of a payment.',
    REFUND_ABNORMAL: 'A refund needs handling in the provider’s console.',
    UNREADABLE_CALLBACK:
      'A verified callback names a payment of the order, and its content is malformed or has a status that Paystream does not know. ' +
      'Nothing was changed; the payment is being asked about. Compare it with the provider’s console.',
  }),
});

export const PaymentMethod = builder.enumType('PaymentMethod', {
  description: 'What the buyer pays with.',
  values: described(paymentMethods, {
    CARD: 'Cards, through Stripe.',
    ALIPAY: 'Alipay (支付宝).',
    WECHAT_PAY: 'WeChat Pay (微信支付).',
  }),
});

export const PaymentFlow = builder.enumType('PaymentFlow', {
  description: 'How the buyer is led to pay.',
  values: described(paymentFlows, {
    REDIRECT: 'A page of the provider on a computer: Alipay page pay, Stripe Checkout. Needs `returnUrl`.',
    QR_CODE: 'A code to scan: Alipay precreate, WeChat Pay Native.',
    MOBILE_WEB:
      'A page of the provider in a phone’s browser: Alipay wap, which needs `returnUrl`, and WeChat Pay H5, which needs `buyerIp`.',
    IN_APP: 'Inside the provider’s app: WeChat Pay JSAPI and mini programs. Needs `openId`.',
    EMBEDDED: 'The provider’s form inside the merchant’s page: Stripe Elements.',
  }),
});

export const PaymentStatus = builder.enumType('PaymentStatus', {
  description:
    'Where one attempt to pay an order is. SUCCEEDED never goes back; money that comes late overrides what was given up.',
  values: described(paymentStatuses, {
    SUBMITTING: 'Recorded; the provider is being called.',
    ACTION_REQUIRED:
      'The buyer must act: see `nextAction`. After a declined attempt `failure` says why, and another card may be tried.',
    PROCESSING: 'The buyer has acted; the provider is at work.',
    UNKNOWN: 'The provider did not say what happened. It is being asked; see `nextCheckAt`.',
    AUTHORIZED: 'The amount is held and waits for its capture.',
    SUCCEEDED: 'The money was captured.',
    CANCELING: 'Being closed at the provider, which has not confirmed it yet.',
    CANCELED: 'Closed; nothing was captured.',
    EXPIRED: 'Its time ran out; nothing was captured.',
    FAILED: 'The provider refused it for good.',
  }),
});

export const EvidenceSource = builder.enumType('EvidenceSource', {
  description: 'How we know what a payment’s status says.',
  values: described(evidenceSources, {
    RESPONSE: 'The provider’s answer to our own call.',
    CALLBACK: 'A verified callback of the provider.',
    QUERY: 'The provider’s answer when it was asked.',
    RECONCILIATION: 'A line of the provider’s bill.',
    OPERATOR: 'A person’s decision.',
  }),
});

export const RefundStatus = builder.enumType('RefundStatus', {
  description: 'Where money on its way back is.',
  values: described(refundStatuses, {
    PENDING: 'Requested; the provider is at work.',
    UNKNOWN: 'The provider did not say what happened. It is being asked.',
    SUCCEEDED: 'The money went back.',
    FAILED: 'The money did not go back, and may be refunded again.',
  }),
});

export const RefundOrigin = builder.enumType('RefundOrigin', {
  description: 'Who sent money back.',
  values: described(refundOrigins, {
    REQUESTED: '`requestRefund`',
    SURPLUS: 'Money captured beyond the total, or after the order was closed, going back by itself.',
    PROVIDER: 'Made in the provider’s console.',
  }),
});

export const EventType = builder.enumType('EventType', {
  description: 'What happened. New values may be added: ignore what you do not know.',
  values: described(eventTypes, {
    ORDER_CREATED: 'An order was created.',
    ORDER_CONFIRMED: 'It is paid or authorized in full.',
    ORDER_CLOSING: 'It is being canceled, or has run out of time; providers are asked whether money arrived.',
    ORDER_CANCELED: 'It was canceled, and no payment of it can bring money any more.',
    ORDER_EXPIRED: 'It ran out of time, and no payment of it can bring money any more.',
    ORDER_REVIEW_NEEDED: 'A person should look: see `needsReview`.',
    ORDER_REVIEW_RESOLVED: 'A person has decided, or the money went back by itself: see `note`.',
    PAYMENT_STARTED: 'A payment was recorded, and the provider is being called.',
    PAYMENT_ACTION_REQUIRED: 'The buyer must act, or must act again after a declined attempt.',
    PAYMENT_PROCESSING: 'The buyer has acted; the provider is at work.',
    PAYMENT_UNKNOWN: 'The provider did not say what happened, and is being asked.',
    PAYMENT_AUTHORIZED: 'The amount is held.',
    PAYMENT_CAPTURE_FAILED: 'The provider refused to capture an authorization: see the payment’s `failure`.',
    PAYMENT_SUCCEEDED: 'The money was captured.',
    PAYMENT_FAILED: 'The provider refused it for good.',
    PAYMENT_CANCELING: 'It is being closed at the provider.',
    PAYMENT_CANCELED: 'It was closed without money.',
    PAYMENT_EXPIRED: 'Its time ran out without money.',
    REFUND_REQUESTED: 'Money is to go back; its amount is set aside.',
    REFUND_PENDING: 'The provider has taken the refund on, and is at work.',
    REFUND_UNKNOWN: 'The provider did not say what became of a refund, and is being asked.',
    REFUND_SUCCEEDED: 'Money went back.',
    REFUND_FAILED: 'Money did not go back, or came back to us.',
  }),
});

export const ErrorCode = builder.enumType('ErrorCode', {
  description: 'Why a mutation could not do what was asked, for programs.',
  values: described(errorCodes, {
    INVALID_INPUT: 'A field of the input is wrong: `issues` names each.',
    NOT_FOUND: 'There is no such thing, or not for the caller.',
    FORBIDDEN: 'The caller may not do this, or nobody may yet.',
    IDEMPOTENCY_KEY_REUSED: 'The key was used with other input.',
    ORDER_NOT_PAYABLE: 'The order is paid, closed or out of time.',
    ORDER_NOT_CANCELABLE: 'The order is paid, or has expired.',
    PAYMENT_IN_PROGRESS: 'Another payment of the order may still succeed.',
    PAYMENT_NOT_CAPTURABLE: 'There is nothing to capture.',
    PAYMENT_NOT_CANCELABLE: 'The payment is past canceling.',
    REFUND_EXCEEDS_PAYMENT: 'More than what is left of the payment, or a payment that has taken no money yet.',
    METHOD_NOT_AVAILABLE: 'The order cannot be paid in this way.',
    PROVIDER_REJECTED: 'The provider refused, for good.',
    PROVIDER_UNAVAILABLE: 'The provider could not be asked; nothing happened there.',
  }),
});
