import { pathToFileURL } from 'node:url';
import { build, isStale, reconcileEntry } from './build.mjs';

// Runs the build of `npm run reconcile`, and rebuilds it when a source has changed.
if (isStale()) await build();
process.setSourceMapsEnabled(true);
await import(pathToFileURL(reconcileEntry).href);
