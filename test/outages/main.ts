// `DATABASE_URL=… npm run prove:outages -- --minutes 5`: two nodes of the real server under load, while nodes, Redis and connections die.
// With `--metrics-ports 9464,9465` a Prometheus can watch them.
import { parseArgs } from 'node:util';
import { createDatabase, dropDatabase, randomName } from '../support/server-databases.ts';
import { runOutages } from './outage-run.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    followers: { type: 'string', default: '6' },
    shops: { type: 'string', default: '4' },
    'metrics-ports': { type: 'string', default: '' },
  },
});
const server = process.env.DATABASE_URL;
if (!server) {
  console.error('Set DATABASE_URL to a PostgreSQL server on which databases may be made and dropped.');
  process.exit(1);
}
const database = randomName('paystream_outages_');
await createDatabase(server, database);
const url = new URL(server);
url.pathname = `/${database}`;
try {
  const { outages, healthyMs, payments, events, endings, answers, complaints } = await runOutages({
    databaseUrl: url.href,
    durationMs: Number(values.minutes) * 60_000,
    followers: Number(values.followers),
    shops: Number(values.shops),
    metricsPorts: values['metrics-ports'].split(',').filter(Boolean).map(Number),
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
