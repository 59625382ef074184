import { pathToFileURL } from 'node:url';
import { build, entry, isStale } from './build.mjs';
import { buildPages, isPagesStale } from './build-pages.mjs';

// Runs the build of `npm start`, and rebuilds what has changed.
if (isStale()) await build();
if (isPagesStale()) await buildPages();
process.setSourceMapsEnabled(true);
await import(pathToFileURL(entry).href);
