import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readEnvironment } from './environment.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from './server.ts';

const portRetryMs = 150;
const startTimeoutMs = 5000;

/** Retries for a while: a sandbox whose parent was killed releases its port and its directory within moments. */
async function startWithRetries(options: SandboxOptions): Promise<Sandbox> {
  const deadlineMs = Date.now() + startTimeoutMs;
  for (;;) {
    try {
      if (options.dataDir !== null) claimDirectory(options.dataDir);
      return await startSandbox(options);
    } catch (error) {
      if (!isPortTaken(error) && !(error instanceof DirectoryHeldError)) throw error;
      if (Date.now() >= deadlineMs) {
        if (error instanceof DirectoryHeldError) throw error;
        const message = `Port ${options.port} on ${options.host} is in use. Set SANDBOX_PORT to a free port, or stop the process that uses it.`;
        throw new Error(message, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, portRetryMs));
    }
  }
}

/** Another sandbox uses the directory: two processes that write one ledger would corrupt it. */
class DirectoryHeldError extends Error {}

/** Claims the directory for this process. @throws {DirectoryHeldError} while another process that claimed it is alive. */
function claimDirectory(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true });
  const file = join(dataDir, 'holder');
  const [holder = 0, start = null] = readIfPresent(file).split(' ').map(Number);
  if (holder > 0 && holder !== process.pid && isAlive(holder) && (start === null || start === startTimeOf(holder))) {
    throw new DirectoryHeldError(
      `Process ${holder} is a sandbox that keeps its ledger in ${dataDir}. Use that sandbox, or set DATA_DIR. If process ${holder} is not a sandbox, delete ${file}.`,
    );
  }
  writeFileSync(file, [process.pid, startTimeOf(process.pid)].filter((part) => part !== null).join(' '));
}

/** The start time of a process in clock ticks since boot; it detects a reused process id. Null without /proc. */
function startTimeOf(pid: number): number | null {
  const line = readIfPresent(`/proc/${pid}/stat`);
  // The second field is the command in parentheses and may contain spaces. The start time is the twentieth field after it.
  const start = line.slice(line.lastIndexOf(')') + 2).split(' ')[19];
  return start === undefined ? null : Number(start);
}

function readIfPresent(file: string): string {
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

/** Reports the failure to the parent process, which prints it; without a parent, to the console. */
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
    const sandbox = await startWithRetries(read.options);
    const stop = (): void => void sandbox.close().then(() => process.exit(0));
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    if (process.connected) process.send?.({ type: 'ready', url: sandbox.url }, () => {});
    else if (!process.send)
      console.log(`The sandbox listens at ${sandbox.url}. Its cashier is at ${sandbox.url}/cashier`);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

// A sandbox without its parent must not occupy the port. The parent may have exited before this listener was added.
process.on('disconnect', () => process.exit());
if (process.send !== undefined && !process.connected) process.exit();
await main();
