import { MultiBar, Presets } from 'cli-progress';

/** Tells a person how far it is, beside the output: a bar on a terminal, a line now and then elsewhere. */
export type Progress = { update(lines: number, linesExpected: number | null, differences: number): void; stop(): void };

const sparselyMs = 10_000;

export function showProgress(isTerminal: boolean, print: (text: string) => void): Progress {
  const format =
    '{bar} {value} of {total} lines, {differences} differences, {duration_formatted}, {eta_formatted} to go';
  const bars = isTerminal ? new MultiBar({ format, clearOnComplete: true }, Presets.shades_classic) : null;
  let bar: ReturnType<MultiBar['create']> | null = null;
  let saidMs = performance.now();
  return {
    update(lines, linesExpected, differences) {
      if (bars !== null && linesExpected !== null) {
        bar ??= bars.create(linesExpected, 0, { differences });
        bar.update(lines, { differences });
        return;
      }
      const nowMs = performance.now();
      if (nowMs - saidMs < sparselyMs) return;
      saidMs = nowMs;
      print(`${lines}${linesExpected === null ? '' : ` of ${linesExpected}`} lines, ${differences} differences`);
    },
    stop: () => bars?.stop(),
  };
}
