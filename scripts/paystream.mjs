import { pathToFileURL } from 'node:url';
import { build, isStale, paystreamEntry } from './build.mjs';

// Runs the build of `npm run paystream`, and rebuilds it when a source has changed.
if (isStale()) await build();
process.setSourceMapsEnabled(true);
await import(pathToFileURL(paystreamEntry).href);
