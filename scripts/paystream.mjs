import { pathToFileURL } from 'node:url';
import { bringUpToDate } from './bring-up-to-date.mjs';
import { paystreamEntry } from './build.mjs';

// Runs the build of `npm run paystream`.
await bringUpToDate();
process.setSourceMapsEnabled(true);
await import(pathToFileURL(paystreamEntry).href);
