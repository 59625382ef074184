import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cellsOf, type Report, tableMarkdown } from './support/report.ts';

const file = fileURLToPath(new URL('README.md', import.meta.url));
const [begin, end] = ['<!-- results -->', '<!-- end of results -->'];

/** Replaces the results in bench/README.md. */
export function writeReadme(reports: readonly Report[]): void {
  const text = readFileSync(file, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`bench/README.md must contain ${begin} and, after it, ${end}.`);
  writeFileSync(file, `${text.slice(0, from + begin.length)}\n\n${resultsOf(reports)}\n\n${text.slice(to)}`);
}

function resultsOf(reports: readonly Report[]): string {
  const [first] = reports;
  if (first === undefined) return 'Nothing was measured.';
  const { cores, cpu, memoryGb, node, postgresql } = first.machine;
  const machine = `${cores} cores (${cpu}), ${memoryGb} GB, Node ${node}, PostgreSQL ${postgresql}`;
  const old = first.oldCommit === null ? '' : `, beside the older commit ${first.oldCommit}`;
  const about = `Measured on ${first.at.slice(0, 10)} at commit ${first.commit ?? 'unknown'}${old}: ${machine}. ${first.rounds === 1 ? 'One turn each' : `Medians of ${first.rounds} turns`}.`;
  return [about, ...reports.map(sectionOf)].join('\n\n');
}

function sectionOf(report: Report): string {
  const limit = report.limitSummary === null ? '' : ` Limit: ${report.limitSummary}`;
  const summary = `${report.summary[0]?.toUpperCase()}${report.summary.slice(1)}`;
  return `### ${report.bench}\n\n${summary}${limit}\n\n${tableMarkdown(cellsOf(report))}`;
}
