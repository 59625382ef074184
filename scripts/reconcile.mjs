import { pathToFileURL } from 'node:url';
import { bringUpToDate } from './bring-up-to-date.mjs';
import { reconcileEntry } from './build.mjs';

// Runs the build of `npm run reconcile`.
await bringUpToDate();
process.setSourceMapsEnabled(true);
await import(pathToFileURL(reconcileEntry).href);
