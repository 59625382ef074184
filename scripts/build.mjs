import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPages } from './build-pages.mjs';
import { digestOf, haveChanged } from './sources.mjs';

/**
 * Builds `.build/main.js`, the server in one JavaScript file, and `.build/sandbox.js`, the sandbox in another, so that a start compiles
 * nothing: loading the sources takes more than a second. Packages stay external, because two copies of graphql would refuse each other's types.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = join(root, '.build');
export const entry = join(outdir, 'main.js');
/** The reconcile command. Modules that both entries use are in the build once. */
export const reconcileEntry = join(outdir, 'reconcile-main.js');
/** The command that administers merchants and API keys. */
export const paystreamEntry = join(outdir, 'paystream-main.js');

const sandboxEntry = join(outdir, 'sandbox.js');
const entries = [entry, reconcileEntry, paystreamEntry, sandboxEntry];

const sources = ['src', 'sandbox', 'prisma/generated/client', 'package-lock.json', 'scripts/build.mjs'];
/** Written last: without it the build is not complete. */
const stamp = join(outdir, 'built.txt');

export function isBuilt() {
  return [...entries, stamp].every((file) => existsSync(file));
}

/** True when a source of the build is newer than the build. */
export function isStale() {
  return !isBuilt() || haveChanged(sources, stamp);
}

export async function build() {
  const { build: bundle } = await import('esbuild');
  const options = {
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    sourcemap: true,
    logLevel: 'warning',
    plugins: [ownAddress],
  };
  await bundle({
    entryPoints: [join(root, 'src/main.ts'), join(root, 'src/reconcile-main.ts'), join(root, 'src/paystream-main.ts')],
    outdir,
    splitting: true,
    ...options,
  });
  await bundle({
    entryPoints: [join(root, 'sandbox/main.ts')],
    outfile: sandboxEntry,
    ...options,
  });
  await writeFile(stamp, digestOf(sources));
}

/** Keeps `import.meta.url` relative to the source file and not to the build, and lets the server start the built sandbox. */
const ownAddress = {
  name: 'own-address',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const text = path.endsWith(join('src', 'development.ts'))
        ? source.replace("'../sandbox/main.ts'", "'../.build/sandbox.js'")
        : source;
      if (!text.includes('import.meta.url')) return null;
      const from = JSON.stringify(relative(outdir, path).split(sep).join('/'));
      return { loader: 'ts', contents: text.replaceAll('import.meta.url', `new URL(${from}, import.meta.url).href`) };
    });
  },
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build();
  await buildPages();
}
