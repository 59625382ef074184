import type { Evidence, NextAction, PaymentFailure, ReportedPaymentStatus } from './payment.ts';
import type { ReportedRefundStatus } from './refund.ts';

/** What a person recognizes a card by. `brand` is in lower case, such as `visa`. */
export type Card = { readonly brand: string; readonly last4: string };

/**
 * A statement about one payment. Its source is a callback, a response, a query, a bill line or an operator. A null field
 * means that the source does not state it. Amounts are in minor units of `currency`.
 *
 * Reports arrive in any order and more than once. The recorded money does not depend on either.
 */
export type PaymentReport = {
  readonly paymentId: string;
  readonly providerPaymentId: string | null;
  /** Another provider id of the payment. It is needed to query or close a payment that has no `providerPaymentId` yet. */
  readonly providerReference: string | null;
  readonly status: ReportedPaymentStatus;
  readonly amountMinor: bigint | null;
  readonly currency: string | null;
  readonly capturedMinor: bigint | null;
  readonly failure: PaymentFailure | null;
  readonly nextAction: NextAction | null;
  readonly card: Card | null;
  readonly evidence: Evidence;
};

/** Builds a report of a payment. Omitted fields are null. */
export function paymentReport(
  stated: Pick<PaymentReport, 'paymentId' | 'status' | 'evidence'> & Partial<PaymentReport>,
): PaymentReport {
  return {
    providerPaymentId: null,
    providerReference: null,
    amountMinor: null,
    currency: null,
    capturedMinor: null,
    failure: null,
    nextAction: null,
    card: null,
    ...stated,
  };
}

/** A statement about one refund, which was made by us or in the provider's console. Null fields as in `PaymentReport`. */
export type RefundReport = {
  /** Our refund id. Null when the report has none, because the refund was made in the provider's console. */
  readonly refundId: string | null;
  readonly providerRefundId: string | null;
  readonly status: ReportedRefundStatus;
  readonly amountMinor: bigint | null;
  readonly currency: string | null;
  readonly reason: string | null;
  readonly failure: PaymentFailure | null;
  readonly evidence: Evidence;
};

/** Builds a report of a refund. Omitted fields are null. */
export function refundReport(
  stated: Pick<RefundReport, 'refundId' | 'status' | 'evidence'> & Partial<RefundReport>,
): RefundReport {
  return {
    providerRefundId: null,
    amountMinor: null,
    currency: null,
    reason: null,
    failure: null,
    ...stated,
  };
}

/**
 * The result of applying a report.
 *
 * - `applied`: the report changed the order.
 * - `repeated`: the report has no new information.
 * - `refused`: the report contradicts the recorded status (`superseded`) or the recorded amount, currency or provider id
 *   (`mismatch`).
 * - `early`: the report depends on a change that is not recorded yet. Apply it again later.
 */
export type ReportOutcome = Verdict | { readonly effect: 'early' };
export type Verdict =
  | { readonly effect: 'applied' }
  | { readonly effect: 'repeated' }
  | { readonly effect: 'refused'; readonly reason: 'superseded' | 'mismatch' };
