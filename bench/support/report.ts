import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import pg from 'pg';
import type { Bench, Unit } from './bench.ts';
import type { Row, Side } from './turns.ts';

export type Machine = {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGb: number;
  readonly node: string;
  readonly postgresql: string;
};

/** What a bench has found, as `--json` writes it. */
export type Report = {
  readonly bench: string;
  readonly summary: string;
  readonly limitSummary: string | null;
  readonly isQuick: boolean;
  readonly rounds: number;
  /** The commits that were compared; null outside of a git checkout. */
  readonly commit: string | null;
  readonly oldCommit: string | null;
  readonly at: string;
  readonly tookSeconds: number;
  readonly machine: Machine;
  readonly rows: readonly Row[];
};

export async function readMachine(adminUrl: string): Promise<Machine> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    return {
      cores: cpus().length,
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      memoryGb: Math.round(totalmem() / 1e9),
      node: process.versions.node,
      postgresql: rows[0]?.server_version.split(' ')[0] ?? 'unknown',
    };
  } finally {
    await client.end();
  }
}

export function commitOf(dir: string): string | null {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: dir, stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    return null;
  }
}

/** The cells of the table, the head first. Columns without any value are left out. */
export function cellsOf({ rows }: Pick<Report, 'rows'>): readonly (readonly string[])[] {
  const has = (side: Side) => rows.some(({ medians }) => medians[side] !== undefined);
  const [hasOld, hasLimit] = [has('old'), has('limit')];
  const head = ['measure', 'product'];
  if (hasLimit) head.push('limit', 'of limit');
  if (hasOld) head.push('old', 'of old');
  const body = rows.map(({ name, unit, medians: { product, limit, old } }) => {
    const cells = [name, valueText(product, unit)];
    if (hasLimit) cells.push(valueText(limit, unit), ratioText(product, limit));
    if (hasOld) cells.push(valueText(old, unit), ratioText(product, old));
    return cells;
  });
  return [head, ...body];
}

const unitTexts: Readonly<Record<Unit, string>> = {
  ...{ '/s': '/s', ms: ' ms', µs: ' µs', s: ' s', MB: ' MB', kB: ' kB' },
  ...{ count: '', '/min': '/min', ratio: '' },
};

function valueText(value: number | null | undefined, unit: Unit): string {
  if (value === undefined) return '';
  if (value === null) return '–';
  return `${digits(value)}${unitTexts[unit]}`;
}

function ratioText(value: number | null | undefined, by: number | null | undefined): string {
  if (value == null || by == null || by === 0) return '';
  return digits(value / by);
}

/** Three significant digits; whole numbers from 100 on, with a blank between thousands. */
function digits(value: number): string {
  if (Math.abs(value) >= 100) return String(Math.round(value)).replaceAll(/\B(?=(\d{3})+$)/g, ' ');
  return String(Number(value.toPrecision(3)));
}

/** For a terminal: columns of equal width. */
export function tableText(cells: readonly (readonly string[])[]): string {
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n');
}

export function tableMarkdown(cells: readonly (readonly string[])[]): string {
  const [head = [], ...body] = cells;
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [head, rule, ...body].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

export function describe({ name, summary, limitSummary }: Pick<Bench, 'name' | 'summary' | 'limitSummary'>): string {
  return `${name}: ${summary}${limitSummary === null ? '' : ` Limit: ${limitSummary}`}`;
}
