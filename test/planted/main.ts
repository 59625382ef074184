// `npm run prove:planted`: applies each planted bug to a copy of the project and lets the schedules find it. See README.md beside this.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { databaseServer, optionsOrExit } from '../support/command-options.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const plantedDir = fileURLToPath(new URL('.', import.meta.url));
/** A bug that is not found within this number of schedules counts as not found. */
const schedulesMax = 600;

type Planted = {
  readonly name: string;
  readonly path: string;
  readonly needsPostgresql: boolean;
  /** The test file that must find the bug, for one that harms only the neighbours of a change; null for the schedules. */
  readonly testFile: string | null;
};
type Catch = { readonly by: string; readonly why: string };

function readPlanted(wanted: readonly string[]): Planted[] {
  return readdirSync(plantedDir)
    .filter((file) => file.endsWith('.patch'))
    .sort()
    .map((file) => {
      const path = join(plantedDir, file);
      const text = readFileSync(path, 'utf8');
      return {
        name: file.replace(/\.patch$/, ''),
        path,
        needsPostgresql: /^Needs: postgresql/m.test(text),
        testFile: /^Found by: (\S+)/m.exec(text)?.[1] ?? null,
      };
    })
    .filter(({ name }) => wanted.length === 0 || wanted.includes(name));
}

/** Copies the project, including uncommitted changes, with its installed packages. */
function copyProject(to: string): void {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const file of listed.toString().split('\0').filter(Boolean)) {
    if (!existsSync(join(root, file))) continue; // deleted but still in the index
    mkdirSync(dirname(join(to, file)), { recursive: true });
    cpSync(join(root, file), join(to, file));
  }
  for (const made of ['node_modules', 'prisma/generated', 'generated', 'packages/client/generated']) {
    symlinkSync(join(root, made), join(to, made));
  }
}

type Ended = { readonly code: number | null; readonly said: string };

/** The group of the program that is running, and the signal that has ended this command. */
let running: number | null = null;
let stoppedBy: NodeJS.Signals | null = null;

/** Runs a program of Node in the copy, in a process group of its own, so that it ends with all that it has started. */
async function runNode(dir: string, args: readonly string[], databaseUrl: string | null): Promise<Ended> {
  const { DATABASE_URL: _ours, ...env } = process.env;
  const child = spawn(process.execPath, args, {
    cwd: dir,
    env: { ...env, NO_COLOR: '1', ...(databaseUrl !== null && { DATABASE_URL: databaseUrl }) },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running = child.pid ?? null;
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += String(chunk);
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  running = null;
  return { code, said };
}

function stop(signal: NodeJS.Signals): void {
  const isFirst = stoppedBy === null;
  stoppedBy = signal;
  if (running === null) return;
  try {
    process.kill(-running, isFirst ? 'SIGTERM' : 'SIGKILL'); // who asks twice does not want to wait
  } catch {
    // It has just ended.
  }
}

async function prove(dir: string, { needsPostgresql }: Planted, databaseUrl: string): Promise<Catch | null> {
  const args = ['--import', 'tsx', 'test/prove/main.ts', '--bail', '--schedules', String(schedulesMax)];
  const { code, said } = await (needsPostgresql
    ? runNode(dir, [...args, '--nodes', '2'], databaseUrl)
    : runNode(dir, args, null));
  if (code === 0) return null;
  const [, seed] = /--seed (\d+)/.exec(said) ?? [];
  // The proof must have failed, not the program.
  if (seed === undefined) throw new Error(`The runner ended with ${code} and named no seed:\n${said.slice(-2000)}`);
  const [why = ''] = /^.*[Ii]nvariant.*$/m.exec(said) ?? [];
  return { by: `seed ${seed}`, why: why.trim() };
}

/** Runs the test file, which must fail by one of its tests. */
async function runTest(
  dir: string,
  testFile: string,
  { needsPostgresql }: Planted,
  databaseUrl: string,
): Promise<Catch | null> {
  const args = ['node_modules/vitest/vitest.mjs', 'run', testFile, '--testTimeout', '30000'];
  const { code, said } = await runNode(dir, args, needsPostgresql ? databaseUrl : null);
  if (code === 0) return null;
  const [, why] = /FAIL .* > (.*)/.exec(said) ?? [];
  if (why === undefined) throw new Error(`${testFile} ended with ${code} without a failed test:\n${said.slice(-2000)}`);
  return { by: testFile, why };
}

/** Why git refuses to apply a patch; null when it does not. */
function refusalOf(args: readonly string[], cwd: string): string | null {
  try {
    execFileSync('git', ['apply', ...args], { cwd, stdio: 'pipe' });
    return null;
  } catch (error) {
    const { stderr } = error as { stderr?: Buffer };
    return `DOES NOT APPLY: ${String(stderr).trim().split('\n')[0]}`;
  }
}

async function run(
  planted: Planted,
  databaseUrl: string,
  applyOnly: boolean,
): Promise<{ isCaught: boolean; line: string }> {
  if (applyOnly) {
    const isListed = readFileSync(join(plantedDir, 'README.md'), 'utf8').includes(`| \`${planted.name}\` |`);
    const refusal = refusalOf(['--check', planted.path], root) ?? (isListed ? null : 'IS NOT IN THE README');
    return refusal === null ? { isCaught: true, line: 'applies' } : { isCaught: false, line: refusal };
  }
  const dir = mkdtempSync(join(tmpdir(), 'paystream-planted-'));
  const startedMs = Date.now();
  try {
    copyProject(dir);
    const refusal = refusalOf([planted.path], dir);
    if (refusal !== null) return { isCaught: false, line: refusal };
    const { testFile } = planted;
    const caught = await (testFile === null
      ? prove(dir, planted, databaseUrl)
      : runTest(dir, testFile, planted, databaseUrl));
    const seconds = ((Date.now() - startedMs) / 1000).toFixed(0);
    const by = testFile ?? `${schedulesMax} schedules`;
    if (caught === null) return { isCaught: false, line: `NOT CAUGHT by ${by}, ${seconds} s` };
    return { isCaught: true, line: `caught by ${caught.by}, ${seconds} s: ${caught.why}` };
  } catch (error) {
    return { isCaught: false, line: `FAILED: ${error instanceof Error ? error.message : error}` };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const usage = `DATABASE_URL=postgresql://… npm run prove:planted -- [options] [NAME…]
  --apply-only   checks that the bugs can be planted and are in the README, and does not look for them
  --by-tests     only the bugs that a test finds, which takes less time than the schedules
  NAME           only this bug; without a name, all in test/planted`;

const { bugs, applyOnly, databaseUrl } = optionsOrExit(usage, () => {
  const option = { type: 'boolean', default: false } as const;
  const options = { 'apply-only': option, 'by-tests': option };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const { 'apply-only': applyOnly, 'by-tests': byTests } = values;
  const named = readPlanted(positionals);
  const unknown = positionals.filter((name) => !named.some((bug) => bug.name === name));
  if (unknown.length > 0) throw new Error(`There is no planted bug ${unknown.join(', ')}. See test/planted.`);
  const bugs = byTests ? named.filter(({ testFile }) => testFile !== null) : named;
  // Some need two transactions at once.
  const isServerNeeded = !applyOnly && bugs.some(({ needsPostgresql }) => needsPostgresql);
  return { bugs, applyOnly, databaseUrl: isServerNeeded ? databaseServer() : (process.env.DATABASE_URL ?? '') };
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
let caught = 0;
for (const bug of bugs) {
  const { isCaught, line } = await run(bug, databaseUrl, applyOnly);
  if (stoppedBy !== null) process.exit(stoppedBy === 'SIGINT' ? 130 : 143);
  if (isCaught) caught += 1;
  console.log(`${bug.name}: ${line}`);
}
console.log(`${bugs.length} planted bugs, ${caught} ${applyOnly ? 'apply' : 'caught'}`);
process.exit(caught === bugs.length ? 0 : 1);
