import type { Evidence, NextAction, PaymentFailure, ReportedPaymentStatus } from './payment.ts';
import type { ReportedRefundStatus } from './refund.ts';

/**
 * What somebody who knows told us of one payment: a callback, an answer, a bill line, an operator. Amounts are null where it said
 * nothing of them. State is a function of the reports, in whatever order and however often they come.
 */
export type PaymentReport = {
  readonly paymentId: string;
  readonly providerPaymentId: string | null;
  /** The provider's other name for it, needed to ask or close before providerPaymentId exists. */
  readonly providerReference: string | null;
  readonly status: ReportedPaymentStatus;
  readonly amountMinor: bigint | null;
  readonly currency: string | null;
  readonly capturedMinor: bigint | null;
  readonly failure: PaymentFailure | null;
  readonly nextAction: NextAction | null;
  readonly evidence: Evidence;
};

/** Builds a report of a payment. A field that is not given is null: the source said nothing of it. */
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
    ...stated,
  };
}

/** What somebody told us of one refund, of ours or made in the provider's console. */
export type RefundReport = {
  /** Null when it names none of ours: it was made in the provider's console. */
  readonly refundId: string | null;
  readonly providerRefundId: string | null;
  readonly status: ReportedRefundStatus;
  readonly amountMinor: bigint | null;
  readonly currency: string | null;
  readonly reason: string | null;
  readonly failure: PaymentFailure | null;
  readonly evidence: Evidence;
};

/** Builds a report of a refund. A field that is not given is null: the source said nothing of it. */
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
 * What became of a report: it changed something, told nothing new, was refused for the reason given, or came before what it follows
 * from: it is to be applied again in a moment.
 */
export type ReportOutcome = Verdict | { readonly effect: 'early' };
export type Verdict =
  | { readonly effect: 'applied' }
  | { readonly effect: 'repeated' }
  | { readonly effect: 'refused'; readonly reason: 'superseded' | 'mismatch' };
