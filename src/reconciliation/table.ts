import { formatDecimal } from '../domain/money.ts';
import type { Finding, FindingKind, Side } from './finding.ts';
import type { Sum, Tally } from './tally.ts';

const words: Readonly<Record<Sum['kind'], string>> = {
  MATCHED: 'matched',
  MISSING_HERE: 'missing here',
  MISSING_THERE: 'missing there',
  DIFFERENT_AMOUNT: 'different amount',
  LISTED_TWICE: 'listed twice',
  FOREIGN: 'foreign',
  NEAR_BORDER: 'near border',
};
const kinds = [
  ...(['MATCHED', 'MISSING_HERE', 'MISSING_THERE', 'DIFFERENT_AMOUNT', 'LISTED_TWICE'] as const),
  ...(['FOREIGN', 'NEAR_BORDER'] as const),
] as const;

export type Heading = {
  readonly provider: string;
  readonly account: string;
  readonly date: string;
  readonly from: Date;
  readonly until: Date;
  readonly lines: number;
  readonly dryRun: boolean;
};

/** The results as text: the sums of every kind, then a list of the first findings of each kind except MATCHED. */
export function tableOf({ provider, account, date, from, until, lines, dryRun }: Heading, tally: Tally): string {
  const day = `${from.toISOString()} to ${until.toISOString()}`;
  const parts = [
    `${provider} (${account}), ${date}: ${day}, ${lines} lines${dryRun ? ', nothing changed (--dry-run)' : ''}`,
    sumsOf(tally.sums()),
    ...kinds.filter((kind) => kind !== 'MATCHED' && tally.count(kind) > 0).map((kind) => listOf(kind, tally)),
  ];
  return parts.join('\n\n');
}

function sumsOf(sums: readonly Sum[]): string {
  const cellOf = (kind: Sum['kind'], subject: Sum['subject']) =>
    sums
      .filter((sum) => sum.kind === kind && sum.subject === subject)
      .map((sum) => `${sum.count} (${moneyOf(sum)})`)
      .join(', ') || '0';
  return aligned([
    ['', 'payments', 'refunds'],
    ...kinds.map((kind) => [words[kind], cellOf(kind, 'payment'), cellOf(kind, 'refund')]),
  ]);
}

/** MATCHED is never listed. */
function listOf(kind: Sum['kind'], tally: Tally): string {
  if (kind === 'MATCHED') return '';
  const shown = tally.shown(kind);
  const more = tally.count(kind) - shown.length;
  const rows = [
    [words[kind], 'here', 'there', 'order', 'our number', 'provider’s number', 'action'],
    ...shown.map(rowOf),
  ];
  return more === 0 ? aligned(rows) : `${aligned(rows)}\n… and ${more} more${fullListOf(kind)}`;
}

function fullListOf(kind: FindingKind): string {
  return kind === 'FOREIGN' || kind === 'NEAR_BORDER' ? '' : '; --output FILE lists them all';
}

function rowOf(finding: Finding): string[] {
  const { subject, here, there, orderId, merchantNumber, paymentId, refundId, action } = finding;
  const { providerRefundId, providerPaymentId } = finding;
  return [
    subject,
    sideOf(here),
    sideOf(there),
    orderId ?? '-',
    (subject === 'refund' ? refundId : paymentId) ?? merchantNumber ?? '-',
    (subject === 'refund' ? (providerRefundId ?? providerPaymentId) : providerPaymentId) ?? '-',
    action.toLowerCase().replaceAll('_', ' '),
  ];
}

function sideOf(side: Side | null): string {
  return side === null ? '-' : `${moneyOf(side)} ${side.status}`;
}

function moneyOf(money: { readonly amountMinor: bigint; readonly currency: string }): string {
  return `${formatDecimal(money)} ${money.currency}`;
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
