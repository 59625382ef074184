import { differenceKinds, type Finding, type FindingKind } from './finding.ts';

/** How much of one kind there is, of one currency. */
export type Sum = {
  readonly kind: FindingKind | 'MATCHED';
  readonly subject: 'payment' | 'refund';
  readonly currency: string;
  readonly count: number;
  readonly amountMinor: bigint;
};

/** Counts what is found, and keeps the first of each kind to be shown. What it keeps does not grow with the bill. */
export type Tally = {
  matched(line: Pick<Sum, 'currency' | 'amountMinor'> & { readonly kind: 'payment' | 'refund' }): void;
  found(finding: Finding): void;
  sums(): readonly Sum[];
  shown(kind: FindingKind): readonly Finding[];
  count(kind: FindingKind): number;
  differences(): number;
};

export const shownMax = 100;

export function createTally(): Tally {
  const sums = new Map<string, Sum>();
  const shown = new Map<FindingKind, Finding[]>();
  const add = (kind: Sum['kind'], subject: Sum['subject'], amount: Pick<Sum, 'currency' | 'amountMinor'>) => {
    const { currency, amountMinor } = amount;
    const key = `${kind} ${subject} ${currency}`;
    const held = sums.get(key) ?? { kind, subject, currency, count: 0, amountMinor: 0n };
    sums.set(key, { ...held, count: held.count + 1, amountMinor: held.amountMinor + amountMinor });
  };
  const count = (wanted: FindingKind) =>
    [...sums.values()].filter(({ kind }) => kind === wanted).reduce((total, sum) => total + sum.count, 0);
  return {
    matched: (line) => add('MATCHED', line.kind, line),
    found(finding) {
      const { kind, subject, there, here } = finding;
      const side = there ?? here;
      if (side !== null) add(kind, subject, side);
      const some = shown.get(kind) ?? [];
      shown.set(kind, some);
      if (some.length < shownMax) some.push(finding);
    },
    sums: () => [...sums.values()],
    shown: (kind) => shown.get(kind) ?? [],
    count,
    differences: () => differenceKinds.reduce((total, kind) => total + count(kind), 0),
  };
}
