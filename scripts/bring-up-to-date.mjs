import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, isBuilt, isStale } from './build.mjs';
import { arePagesBuilt, buildPages, isPagesStale } from './build-pages.mjs';

/** `scripts/slim.mjs` has removed what the pages are built with when development dependencies were left out. */
const isComplete = ['../node_modules/vite', '../web/node_modules/vite'].some((place) =>
  existsSync(fileURLToPath(new URL(place, import.meta.url))),
);

/**
 * Rebuilds what has changed, before a command runs it. An installation without development dependencies builds nothing: it runs what was built
 * when it was installed, from a folder that it may not be allowed to write to.
 */
export async function bringUpToDate({ withPages = false } = {}) {
  if (isComplete) {
    if (isStale()) await build();
    if (withPages && isPagesStale()) await buildPages();
  } else if (!isBuilt() || (withPages && !arePagesBuilt())) {
    console.error('There is no complete build: run npm ci --omit=dev');
    process.exit(1);
  } else if (isStale() || (withPages && isPagesStale())) {
    console.error('The sources are newer than the build, which runs as it is: run npm ci --omit=dev');
  }
}
