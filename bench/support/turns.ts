import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench, Measure, Turn, Unit } from './bench.ts';
import { withScope } from './scope.ts';
import { median } from './statistics.ts';

/** Who is measured: this checkout, an older one, or the limit of the machine. */
export type Side = 'product' | 'old' | 'limit';

/** The medians over all rounds, and the values of each round. */
export type Row = {
  readonly name: string;
  readonly unit: Unit;
  readonly medians: Readonly<Partial<Record<Side, number | null>>>;
  readonly values: Readonly<Partial<Record<Side, readonly (number | null)[]>>>;
};

export type Plan = {
  readonly dir: string;
  /** An older checkout with its own dependencies; null when there is none to compare with. */
  readonly oldDir: string | null;
  readonly rounds: number;
  readonly isQuick: boolean;
  readonly isLarge: boolean;
  readonly adminUrl: string;
  /** Called before each turn and whenever a turn tells what it does. */
  readonly onStep: (step: { readonly turn: number; readonly turns: number; readonly text: string }) => void;
};

/** Measures all sides of a bench by turns, so that a change of the machine's speed meets all of them. */
export async function takeTurns(bench: Bench, plan: Plan): Promise<readonly Row[]> {
  const { limit } = bench;
  const { dir, oldDir } = plan;
  const sides: { side: Side; dir: string; run: (turn: Turn) => Promise<readonly Measure[]> }[] = [
    { side: 'product', dir, run: (turn) => bench.product(turn) },
  ];
  if (oldDir !== null) sides.push({ side: 'old', dir: oldDir, run: (turn) => bench.product(turn) });
  if (limit !== null) sides.push({ side: 'limit', dir, run: limit });
  const taken: { side: Side; measures: readonly Measure[] }[] = [];
  const turns = plan.rounds * sides.length;
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const { side, dir, run } of sides) {
      const say = (text: string) => plan.onStep({ turn: taken.length, turns, text: `${side}: ${text}` });
      say('starting');
      const measures = await takeTurn(run, { ...plan, dir }, say).catch((error: unknown) => {
        // An older checkout may fail at what was built since. The others are measured all the same.
        if (side !== 'old') throw error;
        console.error(`\n${bench.name}, old: ${error instanceof Error ? error.message : error}`);
        return [];
      });
      taken.push({ side, measures });
    }
  }
  return rowsOf(taken);
}

function takeTurn(
  run: (turn: Turn) => Promise<readonly Measure[]>,
  { dir, isQuick, isLarge, adminUrl }: Plan,
  say: Turn['say'],
): Promise<readonly Measure[]> {
  return withScope((scope) => {
    const tempDir = mkdtempSync(join(tmpdir(), 'paystream-bench-'));
    scope.keep({ close: () => rmSync(tempDir, { recursive: true, force: true }) });
    return run({ dir, isQuick, isLarge, adminUrl, tempDir, scope, say });
  });
}

function rowsOf(taken: readonly { readonly side: Side; readonly measures: readonly Measure[] }[]): Row[] {
  const rows = new Map<string, { unit: Unit; values: Partial<Record<Side, (number | null)[]>> }>();
  for (const { side, measures } of taken) {
    for (const { name, unit, value } of measures) {
      const row = rows.get(name) ?? { unit, values: {} };
      rows.set(name, row);
      row.values[side] = [...(row.values[side] ?? []), value];
    }
  }
  return [...rows].map(([name, { unit, values }]) => ({
    ...{ name, unit, values },
    medians: Object.fromEntries(Object.entries(values).map(([side, all]) => [side, medianOf(all)])),
  }));
}

function medianOf(values: readonly (number | null)[]): number | null {
  return median(values.filter((value) => value !== null));
}
