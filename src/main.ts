import { type App, openApp } from './app.ts';
import { bannerOf } from './banner.ts';
import { readConfig } from './config.ts';

const sweepIntervalMs = 500;
const tailIntervalMs = 1000;
const maintainIntervalMs = 5 * 60_000;

/** Runs a round again and again, never two at once. Returns what stops it, once a round under way has ended. */
function repeat(round: () => Promise<unknown>, intervalMs: number): () => Promise<void> {
  let isStopped = false;
  let timer: NodeJS.Timeout;
  let running = Promise.resolve();
  const schedule = () => {
    timer = setTimeout(() => {
      running = round()
        .catch((error: unknown) => console.error('A background round failed; the next one tries again.', error))
        .then(() => {
          if (!isStopped) schedule();
        });
    }, intervalMs);
  };
  schedule();
  return async () => {
    isStopped = true;
    clearTimeout(timer);
    await running;
  };
}

function runRounds({ rounds }: App): () => Promise<void> {
  const stops = [
    repeat(() => rounds.sweep(), sweepIntervalMs),
    repeat(() => rounds.watchTail(), tailIntervalMs),
    repeat(() => rounds.maintain(), maintainIntervalMs),
  ];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

async function main(): Promise<void> {
  const config = readConfig();
  const app = await openApp(config);
  const stopRounds = runRounds(app);
  let isStopping = false;
  const stop = () => {
    if (isStopping) return;
    isStopping = true;
    void stopRounds()
      .then(() => app.close())
      .then(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  console.log(bannerOf(config, app));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
