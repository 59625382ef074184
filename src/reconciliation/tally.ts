import { differenceKinds, type Finding, type FindingKind } from './finding.ts';

/** The number and the total amount of the findings of one kind, subject and currency. */
export type Sum = {
  readonly kind: FindingKind | 'MATCHED';
  readonly subject: 'payment' | 'refund';
  readonly currency: string;
  readonly count: number;
  readonly amountMinor: bigint;
};

/** Counts findings and keeps the first ones of each kind for display. Memory use does not grow with the bill. */
export type Tally = {
  matched(line: Pick<Sum, 'currency' | 'amountMinor'> & { readonly kind: 'payment' | 'refund' }): void;
  found(finding: Finding): void;
  sums(): readonly Sum[];
  shown(kind: FindingKind): readonly Finding[];
  count(kind: FindingKind): number;
  differences(): number;
};

/** The number of findings of each kind that are kept for display. */
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
