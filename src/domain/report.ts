import type { Evidence, NextAction, PaymentFailure, ReportedPaymentStatus } from './payment.ts';

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

/** What became of a report: it changed something, told nothing new, or was refused for the reason given. */
export type ReportOutcome =
  | { readonly effect: 'applied' }
  | { readonly effect: 'repeated' }
  | { readonly effect: 'refused'; readonly reason: 'superseded' | 'mismatch' };
