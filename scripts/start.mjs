import { pathToFileURL } from 'node:url';
import { build, entry, isStale } from './build.mjs';

// Runs the build of `npm start`, and rebuilds it when a source has changed.
if (isStale()) await build();
process.setSourceMapsEnabled(true);
await import(pathToFileURL(entry).href);
