import type { BillLine } from '../domain/reconciliation.ts';
import type { PaymentProvider } from '../providers/provider.ts';
import type { UnlistedAnswer } from './ask-about-unlisted.ts';
import type { Settlement } from './settle-difference.ts';

export const differenceKinds = ['MISSING_HERE', 'MISSING_THERE', 'DIFFERENT_AMOUNT', 'LISTED_TWICE'] as const;
/** `FOREIGN` and `NEAR_BORDER` are no differences: another system's money, and money that may be in a neighbouring day's bill. */
export type FindingKind = (typeof differenceKinds)[number] | 'FOREIGN' | 'NEAR_BORDER';

/** `NONE`: there was nothing to do, or it was a dry run. `UNKNOWN_HERE`: a number of ours that our database does not have. */
export type Action = Settlement['action'] | UnlistedAnswer | 'NONE' | 'UNKNOWN_HERE' | 'NOT_ASKED' | 'FAILED';

/** What one side says. */
export type Side = { readonly amountMinor: bigint; readonly currency: string; readonly status: string };

/** Whatever is not simply on both sides. */
export type Finding = {
  readonly kind: FindingKind;
  readonly subject: 'payment' | 'refund';
  readonly at: Date;
  readonly orderId: string | null;
  readonly paymentId: string | null;
  readonly refundId: string | null;
  readonly merchantNumber: string | null;
  readonly providerPaymentId: string | null;
  readonly providerRefundId: string | null;
  readonly here: Side | null;
  readonly there: Side | null;
  readonly action: Action;
};

export function sideOf({ amountMinor, currency, status }: Side): Side {
  return { amountMinor, currency, status };
}

export type Reconciliation = {
  readonly provider: PaymentProvider;
  /** A day as the provider counts days: `2026-11-21`. */
  readonly date: string;
  /** Finds, and changes nothing. */
  readonly isDryRun: boolean;
  /** Asks the provider about everything that its bill lacks, however much that is. */
  readonly isToAskAboutAll: boolean;
  readonly signal: AbortSignal;
  /** Told one by one; the next is looked for when it resolves. */
  readonly tell: (finding: Finding) => void | Promise<void>;
  readonly onMatched: (line: BillLine) => void;
  readonly onProgress: (lines: number, linesExpected: number | null) => void;
};

/** How much a bill lacks beside how much it lists. */
export type Doubt = { readonly missing: number; readonly listed: number };
