// `DATABASE_URL=… npm run prove:crashes`: kills the server at every failpoint, restarts it, and compares with the provider's books
// and with what the merchant's webhook endpoint got.
import { parseArgs } from 'node:util';
import { failpoints } from '../../src/domain/failpoint.ts';
import { databaseServer, optionsOrExit, wholeNumberOf } from '../support/command-options.ts';
import { createDatabase, dropDatabase, randomName } from '../support/server-databases.ts';
import { runCrashes } from './crash-run.ts';

const usage = `DATABASE_URL=postgresql://… npm run prove:crashes -- [options]
  --kills N          how often the server is killed at each failpoint (50)
  --parallel N       failpoints at a time (2)
  --failpoint NAME   only this one; may be repeated`;

const { chosen, killsEach, parallel, adminUrl } = optionsOrExit(usage, () => {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string' },
      parallel: { type: 'string' },
      failpoint: { type: 'string', multiple: true, default: [] },
    },
  });
  const unknown = values.failpoint.filter((name) => !(failpoints as readonly string[]).includes(name));
  if (unknown.length > 0)
    throw new Error(`There is no failpoint ${unknown.join(', ')}. There are: ${failpoints.join(', ')}.`);
  return {
    chosen: failpoints.filter((name) => values.failpoint.length === 0 || values.failpoint.includes(name)),
    killsEach: wholeNumberOf('kills', values.kills, 1) ?? 50,
    parallel: wholeNumberOf('parallel', values.parallel, 1) ?? 2,
    adminUrl: databaseServer(),
  };
});

const left = [...chosen];
let failed = 0;
let kills = 0;

async function work(server: string): Promise<void> {
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    const database = randomName('paystream_crash_');
    await createDatabase(server, database);
    const url = new URL(server);
    url.pathname = `/${database}`;
    const startedMs = Date.now();
    try {
      const run = await runCrashes(name, killsEach, url.href);
      kills += run.kills;
      if (run.complaints.length > 0) failed += 1;
      const seconds = ((Date.now() - startedMs) / 1000).toFixed(0);
      const done = `${chosen.length - left.length}/${chosen.length}`;
      console.log(
        `${done} ${name}: ${run.kills} kills, ${run.payments} payments, final ${(run.settledMs / 1000).toFixed(1)} s after the last restart, ` +
          `${seconds} s in all${run.complaints.map((complaint) => `\n    ${complaint}`).join('')}`,
      );
    } catch (error) {
      failed += 1;
      console.log(`${name}: ${error instanceof Error ? error.message : error}`);
    }
    await dropDatabase(server, database);
  }
}

await Promise.all(Array.from({ length: parallel }, () => work(adminUrl)));
console.log(`${chosen.length} failpoints, ${kills} kills, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
