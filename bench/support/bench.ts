import type { Scope } from './scope.ts';

/** What every turn gets. */
export type Turn = {
  /** The checkout whose product is measured: this one, or an older one. For the limit, this one. */
  readonly dir: string;
  /** The smallest setting, which only shows that the bench still runs. */
  readonly isQuick: boolean;
  /** A setting that takes many minutes and several GB of disk. */
  readonly isLarge: boolean;
  /** A PostgreSQL server on which databases may be made. */
  readonly adminUrl: string;
  /** An empty directory of this turn. */
  readonly tempDir: string;
  readonly scope: Scope;
  /** Shows what the turn is doing. */
  say(text: string): void;
};

/** One measured number. Rows of product and limit with the same name are compared. `value` is null when it could not be measured. */
export type Measure = { readonly name: string; readonly unit: Unit; readonly value: number | null };
export type Unit = '/s' | 'ms' | 'µs' | 's' | 'MB' | 'kB' | 'count' | '/min' | 'ratio';

export type Bench = {
  readonly name: string;
  /** What is measured, as a sentence. */
  readonly summary: string;
  /** What the limit is, as a sentence; null when there is none. */
  readonly limitSummary: string | null;
  product(turn: Turn): Promise<readonly Measure[]>;
  readonly limit: ((turn: Turn) => Promise<readonly Measure[]>) | null;
};
