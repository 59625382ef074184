import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A script in this directory, running as a separate process. */
export type Child = {
  readonly process: ChildProcess;
  /** Its output, line by line. Ends with the process. */
  readonly lines: AsyncIterator<string>;
  /** Sends kill -9 and waits until the process is reaped. */
  kill(): Promise<void>;
};

export function startScript(name: string, args: readonly string[]): Child {
  const script = fileURLToPath(new URL(name, import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  return {
    process: child,
    lines: createInterface({ input: child.stdout })[Symbol.asyncIterator](),
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

export async function nextLine(child: Child): Promise<string> {
  const { value, done } = await child.lines.next();
  if (done) throw new Error('The process ended without another line.');
  return value;
}
