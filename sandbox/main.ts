import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Sandbox, type SandboxOptions, startSandbox } from './server.ts';

const portRetryMs = 150;
const portPatienceMs = 3000;

/** The environment as options, or every reason why not. */
function readEnvironment(env: NodeJS.ProcessEnv): { options: SandboxOptions } | { problems: string[] } {
  const problems: string[] = [];
  const needed = (name: string, pattern: RegExp, like: string): string => {
    const value = env[name] ?? '';
    if (value === '') problems.push(`${name} is missing: it must be like ${like}.`);
    else if (!pattern.test(value)) problems.push(`${name} must be like ${like}.`);
    return value;
  };
  const whole = (name: string, max: number): number | undefined => {
    const value = env[name];
    if (value === undefined || value === '') return undefined;
    if (!/^\d{1,10}$/.test(value) || Number(value) > max) problems.push(`${name} must be a whole number up to ${max}.`);
    return Number(value);
  };
  const secretKey = needed('SANDBOX_STRIPE_SECRET_KEY', /^[sr]k_test_\S+$/, 'sk_test_…');
  const publishableKey = needed('SANDBOX_STRIPE_PUBLISHABLE_KEY', /^pk_test_\S+$/, 'pk_test_…');
  const webhookSecret = needed('SANDBOX_STRIPE_WEBHOOK_SECRET', /^whsec_[^,\s]+(,whsec_[^,\s]+)?$/, 'whsec_…');
  const webhookUrl = env.SANDBOX_STRIPE_WEBHOOK_URL || null;
  if (webhookUrl !== null && !(/^https?:\/\//.test(webhookUrl) && URL.canParse(webhookUrl))) {
    problems.push('SANDBOX_STRIPE_WEBHOOK_URL must be an http(s) URL, or empty for no webhooks.');
  }
  const port = whole('SANDBOX_PORT', 65_535) ?? 4100;
  const seed = whole('SANDBOX_SEED', 2 ** 32 - 1);
  if (problems.length > 0) return { problems };
  const options = {
    host: env.SANDBOX_HOST || '127.0.0.1',
    port,
    dataDir: env.SANDBOX_DATA_DIR || null,
    stripe: { secretKey, publishableKey, webhookSecret, webhookUrl },
    ...(seed !== undefined && { seed }),
  };
  return { options };
}

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
  const holder = Number(readIfThere(file));
  if (holder > 0 && holder !== process.pid && isAlive(holder)) {
    throw new DirectoryHeldError(
      `Process ${holder} is a sandbox that keeps its ledger in ${dataDir}. Use that one, or set DATA_DIR; if it is none, delete ${file}.`,
    );
  }
  writeFileSync(file, String(process.pid));
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

process.on('disconnect', () => process.exit()); // an orphan must not hold the port
await main();
