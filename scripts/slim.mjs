import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * The last step of an installation without development dependencies: removes from `node_modules` what only the installation needed, which is
 * more than half of it: the Prisma CLI with its studio, and what the pages are built with. What the builds import stays, with everything that it
 * depends on. Has no effect where development dependencies are installed.
 */
const root = dirname(fileURLToPath(new URL('.', import.meta.url)));

/** What is used besides the builds: this script looks into them with esbuild, and `npm run sandbox` runs sources. */
const alsoUsed = ['esbuild', 'tsx'];
/** Packages that only a development installation has. */
const forDevelopment = ['vitest', '@biomejs/biome'];

/** Files of packages that stay: what Prisma brings along for other databases and runtimes. */
const unusedIn = '@prisma/client/runtime';
const unusedFiles = /\.(mysql|sqlite|sqlserver|cockroachdb)\.|^query_compiler_small_|^wasm-compiler-edge|\.map$/;

/** The names of the packages that the files of the builds import. */
async function importedByBuilds() {
  const dir = join(root, '.build');
  const entryPoints = readdirSync(dir)
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(dir, name));
  const { metafile } = await build({
    ...{ entryPoints, outdir: dir, bundle: true, platform: 'node', format: 'esm', packages: 'external' },
    ...{ write: false, metafile: true, logLevel: 'error' },
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  return imports.filter(({ external, path }) => external && !isBuiltin(path)).map(({ path }) => packageOf(path));
}

function packageOf(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** The folder of a package as Node finds it from another folder; null when it is not installed, as an optional one may be. */
function locate(name, from) {
  const found = join(from, 'node_modules', name);
  if (existsSync(join(found, 'package.json'))) return found;
  return from === root ? null : locate(name, dirname(from));
}

/** The folders of these packages, and of all that they need. */
function closureOf(names) {
  const kept = new Set();
  const queue = names.map((name) => locate(name, root));
  for (const dir of queue) {
    if (dir === null || kept.has(dir)) continue;
    kept.add(dir);
    const manifest = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'));
    const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta: meta } = manifest;
    // An optional peer is something that a package can work with. Whoever wants that imports it.
    const peers = Object.keys(peerDependencies ?? {}).filter((name) => !meta?.[name]?.optional);
    const needed = [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers];
    queue.push(...needed.map((name) => locate(name, dir)));
  }
  return kept;
}

/** The folders of all packages, also of those that are nested in others. Workspaces are links, and stay. */
function packagesIn(modules) {
  const foldersIn = (dir) =>
    readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => join(dir, name));
  if (!existsSync(modules)) return [];
  const own = foldersIn(modules).flatMap((dir) => (dir.startsWith(join(modules, '@')) ? foldersIn(dir) : [dir]));
  return own.flatMap((dir) => [dir, ...packagesIn(join(dir, 'node_modules'))]);
}

async function slim() {
  const kept = closureOf([...(await importedByBuilds()), ...alsoUsed]);
  const places = [root, join(root, 'web'), join(root, 'packages/client')].map((dir) => join(dir, 'node_modules'));
  // A package that another one is nested in goes with it, unless the nested one stays.
  const isKept = (dir) => kept.has(dir) || [...kept].some((inner) => inner.startsWith(dir + sep));
  const unused = places.flatMap(packagesIn).filter((dir) => !isKept(dir));
  for (const dir of unused) rmSync(dir, { recursive: true, force: true });
  const runtime = join(root, 'node_modules', unusedIn);
  for (const name of readdirSync(runtime)) if (unusedFiles.test(name)) rmSync(join(runtime, name));
}

if (forDevelopment.every((name) => locate(name, root) === null)) await slim();
