import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** What a laptop needs and nobody wants to make up: kept in the data directory, so that it stays the same over restarts. */
export type DevelopmentKeys = z.infer<typeof keysSchema>;

const keysSchema = z.object({
  apiKey: z.string().min(16),
  stripeSecretKey: z.string().startsWith('sk_test_'),
  stripePublishableKey: z.string().startsWith('pk_test_'),
  stripeWebhookSecret: z.string().startsWith('whsec_'),
});

/** Reads the keys of a data directory, or makes them. Readable by their owner alone. */
export function developmentKeys(dataDir: string): DevelopmentKeys {
  const file = join(dataDir, 'development-keys.json');
  if (existsSync(file)) {
    const parsed = keysSchema.safeParse(parseJson(readFileSync(file, 'utf8')));
    if (parsed.success) return parsed.data;
    throw new Error(`${file} does not hold the keys that it should. Delete it, and new ones are made.`);
  }
  const random = () => randomBytes(18).toString('base64url').replaceAll(/[-_]/g, 'x');
  const keys: DevelopmentKeys = {
    apiKey: `dev_${random()}`,
    stripeSecretKey: `sk_test_${random()}`,
    stripePublishableKey: `pk_test_${random()}`,
    stripeWebhookSecret: `whsec_${random()}`,
  };
  mkdirSync(dataDir, { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, file); // whole or not at all, also when killed in between
  return keys;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export type SandboxProcess = { readonly url: string; close(): Promise<void> };

const readySchema = z.union([
  z.object({ type: z.literal('ready'), url: z.url() }),
  z.object({ type: z.literal('failed'), message: z.string() }),
]);

/**
 * Starts the sandbox that stands in for the providers: a program of its own, which ends when we do, however we end.
 * @throws {Error} with the sandbox's own sentence when it cannot start.
 */
export async function startSandboxProcess(options: {
  readonly port: number;
  readonly dataDir: string;
  readonly keys: DevelopmentKeys;
  readonly stripeWebhookUrl: string;
  /** Told when it ends by itself: from then on nobody answers for the providers. */
  readonly onEnd: () => void;
}): Promise<SandboxProcess> {
  const { port, dataDir, keys, stripeWebhookUrl, onEnd } = options;
  const child = fork(fileURLToPath(new URL('../sandbox/main.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx'],
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      SANDBOX_PORT: String(port),
      SANDBOX_DATA_DIR: join(dataDir, 'sandbox'),
      SANDBOX_STRIPE_SECRET_KEY: keys.stripeSecretKey,
      SANDBOX_STRIPE_PUBLISHABLE_KEY: keys.stripePublishableKey,
      SANDBOX_STRIPE_WEBHOOK_SECRET: keys.stripeWebhookSecret,
      SANDBOX_STRIPE_WEBHOOK_URL: stripeWebhookUrl,
    },
  });
  const url = await readyUrlOf(child);
  child.once('exit', onEnd);
  return {
    url,
    close: () => {
      child.off('exit', onEnd);
      return ended(child);
    },
  };
}

function readyUrlOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => {
      const { data } = readySchema.safeParse(message);
      if (data?.type === 'ready') resolve(data.url);
      else reject(new Error(data?.message ?? 'The sandbox said something that is not an answer.'));
    });
    child.once('exit', (code) => reject(new Error(`The sandbox ended before it was ready, with exit code ${code}.`)));
    child.once('error', reject);
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
