// `DATABASE_URL=… npm run prove:outages -- --minutes 5`: two nodes of the real server under load, while nodes, Redis and connections die.
// With `--metrics-ports 9464,9465` a Prometheus can watch them.
import { parseArgs } from 'node:util';
import { databaseServer, optionsOrExit, wholeNumberOf } from '../support/command-options.ts';
import { createDatabase, dropDatabase, randomName } from '../support/server-databases.ts';
import { runOutages } from './outage-run.ts';

const usage = `DATABASE_URL=postgresql://… REDIS_URL=redis://… npm run prove:outages -- [options]
  --minutes N             how long (5)
  --followers N           subscriptions to each shop's events (6)
  --shops N               shops that sell (4)
  --metrics-ports A,B     serve the metrics of the two nodes on these ports`;

const { server, minutes, followers, shops, metricsPorts } = optionsOrExit(usage, () => {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      followers: { type: 'string' },
      shops: { type: 'string' },
      'metrics-ports': { type: 'string', default: '' },
    },
  });
  const ports = values['metrics-ports'].split(',').filter(Boolean);
  return {
    server: databaseServer(),
    minutes: wholeNumberOf('minutes', values.minutes, 1) ?? 5,
    followers: wholeNumberOf('followers', values.followers, 1) ?? 6,
    shops: wholeNumberOf('shops', values.shops, 1) ?? 4,
    metricsPorts: ports.map((port) => wholeNumberOf('metrics-ports', port, 1) ?? 0),
  };
});
const database = randomName('paystream_outages_');
await createDatabase(server, database);
const url = new URL(server);
url.pathname = `/${database}`;
try {
  const { outages, healthyMs, payments, events, endings, answers, complaints } = await runOutages({
    databaseUrl: url.href,
    durationMs: minutes * 60_000,
    followers,
    shops,
    metricsPorts,
    say: (text) => console.log(text),
  });
  const counts = [...outages].map(([name, count]) => `${count} × ${name}`).join(', ');
  const longest = Math.max(...healthyMs) / 1000;
  console.log(`${counts}; ${payments} payments, ${events} events, ${endings} subscriptions ended and resumed`);
  console.log(`repeated answers by code: ${JSON.stringify(Object.fromEntries(answers))}`);
  console.log(`healthy again after ${longest.toFixed(1)} s at most; ${complaints.length} complaints`);
  for (const complaint of complaints) console.log(`    ${complaint}`);
  process.exitCode = complaints.length === 0 ? 0 : 1;
} finally {
  await dropDatabase(server, database);
}
