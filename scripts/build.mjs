import { existsSync, readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Makes `.build/main.js`, the server as one file of JavaScript, so that a start compiles nothing: loading the sources themselves
 * costs more than a second. Packages stay outside, for two copies of graphql would refuse each other's types.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = join(root, '.build');
export const entry = join(outdir, 'main.js');
/** The command beside the server; what both use is in the build once. */
export const reconcileEntry = join(outdir, 'reconcile-main.js');

/** True unless everything that goes into the build is older than it. */
export function isStale() {
  const built = statSync(entry, { throwIfNoEntry: false });
  if (built === undefined || !existsSync(reconcileEntry)) return true;
  return ['src', 'prisma/generated/client', 'package-lock.json', 'scripts/build.mjs'].some(
    (place) => newest(join(root, place)) > built.mtimeMs,
  );
}

function newest(path) {
  const own = statSync(path, { throwIfNoEntry: false });
  if (own === undefined) return Number.POSITIVE_INFINITY;
  if (!own.isDirectory()) return own.mtimeMs;
  return Math.max(own.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

export async function build() {
  const { build: bundle } = await import('esbuild');
  await bundle({
    entryPoints: [join(root, 'src/main.ts'), join(root, 'src/reconcile-main.ts')],
    outdir,
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    sourcemap: true,
    logLevel: 'warning',
    plugins: [ownAddress],
  });
}

/** A file that looks for its neighbours must look from where its source is, not from where the build is. */
const ownAddress = {
  name: 'own-address',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (!text.includes('import.meta.url')) return null;
      const from = JSON.stringify(relative(outdir, path).split(sep).join('/'));
      return { loader: 'ts', contents: text.replaceAll('import.meta.url', `new URL(${from}, import.meta.url).href`) };
    });
  },
};

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
