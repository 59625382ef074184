import { pathToFileURL } from 'node:url';
import { build, isStale, reconcileEntry } from './build.mjs';

// What `npm run reconcile` runs: the build, as `npm start` does.
if (isStale()) await build();
process.setSourceMapsEnabled(true);
await import(pathToFileURL(reconcileEntry).href);
