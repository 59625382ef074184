import { pathToFileURL } from 'node:url';
import { bringUpToDate } from './bring-up-to-date.mjs';
import { entry } from './build.mjs';

// Runs the build of `npm start`.
await bringUpToDate({ withPages: true });
process.setSourceMapsEnabled(true);
await import(pathToFileURL(entry).href);
