import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TallyRows } from './tally.ts';
import { type Result, stuckAfterMs } from './theatre.ts';
import type { FromWorker, WorkerParts } from './worker.ts';

const workerPath = fileURLToPath(new URL('./worker.ts', import.meta.url));

/** After this time the parent kills a worker whose own watchdog has not fired: its event loop is blocked. */
const givenUpAfterMs = stuckAfterMs + 15_000;

/** A process that runs schedules. It is replaced when it hangs or dies. */
export class Worker {
  readonly #parts: WorkerParts;
  #child: ChildProcess | null = null;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
  }

  /** Never rejects: a crash of the worker is a failure of its schedule. */
  async run(seed: number): Promise<{ readonly result: Result; readonly tally: TallyRows }> {
    const child = this.#child ?? (await this.#start());
    const beganMs = performance.now();
    let at = 'the beginning';
    return new Promise((resolve) => {
      const end = (result: Result, tally: TallyRows): void => {
        clearTimeout(timer);
        child.removeAllListeners();
        if (result.isStuck) this.stop();
        resolve({ result, tally });
      };
      const fail = (what: string): void => {
        const said = [`seed ${seed} fails`, `  ${what}, at ${at}`, `  replay: ${this.#parts.replay} --seed ${seed}`];
        end({ seed, failure: said, isStuck: true, tookMs: performance.now() - beganMs }, []);
      };
      const timer = setTimeout(() => fail('the worker does not answer any more'), givenUpAfterMs);
      child.on('message', (message: FromWorker) => {
        if (message.kind === 'at') at = message.what;
        if (message.kind === 'result') end(message.result, message.tally);
      });
      child.once('exit', (code, signal) => fail(`the worker ended with ${signal ?? code}`));
      child.send(seed);
    });
  }

  stop(): void {
    this.#child?.removeAllListeners();
    this.#child?.kill('SIGKILL');
    this.#child = null;
  }

  async #start(): Promise<ChildProcess> {
    const child = fork(workerPath, [JSON.stringify(this.#parts)]);
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve()); // it is ready
      child.once('exit', (code, signal) => reject(new Error(`A worker could not start: ${signal ?? code}.`)));
    });
    return child;
  }
}
