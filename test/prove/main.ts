import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { optionsOrExit } from '../support/command-options.ts';
import { createDatabase, dropDatabase, randomName } from '../support/server-databases.ts';
import { Worker } from './crew.ts';
import { neverReached } from './never.ts';
import { type Options, readOptions, usage } from './options.ts';
import { durationOf, showProgress } from './progress.ts';
import { Tally } from './tally.ts';

/** Runs the schedules on all workers. Returns the number of failures. */
async function prove(options: Options): Promise<number> {
  const { from, schedules, workers, nodes, databaseUrl, stats, bail, trace } = options;
  const beganMs = performance.now();
  const progress = showProgress(schedules, process.stdout.isTTY === true && !trace);
  const tally = new Tally();
  const dir = mkdtempSync(join(tmpdir(), 'paystream-prove-'));
  const databases = databaseUrl === null ? [] : Array.from({ length: workers }, () => randomName('paystream_prove_'));
  const replay = `${databaseUrl === null ? '' : 'DATABASE_URL=… '}npm run prove --${nodes === null ? '' : ` --nodes ${nodes}`}`;
  let next = from;
  let done = 0;
  let failed = 0;
  let isStopped = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      isStopped = true; // running schedules are finished, and temporary files removed
    });
  }
  const runOn = async (index: number): Promise<void> => {
    const name = databases[index];
    const ownUrl = databaseUrl === null || name === undefined ? null : urlOf(databaseUrl, name);
    if (databaseUrl !== null && name !== undefined) await createDatabase(databaseUrl, name);
    const worker = new Worker({ dir, nodes, replay, trace, databaseUrl: ownUrl });
    try {
      while (next < from + schedules && !isStopped && !(bail && failed > 0)) {
        const seed = next;
        next += 1;
        const { result, tally: rows } = await worker.run(seed);
        tally.add(rows);
        done += 1;
        if (result.failure !== null) {
          failed += 1;
          progress.say(result.failure.join('\n'));
        }
        progress.update(done, failed);
      }
    } finally {
      worker.stop();
      if (databaseUrl !== null && name !== undefined) await dropDatabase(databaseUrl, name);
    }
  };
  try {
    await Promise.all(Array.from({ length: workers }, (_, index) => runOn(index)));
  } finally {
    progress.stop();
    rmSync(dir, { recursive: true, force: true });
  }
  if (stats) console.log([tally.toString(), ...neverReached(tally)].join('\n'));
  console.log(`${done} schedules, ${failed} failed, ${durationOf(performance.now() - beganMs)}`);
  return failed;
}

function urlOf(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

const options = optionsOrExit(usage, () => readOptions(process.argv.slice(2), process.env.DATABASE_URL));
process.exitCode = (await prove(options)) === 0 ? 0 : 1;
