import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readEnvironment } from './environment.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from './server.ts';

const portRetryMs = 150;
const portPatienceMs = 5000;

/** A sandbox whose parent was killed lets go of the port within moments; so a taken port is tried again for a while. */
async function startPatiently(options: SandboxOptions): Promise<Sandbox> {
  const giveUpAtMs = Date.now() + portPatienceMs;
  for (;;) {
    try {
      if (options.dataDir !== null) holdDirectory(options.dataDir);
      return await startSandbox(options);
    } catch (error) {
      if (!isPortTaken(error) && !(error instanceof DirectoryHeldError)) throw error;
      if (Date.now() >= giveUpAtMs) {
        if (error instanceof DirectoryHeldError) throw error;
        const message = `Port ${options.port} on ${options.host} is taken. Set SANDBOX_PORT to a free one, or end what holds it.`;
        throw new Error(message, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, portRetryMs));
    }
  }
}

/** Another sandbox keeps its ledger in the directory: two that write it would each know half of the truth. */
class DirectoryHeldError extends Error {}

/** @throws {DirectoryHeldError} while the process that holds the directory lives. */
function holdDirectory(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true });
  const file = join(dataDir, 'holder');
  const [holder = 0, start = null] = readIfThere(file).split(' ').map(Number);
  if (holder > 0 && holder !== process.pid && isAlive(holder) && (start === null || start === startOf(holder))) {
    throw new DirectoryHeldError(
      `Process ${holder} is a sandbox that keeps its ledger in ${dataDir}. Use that one, or set DATA_DIR; if it is none, delete ${file}.`,
    );
  }
  writeFileSync(file, [process.pid, startOf(process.pid)].filter((part) => part !== null).join(' '));
}

/** When a process began, in the machine's own ticks: another process may have its number by now. Null where there is no /proc. */
function startOf(pid: number): number | null {
  const line = readIfThere(`/proc/${pid}/stat`);
  // The second field is the command in parentheses and may hold blanks; the start is the twentieth after it.
  const start = line.slice(line.lastIndexOf(')') + 2).split(' ')[19];
  return start === undefined ? null : Number(start);
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

/** Tells the parent, which prints it, or whoever reads the console. A parent that is gone by now hears nothing, and minds nothing. */
function fail(message: string): void {
  process.exitCode = 1;
  if (process.connected) process.send?.({ type: 'failed', message }, () => process.connected && process.disconnect());
  else if (!process.send) console.error(message);
}

async function main(): Promise<void> {
  const read = readEnvironment(process.env);
  if ('problems' in read)
    return fail(`The sandbox cannot start:\n${read.problems.map((line) => `  ${line}`).join('\n')}`);
  try {
    const sandbox = await startPatiently(read.options);
    const stop = (): void => void sandbox.close().then(() => process.exit(0));
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    if (process.connected) process.send?.({ type: 'ready', url: sandbox.url }, () => {});
    else if (!process.send)
      console.log(`The sandbox listens at ${sandbox.url}; its cashier is at ${sandbox.url}/cashier`);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

// An orphan must not hold the port, nor take it: the parent may have gone before anybody could hear of it.
process.on('disconnect', () => process.exit());
if (process.send !== undefined && !process.connected) process.exit();
await main();
