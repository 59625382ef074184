import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

type Handlers = Readonly<Record<string, (input: never) => unknown>>;
type Call = { readonly id: number; readonly name: string; readonly input: unknown };
type Answer = { readonly id: number; readonly result?: unknown; readonly error?: string };

/** A process of `bench/processes/`: a load generator, a limit or a stand-in. Its work takes no CPU time of the bench or of the product. */
export type BenchProcess<H extends Handlers> = {
  readonly pid: number;
  call<K extends keyof H & string>(name: K, input: Parameters<H[K]>[0]): Promise<Awaited<ReturnType<H[K]>>>;
  close(): Promise<void>;
};

/** Answers the calls of the bench. The process ends with the bench. */
export function serveCalls(handlers: Handlers): void {
  process.on('disconnect', () => process.exit());
  process.on('message', async ({ id, name, input }: Call) => {
    let answer: Answer;
    try {
      const handler = handlers[name];
      if (handler === undefined) throw new Error(`There is no call ${name}.`);
      answer = { id, result: await handler(input as never) };
    } catch (error) {
      answer = { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    if (process.connected) process.send?.(answer);
  });
}

/** @param name a file of `bench/processes/` without its extension; `H` is the type that it exports. */
export function openProcess<H extends Handlers>(name: string): BenchProcess<H> {
  const file = fileURLToPath(new URL(`../processes/${name}.ts`, import.meta.url));
  const child = fork(file, { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const waiting = new Map<number, (answer: Answer) => void>();
  let lastId = 0;
  child.on('message', (answer: Answer) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      for (const [id, answered] of waiting) answered({ id, error: `The process ${name} ended: ${signal ?? code}.` });
      waiting.clear();
      resolve();
    });
  });
  return {
    pid: child.pid ?? 0,
    call: (call, input) =>
      new Promise((resolve, reject) => {
        lastId += 1;
        waiting.set(lastId, ({ result, error }) =>
          error === undefined ? resolve(result as never) : reject(new Error(`${name}: ${error}`)),
        );
        child.send({ id: lastId, name: call, input } satisfies Call);
      }),
    close() {
      if (child.connected) child.disconnect();
      return ended;
    },
  };
}
