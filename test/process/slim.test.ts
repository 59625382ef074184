import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import ts from 'typescript';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { projectRoot } from '../support/server-process.ts';

/** Packages that only a development installation has. */
const forDevelopment = ['vitest', '@biomejs/biome'];

// Not below the project, in whose node_modules everything would be found.
const parent = mkdtempSync(join(tmpdir(), 'paystream-slim-'));
const app = join(parent, 'app');
const modules = join(app, 'node_modules');
/** What belongs to others: beside the folder, above it, and what its node_modules link to. */
const foreign = [
  join(parent, 'node_modules/vite/package.json'),
  join(parent, 'beside/node_modules/vite/package.json'),
  join(parent, 'linked/package.json'),
];

beforeAll(() => {
  mkdirSync(app);
  const left = ['.git', 'node_modules', '.data', '.build'];
  for (const name of readdirSync(projectRoot).filter((name) => !left.some((each) => name.startsWith(each))))
    cpSync(join(projectRoot, name), join(app, name), { recursive: true, preserveTimestamps: true });
  copyModules(join(projectRoot, 'node_modules'), modules);
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: app, stdio: 'inherit' });
  for (const file of foreign) {
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, '{"name": "vite"}');
  }
  execFileSync('ln', ['-s', join(parent, 'linked'), join(modules, 'linked-package')]);
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

/** The script removes files and changes none: links to them are copies enough. */
function copyModules(from: string, to: string): void {
  try {
    execFileSync('cp', ['-al', from, to], { stdio: 'ignore' });
  } catch {
    rmSync(to, { recursive: true, force: true });
    execFileSync('cp', ['-a', from, to]);
  }
}

/** Runs the script from somewhere else, as npm may. */
function slim(): void {
  execFileSync(process.execPath, [join(app, 'scripts/slim.mjs')], { cwd: parent });
}

/** A command of the folder, to its end. */
async function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const { PATH = '' } = process.env;
  const env = { PATH, DATA_DIR: join(parent, 'data'), PORT: '0', SANDBOX_PORT: '0', ...environment };
  const child = spawn(process.execPath, args, { cwd: app, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [said, complaint, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { said, complaint, code };
}

const packages = () => readdirSync(modules).sort();

test('with development dependencies it removes nothing', () => {
  const before = packages();
  slim();
  expect(packages()).toEqual(before);
  expect(before).toEqual(expect.arrayContaining(['prisma', 'vite', 'vitest']));
});

test('after an installation for production it removes what only that needed, and nothing outside of its own node_modules', () => {
  for (const name of forDevelopment) rmSync(join(modules, name), { recursive: true });
  slim();
  const names = packages();
  for (const name of ['prisma', 'vite', 'typescript', 'react']) expect(names).not.toContain(name);
  for (const name of ['graphql', 'pg', 'stripe', 'esbuild', 'tsx']) expect(names).toContain(name);
  for (const file of foreign) expect([file, existsSync(file)]).toEqual([file, true]);
  for (const name of forDevelopment) expect(existsSync(join(projectRoot, 'node_modules', name))).toBe(true);
  slim(); // a second time there is nothing to do
  expect(packages()).toEqual(names);
});

test('every package that the builds import, at the start or later, is left, with all that it imports itself', async () => {
  const built = join(app, '.build');
  const files = readdirSync(built).filter((name) => name.endsWith('.js'));
  const imported = files.flatMap((name) => ts.preProcessFile(readFileSync(join(built, name), 'utf8')).importedFiles);
  const names = [...new Set(imported.map(({ fileName }) => fileName))].filter(
    (name) => !name.startsWith('.') && !isBuiltin(name),
  );
  expect(names).toEqual(expect.arrayContaining(['graphql', 'ioredis', 'pg', 'prom-client', 'stripe', 'yazl']));
  writeFileSync(join(app, 'import-all.mjs'), names.map((name) => `await import(${JSON.stringify(name)});`).join('\n'));
  expect(await run(['import-all.mjs'])).toMatchObject({ complaint: '', code: 0 });
});

test('what is left starts the server with its sandbox and pages and runs the commands, also from a copy that gave every file a new time', async () => {
  for (const place of ['src', 'sandbox', 'web', 'packages']) touchAll(join(app, place));
  const built = statSync(join(app, '.build/main.js')).mtimeMs;
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, ['scripts/start.mjs'], {
    cwd: app,
    env: { PATH, DATA_DIR: join(parent, 'data'), PORT: '0', SANDBOX_PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  onTestFinished(() => void child.kill('SIGKILL'));
  const banner: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    banner.push(line);
    if (line.startsWith('Token')) break;
  }
  const [, url = ''] = /(http:\/\/\S+)\/graphql/.exec(banner.join('\n')) ?? [];
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  for (const page of ['shop', 'dashboard']) expect((await fetch(`${url}/${page}`)).status).toBe(200);
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);

  expect(await run(['scripts/paystream.mjs', 'merchant', 'list'])).toMatchObject({ code: 0 });
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  expect(await run(['scripts/reconcile.mjs', '--provider', 'stripe', '--date', yesterday])).toMatchObject({ code: 0 });
  expect(await run(['--import', 'tsx', 'scripts/print-sandbox-env.ts', 'stripe'])).toMatchObject({
    ...{ code: 0, said: expect.stringContaining('STRIPE_SECRET_KEY=') },
  });
  expect(statSync(join(app, '.build/main.js')).mtimeMs).toBe(built);
});

test('sources that differ from the build are named with the remedy, and so is a build that is missing', async () => {
  for (const file of ['src/main.ts', 'web/shared/theme.css']) {
    const before = readFileSync(join(app, file));
    appendFileSync(join(app, file), '\n');
    const args = file.startsWith('web') ? ['scripts/start.mjs', '--nonsense'] : ['scripts/paystream.mjs', '--help'];
    const { complaint } = await run(args);
    expect(complaint).toMatch(/^The sources are newer than the build, which runs as it is: run npm ci --omit=dev\n/);
    writeFileSync(join(app, file), before);
  }
  expect(await run(['scripts/paystream.mjs', '--help'])).toMatchObject({ complaint: '', code: 0 });
  rmSync(join(app, '.build/web/built.txt'));
  expect(await run(['scripts/start.mjs'])).toMatchObject({
    ...{ complaint: 'There is no complete build: run npm ci --omit=dev\n', code: 1 },
  });
});

function touchAll(dir: string): void {
  const soon = new Date(Date.now() + 60_000);
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const { parentPath, name } of entries) utimesSync(join(parentPath, name), soon, soon);
}
