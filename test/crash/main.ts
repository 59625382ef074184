// `DATABASE_URL=… npm run prove:crashes`: kills the server at every failpoint, restarts it, and compares with the provider's books
// and with what the merchant's webhook endpoint got.
import { parseArgs } from 'node:util';
import { failpoints } from '../../src/domain/failpoint.ts';
import { createDatabase, dropDatabase, randomName } from '../support/server-databases.ts';
import { runCrashes } from './crash-run.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    parallel: { type: 'string', default: '2' },
    failpoint: { type: 'string', multiple: true },
  },
});
const adminUrl = process.env.DATABASE_URL;
if (!adminUrl) {
  console.error('Set DATABASE_URL to a PostgreSQL server on which databases may be made and dropped.');
  process.exit(1);
}
const chosen = failpoints.filter((name) => values.failpoint?.includes(name) ?? true);
if (chosen.length === 0) {
  console.error(`There is no such failpoint. There are: ${failpoints.join(', ')}.`);
  process.exit(1);
}

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
      const run = await runCrashes(name, Number(values.kills), url.href);
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

await Promise.all(Array.from({ length: Number(values.parallel) }, () => work(adminUrl)));
console.log(`${chosen.length} failpoints, ${kills} kills, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
