/** Counts steps, faults, crashes and outcomes, to show which are never reached. */
export class Tally {
  readonly #counts = new Map<string, Map<string, number>>();

  count(kind: string, name: string, times = 1): void {
    const names = this.#counts.get(kind) ?? new Map<string, number>();
    this.#counts.set(kind, names.set(name, (names.get(name) ?? 0) + times));
  }

  of(kind: string, name: string): number {
    return this.#counts.get(kind)?.get(name) ?? 0;
  }

  add(rows: TallyRows): void {
    for (const [kind, name, times] of rows) this.count(kind, name, times);
  }

  /** Plain rows, which a worker can send to its parent. */
  rows(): TallyRows {
    return [...this.#counts].flatMap(([kind, names]) =>
      [...names].map(([name, times]): TallyRows[number] => [kind, name, times]),
    );
  }

  toString(): string {
    const lines = [...this.#counts].map(([kind, names]) => {
      const sorted = [...names].sort(([, a], [, b]) => b - a);
      return `${kind}\n  ${sorted.map(([name, times]) => `${name} ${times}`).join(', ')}`;
    });
    return lines.join('\n');
  }
}

export type TallyRows = readonly (readonly [kind: string, name: string, times: number])[];
