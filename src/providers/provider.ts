import type { CaptureMode } from '../domain/order.ts';
import type { PaymentFailure, PaymentFlow, PaymentMethod, ProviderName } from '../domain/payment.ts';
import type { PaymentReport, RefundReport } from '../domain/report.ts';

/** A payment as a provider must be told of it: frozen when it was started, so every repetition says the same. */
export type PaymentOrder = {
  readonly paymentId: string;
  readonly orderNumber: string;
  readonly flow: PaymentFlow;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly captureMode: CaptureMode;
  readonly description: string | null;
  readonly returnUrl: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly providerPaymentId: string | null;
  readonly providerReference: string | null;
};

/** How much of an authorization is taken. `attempt` counts the intents to: each is a key of its own, and a repetition has the same. */
export type Capture = { readonly amountMinor: bigint; readonly attempt: number };

/** A refund as a provider must be told of it: every repetition says the same. */
export type RefundOrder = {
  readonly refundId: string;
  readonly paymentId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly reason: string | null;
  readonly createdAt: Date;
  readonly providerPaymentId: string | null;
  readonly providerRefundId: string | null;
};

/** One HTTP request from a provider, as raw as it came. Header names in lower case. */
export type WebhookDelivery = {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly receivedAt: Date;
};

/** What tells one callback from another, known only after its signature was verified. */
export type VerifiedWebhook = { readonly eventId: string; readonly eventType: string };

/** What a verified callback says: something of a payment, or nothing that concerns us. */
export type WebhookMessage =
  /** `isCreation`: it says no more than the answer to the call that made the payment. */
  | { readonly kind: 'payment'; readonly report: PaymentReport; readonly isCreation: boolean }
  /** Of the payment with our id, or with the provider's where the refund was made in its console. */
  | {
      readonly kind: 'refund';
      readonly report: RefundReport;
      readonly paymentId: string | null;
      readonly providerPaymentId: string;
    }
  | { readonly kind: 'ignored'; readonly reason: string };

/** The reply that stops the provider's retries; each provider wants a different one. */
export type WebhookReply = { readonly status: number; readonly contentType: string; readonly body: string };

/** What the provider knows of a payment; NOT_FOUND is its own word, and no outcome we failed to learn. */
export type QueryAnswer = { readonly kind: 'report'; readonly report: PaymentReport } | { readonly kind: 'notFound' };

export type RefundAnswer = { readonly kind: 'report'; readonly report: RefundReport } | { readonly kind: 'notFound' };

/**
 * One payment provider. An adapter translates; it keeps no state, opens no database, decides nothing about orders. Every call ends by
 * the signal, and throws one of the three errors below where it has no answer.
 */
export interface PaymentProvider {
  readonly name: ProviderName;
  readonly method: PaymentMethod;
  /** The provider account that callbacks of this adapter are for. */
  readonly account: string;
  /** In the merchant's order of preference. */
  readonly flows: readonly PaymentFlow[];
  readonly acknowledgement: WebhookReply;
  /** Why the provider would not take this amount, for people; null when it would. */
  refusalOf(amountMinor: bigint, currency: string): string | null;
  /** Safe to repeat: our payment id makes the provider's idempotency key. */
  startPayment(order: PaymentOrder, signal: AbortSignal): Promise<PaymentReport>;
  queryPayment(order: PaymentOrder, signal: AbortSignal): Promise<QueryAnswer>;
  /** Closes what the buyer has not paid, voids what is authorized. The report says what came of it, also when the buyer was faster. */
  closePayment(order: PaymentOrder, signal: AbortSignal): Promise<QueryAnswer>;
  /** Takes the money of an authorization, all or a part; the rest is released. */
  capturePayment(order: PaymentOrder, capture: Capture, signal: AbortSignal): Promise<PaymentReport>;
  /** Safe to repeat: our refund id makes the provider's idempotency key. */
  startRefund(refund: RefundOrder, signal: AbortSignal): Promise<RefundReport>;
  queryRefund(refund: RefundOrder, signal: AbortSignal): Promise<RefundAnswer>;
  /** Every refund of the payment that the provider has, those made in its console among them. */
  listRefunds(order: PaymentOrder, signal: AbortSignal): Promise<RefundReport[]>;
  /** @throws {WebhookRejectedError} rather than return anything unverified. */
  verifyWebhook(delivery: WebhookDelivery): VerifiedWebhook;
  /** Reads the body of a delivery that was verified before. */
  readWebhook(body: Buffer, receivedAt: Date): WebhookMessage;
}

/** It may have happened: a time-out, a reset, a 5xx, an answer that nobody can parse or whose signature is wrong. */
export class OutcomeUnknownError extends Error {}

/** It certainly did not happen, and may be tried again with the same key. */
export class NotExecutedError extends Error {
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number, options?: ErrorOptions) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The provider refused, for good. */
export class RejectedError extends Error {
  readonly failure: PaymentFailure;
  constructor(failure: PaymentFailure, options?: ErrorOptions) {
    super(failure.message, options);
    this.failure = failure;
  }
}

export type WebhookRejection = 'MISSING_SIGNATURE' | 'BAD_SIGNATURE' | 'STALE' | 'MALFORMED' | 'FOREIGN';

/** A callback that must not be believed. The reason is for our logs, never for the sender. */
export class WebhookRejectedError extends Error {
  readonly reason: WebhookRejection;
  constructor(reason: WebhookRejection, options?: ErrorOptions) {
    super(`The callback was refused: ${reason}.`, options);
    this.reason = reason;
  }
}
