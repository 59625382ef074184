import type { BillLine } from '../domain/reconciliation.ts';
import type { PaymentProvider } from '../providers/provider.ts';
import type { UnlistedAnswer } from './ask-about-unlisted.ts';
import type { Settlement } from './settle-difference.ts';

export const differenceKinds = ['MISSING_HERE', 'MISSING_THERE', 'DIFFERENT_AMOUNT', 'LISTED_TWICE'] as const;
/**
 * `FOREIGN` and `NEAR_BORDER` are not differences: the money of another system, and money that may be in the bill of a neighbouring day.
 */
export type FindingKind = (typeof differenceKinds)[number] | 'FOREIGN' | 'NEAR_BORDER';

/**
 * - `NONE`: there was nothing to do, or this is a dry run.
 * - `UNKNOWN_HERE`: the number is ours, but the database does not have it.
 * - `NOT_ASKED`: the bill lacks too much, so the provider was not queried: see `Doubt`.
 * - `FAILED`: an internal error, which is logged.
 */
export type Action = Settlement['action'] | UnlistedAnswer | 'NONE' | 'UNKNOWN_HERE' | 'NOT_ASKED' | 'FAILED';

/** A payment or refund as one side has it: the database or the bill. */
export type Side = { readonly amountMinor: bigint; readonly currency: string; readonly status: string };

/** A payment or refund that does not match on both sides. `here` is the database, `there` the bill; null when that side lacks it. */
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
  /** A day in the provider's time zone: `2026-11-21`. */
  readonly date: string;
  /** True to find differences and change nothing. */
  readonly isDryRun: boolean;
  /** True to query the provider about everything that its bill lacks, even if that is a lot. */
  readonly isToAskAboutAll: boolean;
  readonly signal: AbortSignal;
  /** Called for each finding, concurrently for several orders. The work on an order continues when the promise resolves. */
  readonly tell: (finding: Finding) => void | Promise<void>;
  readonly onMatched: (line: BillLine) => void;
  readonly onProgress: (lines: number, linesExpected: number | null) => void;
};

/** The number of our payments and refunds that the bill lacks, and the number that it lists. */
export type Doubt = { readonly missing: number; readonly listed: number };
