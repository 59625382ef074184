import cluster from 'node:cluster';
import { type App, openApp, stopMsMax } from './app.ts';
import { bannerOf } from './banner.ts';
import { type Config, readConfig } from './config.ts';
import { overloadIn } from './database/errors.ts';
import { note } from './telemetry/observe.ts';
import { expectEndOfPrimary, isFirst, reportReady, runWorkers, workersIn } from './workers.ts';

const sweepIntervalMs = 500;
const tailIntervalMs = 1000;
/** A revoked key loses its subscriptions within a second. */
const revokedIntervalMs = 500;
/** Also after a failed round: subscriptions go on by themselves once the database is back. */
const revokedFailedMsMax = 1000;
/** A changed provider account is used by every node within this time; a payment that starts there looks at once. */
const accountsIntervalMs = 1000;
const refusalsIntervalMs = 60_000;
const awayIntervalMs = 15_000;
const foldIntervalMs = 5000;
const pruneIntervalMs = 5 * 60_000;
const maintainIntervalMs = 5 * 60_000;
/**
 * The pause after a failed round doubles up to this limit, so that an unavailable database is not queried constantly.
 */
const failedIntervalMsMax = 10_000;
const sameSignalMs = 1000;

/**
 * Runs a round repeatedly and never concurrently: after the interval, or at once when the round reports more work.
 * Returns a function that stops it after the current round.
 */
function repeat(
  name: string,
  round: () => Promise<{ readonly isFull: boolean }>,
  intervalMs: number,
  log: App['log'],
  failedMsMax = failedIntervalMsMax,
): () => Promise<void> {
  let isStopped = false;
  let timer: NodeJS.Timeout;
  let failures = 0;
  let running = Promise.resolve();
  const schedule = (delayMs: number) => {
    timer = setTimeout(() => {
      running = round()
        .then(
          ({ isFull }) => {
            failures = 0;
            return isFull ? 0 : intervalMs;
          },
          (error: unknown) => {
            const level = overloadIn(error) === null ? 'error' : 'warn';
            note({ kind: 'failed round', round: name });
            log[level]({ err: error, round: name }, 'a background round failed; the next one tries again');
            failures += 1;
            return Math.max(intervalMs, Math.min(intervalMs * 2 ** failures, failedMsMax));
          },
        )
        .then((delayMs) => {
          if (!isStopped) schedule(delayMs);
        });
    }, delayMs);
  };
  schedule(intervalMs);
  return async () => {
    isStopped = true;
    clearTimeout(timer);
    await running;
  };
}

function runRounds({ lanes, rounds, log }: App): () => Promise<void> {
  const alone = (round: () => Promise<unknown>) => () => round().then(() => ({ isFull: false }));
  const stops = [
    ...lanes.map((lane) => repeat(lane.name, () => lane.runOnce(), sweepIntervalMs, log)),
    repeat('lost notifications', alone(rounds.watchTail), tailIntervalMs, log),
    repeat('revoked keys', alone(rounds.endRevoked), revokedIntervalMs, log, revokedFailedMsMax),
    repeat('provider accounts', alone(rounds.refreshAccounts), accountsIntervalMs, log),
    repeat('providers that are away', alone(rounds.retryProviders), awayIntervalMs, log),
    repeat('refused callbacks', alone(rounds.tellRefusals), refusalsIntervalMs, log),
    repeat('sums of sales', rounds.foldSales, foldIntervalMs, log),
    repeat('pruning', rounds.prune, pruneIntervalMs, log),
    repeat('upkeep', alone(rounds.maintain), maintainIntervalMs, log),
  ];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
    await Promise.all(lanes.map((lane) => lane.idle()));
  };
}

async function main(): Promise<void> {
  const workers = workersIn(process.argv.slice(2));
  const config = readConfig();
  if (workers > 1 && cluster.isPrimary) {
    checkWorkers(config);
    return runWorkers(workers, config.telemetry.metrics);
  }
  expectEndOfPrimary();
  return serve(config);
}

/** @throws {Error} when only one process can run. */
function checkWorkers({ databaseUrl, sandbox }: Config): void {
  if (databaseUrl === null)
    throw new Error('--workers needs PostgreSQL: set DATABASE_URL. The embedded database is of one process.');
  if (sandbox !== null)
    throw new Error('--workers needs a provider or NODE_ENV=production: the sandbox is started by one process alone.');
}

async function serve(config: Config): Promise<void> {
  const starting = new AbortController();
  let close = async () => starting.abort(new Error('Stopped while it was starting.'));
  let stoppingSinceMs: number | null = null;
  const stop = () => {
    if (stoppingSinceMs !== null) {
      // A second signal ends the process at once. A signal right after the first one is the same Ctrl-C, which npm
      // forwards a second time.
      if (Date.now() - stoppingSinceMs > sameSignalMs) process.exit(1);
      return;
    }
    stoppingSinceMs = Date.now();
    setTimeout(() => process.exit(1), stopMsMax);
    close().catch(fail);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  const app = await openApp(config, { signal: starting.signal });
  const stopRounds = runRounds(app);
  close = async () => {
    await Promise.all([app.stopAccepting(), stopRounds()]);
    await app.close();
    process.exit(0);
  };
  if (isFirst()) console.log(bannerOf(config, app));
  reportReady();
}

function fail(error: unknown): void {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

main().catch(fail);
