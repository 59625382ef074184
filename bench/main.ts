import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { benches } from './benches.ts';
import { writeReadme } from './readme.ts';
import type { Bench } from './support/bench.ts';
import { showProgress } from './support/progress.ts';
import { cellsOf, commitOf, describe, type Machine, type Report, readMachine, tableText } from './support/report.ts';
import { closeScopes } from './support/scope.ts';
import { takeTurns } from './support/turns.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const usage = `npm run bench -- NAME… [--rounds N] [--quick] [--old DIR] [--json FILE]
npm run bench -- all     runs every bench and writes bench/README.md, unless one fails

  --rounds N   how often each side has its turn; the medians are reported. Default: 3
  --quick      the smallest setting and one round, which shows that a bench still runs
  --large      history at a million orders: many minutes, and several GB of disk
  --old DIR    an older checkout with its dependencies, measured by turns with this one
  --json FILE  the reports with the values of each round

DATABASE_URL names a PostgreSQL server on which databases may be made. Linux only, because the benches read /proc.

${benches.map((bench) => describe(bench)).join('\n')}`;

type Options = {
  readonly chosen: readonly Bench[];
  readonly isAll: boolean;
  readonly rounds: number;
  readonly isQuick: boolean;
  readonly isLarge: boolean;
  readonly oldDir: string | null;
  readonly json: string | null;
  readonly adminUrl: string;
};

/** @throws {Error} with a sentence for the caller. */
function readOptions(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      large: { type: 'boolean', default: false },
      old: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const isAll = positionals.includes('all');
  const chosen = isAll ? benches : benches.filter(({ name }) => positionals.includes(name));
  const unknown = positionals.filter((name) => name !== 'all' && !benches.some((bench) => bench.name === name));
  if (chosen.length === 0 || unknown.length > 0)
    throw new Error(`${unknown.join(', ') || 'Nothing'} is no bench.\n\n${usage}`);
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be a whole number from 1 on.');
  const adminUrl = process.env.DATABASE_URL;
  if (!adminUrl) throw new Error('DATABASE_URL must name a PostgreSQL server on which databases may be made.');
  return {
    ...{ chosen, isAll, rounds, adminUrl, isQuick: values.quick, isLarge: values.large },
    oldDir: values.old === undefined ? null : resolve(values.old),
    json: values.json ?? null,
  };
}

async function measure(bench: Bench, options: Options, machine: Machine): Promise<Report> {
  const { rounds, isQuick, isLarge, oldDir, adminUrl } = options;
  const at = new Date().toISOString();
  const beganMs = performance.now();
  const progress = showProgress(bench.name, process.stderr);
  try {
    const rows = await takeTurns(bench, {
      ...{ dir: root, oldDir, rounds, isQuick, isLarge, adminUrl },
      onStep: ({ turn, turns, text }) => progress.step(turn, turns, text),
    });
    return {
      ...{
        bench: bench.name,
        summary: bench.summary,
        limitSummary: bench.limitSummary,
        isQuick,
        rounds,
        at,
        machine,
        rows,
      },
      commit: commitOf(root),
      oldCommit: oldDir === null ? null : commitOf(oldDir),
      tookSeconds: Math.round((performance.now() - beganMs) / 1000),
    };
  } finally {
    progress.stop();
  }
}

/** A start of a checkout whose build is older than its sources would build it first, in the process that is measured. */
async function buildIfStale(dir: string): Promise<void> {
  const scripts = pathToFileURL(join(dir, 'scripts', 'build.mjs')).href;
  const { isStale, build } = (await import(scripts)) as { isStale: () => boolean; build: () => Promise<void> };
  if (isStale()) await build();
}

async function main(): Promise<void> {
  const options = readOptions();
  for (const dir of [root, options.oldDir]) if (dir !== null) await buildIfStale(dir);
  const machine = await readMachine(options.adminUrl);
  const reports: Report[] = [];
  for (const bench of options.chosen) {
    const report = await measure(bench, options, machine).catch((error: unknown) => {
      console.error(`\n${bench.name} failed: ${error instanceof Error ? error.message : error}`);
      return null;
    });
    if (report === null) continue;
    reports.push(report);
    console.log(`\n${describe(bench)}\n\n${tableText(cellsOf(report))}`);
    if (options.json !== null) writeFileSync(options.json, `${JSON.stringify(reports, null, 2)}\n`);
  }
  if (reports.length < options.chosen.length) process.exitCode = 1;
  else if (options.isAll && !options.isQuick) writeReadme(reports);
}

process.once('SIGINT', () => void closeScopes().finally(() => process.exit(130)));
process.once('SIGTERM', () => void closeScopes().finally(() => process.exit(143)));
main().then(
  () => process.exit(),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
