import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A script beside this file, running as a process of its own. */
export type Child = {
  readonly process: ChildProcess;
  /** What it prints, line by line; ends when the process does. */
  readonly lines: AsyncIterator<string>;
  /** kill -9, and waits until it is dead and buried. */
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
