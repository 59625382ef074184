import { existsSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import { digestOf, haveChanged } from './sources.mjs';

/**
 * Builds the pages of `web/` into `.build/web`: a folder with an `index.html` for each, their scripts and styles in `assets/` under names with a
 * hash, and a brotli and a gzip copy beside each text, so that the server compresses nothing.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const outDir = join(root, '.build/web');
/** Written last: without it the build is not complete. */
const stamp = join(outDir, 'built.txt');

const sources = ['web', 'packages/client', 'package-lock.json', 'scripts/build-pages.mjs'];

export function arePagesBuilt() {
  return existsSync(stamp);
}

/** True when a source of the pages is newer than their build. */
export function isPagesStale() {
  return haveChanged(sources, stamp);
}

export async function buildPages() {
  const { build } = await import('vite');
  const { NODE_ENV } = process.env;
  // Whatever runs the build: with another value Vite would build the development versions of React and its libraries.
  process.env.NODE_ENV = 'production';
  try {
    await build({ configFile: join(root, 'web/vite.config.ts'), build: { outDir, emptyOutDir: true } });
  } finally {
    // A server that starts in this process would believe it.
    if (NODE_ENV === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = NODE_ENV;
  }
  const texts = readdirSync(outDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ['.html', '.js', '.css', '.svg', '.json'].includes(extname(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name));
  await Promise.all(texts.map(compress));
  await writeFile(stamp, digestOf(sources));
}

async function compress(path) {
  const text = await readFile(path);
  await writeFile(`${path}.br`, await promisify(brotliCompress)(text));
  await writeFile(`${path}.gz`, await promisify(gzip)(text, { level: 9 }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes('--if-stale') || isPagesStale()) await buildPages();
}
