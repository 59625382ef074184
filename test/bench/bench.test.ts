import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import type { Report } from '../../bench/support/report.ts';
import { projectRoot } from '../support/server-process.ts';

/** Runs benches in their smallest setting, as a user runs them. */
async function run(...names: readonly string[]): Promise<{ output: string; reports: readonly Report[] }> {
  const json = join(mkdtempSync(join(inject('testRun').dir, 'bench-')), 'reports.json');
  const args = ['--import', 'tsx', 'bench/main.ts', ...names, '--quick', '--json', json];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: projectRoot });
  return { output: stdout, reports: JSON.parse(readFileSync(json, 'utf8')) };
}

// The numbers of a test run mean nothing: only that there are some.
test.runIf(process.env.DATABASE_URL)(
  'benches report the product beside the limit, and no gaps and repeats',
  async () => {
    const { output, reports } = await run('callbacks', 'reconnect');
    expect(reports.map(({ bench }) => bench).sort()).toEqual(['callbacks', 'reconnect']);
    const medians = new Map(reports.flatMap(({ rows }) => rows.map((row) => [row.name, row.medians])));
    for (const name of ['callbacks accepted', 'all connected again after']) {
      expect(medians.get(name)).toEqual({ product: expect.any(Number), limit: expect.any(Number) });
      expect(medians.get(name)?.product).toBeGreaterThan(0);
      expect(output).toContain(name);
    }
    expect(medians.get('gaps')).toEqual({ product: 0 });
    expect(medians.get('repeats')).toEqual({ product: 0 });
  },
);

test('without a database, or with a name that is no bench, the command says what to do', async () => {
  const { DATABASE_URL: _ours, ...env } = process.env;
  const bench = (...args: readonly string[]) =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', 'bench/main.ts', ...args], { cwd: projectRoot, env });
  await expect(bench('graphql')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('DATABASE_URL must'),
  });
  await expect(bench('nothing')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('nothing is no bench'),
  });
});
