import { type App, openApp } from './app.ts';
import { bannerOf } from './banner.ts';
import { readConfig } from './config.ts';

const sweepIntervalMs = 500;
const tailIntervalMs = 1000;
const maintainIntervalMs = 5 * 60_000;
const sameSignalMs = 1000;

/** Runs a round again and again, never two at once. Returns what stops it, once a round under way has ended. */
function repeat(round: () => Promise<unknown>, intervalMs: number, log: App['log']): () => Promise<void> {
  let isStopped = false;
  let timer: NodeJS.Timeout;
  let running = Promise.resolve();
  const schedule = () => {
    timer = setTimeout(() => {
      running = round()
        .catch((error: unknown) => log.error({ err: error }, 'a background round failed; the next one tries again'))
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

function runRounds({ rounds, log }: App): () => Promise<void> {
  const stops = [
    // Apart, so that a provider that does not answer holds up neither callbacks nor expiry.
    repeat(() => rounds.applyDeliveries(), sweepIntervalMs, log),
    repeat(() => rounds.checkPayments(), sweepIntervalMs, log),
    repeat(() => rounds.checkRefunds(), sweepIntervalMs, log),
    repeat(() => rounds.expireOrders(), sweepIntervalMs, log),
    repeat(() => rounds.watchTail(), tailIntervalMs, log),
    repeat(() => rounds.maintain(), maintainIntervalMs, log),
  ];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

async function main(): Promise<void> {
  const config = readConfig();
  const app = await openApp(config);
  const stopRounds = runRounds(app);
  let stoppingSinceMs: number | null = null;
  const stop = () => {
    if (stoppingSinceMs !== null) {
      // Asked again: whoever asks does not want to wait. At once it is the same Ctrl-C, which npm hands on a second time.
      if (Date.now() - stoppingSinceMs > sameSignalMs) process.exit(1);
      return;
    }
    stoppingSinceMs = Date.now();
    Promise.all([app.stopAccepting(), stopRounds()])
      .then(() => app.close())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          console.error(error instanceof Error ? error.message : error);
          process.exit(1);
        },
      );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  console.log(bannerOf(config, app));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
