import { pathToFileURL } from 'node:url';
import { build, entry, isStale } from './build.mjs';

// What `npm start` runs: the build made at installation, or a new one when a source has changed since.
if (isStale()) await build();
process.setSourceMapsEnabled(true);
await import(pathToFileURL(entry).href);
