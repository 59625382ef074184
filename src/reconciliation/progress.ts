import { MultiBar, Presets } from 'cli-progress';

/** Shows the progress of a run: a bar on a terminal, otherwise a printed line every ten seconds. */
export type Progress = { update(lines: number, linesExpected: number | null, differences: number): void; stop(): void };

const intervalMs = 10_000;

export function showProgress(isTerminal: boolean, print: (text: string) => void): Progress {
  const format =
    '{bar} {value} of {total} lines, {differences} differences, {duration_formatted}, {eta_formatted} to go';
  const bars = isTerminal ? new MultiBar({ format, clearOnComplete: true }, Presets.shades_classic) : null;
  let bar: ReturnType<MultiBar['create']> | null = null;
  let printedMs = performance.now();
  return {
    update(lines, linesExpected, differences) {
      if (bars !== null && linesExpected !== null) {
        bar ??= bars.create(linesExpected, 0, { differences });
        bar.update(lines, { differences });
        return;
      }
      const nowMs = performance.now();
      if (nowMs - printedMs < intervalMs) return;
      printedMs = nowMs;
      print(`${lines}${linesExpected === null ? '' : ` of ${linesExpected}`} lines, ${differences} differences`);
    },
    stop: () => bars?.stop(),
  };
}
