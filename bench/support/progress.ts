export type Progress = {
  /** `done` of `total` turns are over, and the current one is at `text`. */
  step(done: number, total: number, text: string): void;
  stop(): void;
};

const sparselyMs = 5000;
const barWidth = 20;

/** One line that changes on a terminal; elsewhere an occasional line. */
export function showProgress(name: string, output: NodeJS.WriteStream): Progress {
  let saidMs = Number.NEGATIVE_INFINITY;
  return {
    step(done, total, text) {
      const filled = Math.floor((barWidth * done) / total);
      const line = `${name} [${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}] turn ${done + 1} of ${total}, ${text}`;
      if (output.isTTY) output.write(`\r\u001b[K${line.slice(0, (output.columns ?? 80) - 1)}`);
      else if (performance.now() - saidMs >= sparselyMs) {
        saidMs = performance.now();
        output.write(`${line}\n`);
      }
    },
    stop() {
      if (output.isTTY) output.write('\r\u001b[K');
    },
  };
}
