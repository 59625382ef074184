import { MultiBar, Presets } from 'cli-progress';

/** Shows progress: a bar on a terminal, otherwise an occasional line. */
export type Progress = {
  update(done: number, failed: number): void;
  /** Prints a message immediately. */
  say(text: string): void;
  stop(): void;
};

const sparselyMs = 30_000;

export function showProgress(total: number, isTerminal: boolean): Progress {
  return isTerminal ? barOf(total) : linesOf(total);
}

export function durationOf(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, '0')}s`;
}

function barOf(total: number): Progress {
  const format = '{bar} {value} of {total} schedules, {failed} failed, {duration_formatted}, {eta_formatted} to go';
  const bars = new MultiBar({ format, clearOnComplete: true }, Presets.shades_classic);
  const bar = bars.create(total, 0, { failed: 0 });
  return {
    update: (done, failed) => bar.update(done, { failed }),
    say: (text) => bars.log(`${text}\n`),
    stop: () => bars.stop(),
  };
}

function linesOf(total: number): Progress {
  const beganMs = performance.now();
  let saidMs = beganMs;
  return {
    update(done, failed) {
      const nowMs = performance.now();
      if (nowMs - saidMs < sparselyMs) return;
      saidMs = nowMs;
      console.log(`${done} of ${total} schedules, ${failed} failed, ${durationOf(nowMs - beganMs)}`);
    },
    say: (text) => console.log(text),
    stop: () => {},
  };
}
