import { type ChildProcess, fork } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type DevelopmentKeys, keepSandboxUrl, publicHalf } from './development-keys.ts';

export type SandboxProcess = { readonly url: string; close(): Promise<void> };

const readySchema = z.union([
  z.object({ type: z.literal('ready'), url: z.url() }),
  z.object({ type: z.literal('failed'), message: z.string() }),
]);

/** The build replaces this path with that of the built sandbox, whose start compiles nothing. */
const sandboxEntry = '../sandbox/main.ts';
/** The limits for the start and, before it is killed, for the stop of the sandbox, in milliseconds. */
const startMsMax = 60_000;
const stopMsMax = 5000;

/**
 * Starts the sandbox, which replaces the providers. It is a separate process that ends whenever we end. Its URL is
 * stored in the data directory.
 *
 * @throws {Error} with the sandbox's own message when it cannot start, or the reason of the signal; the process has
 * ended then.
 */
export async function startSandboxProcess(options: {
  readonly port: number;
  readonly dataDir: string;
  readonly keys: DevelopmentKeys;
  readonly stripeWebhookUrl: string;
  /** Called when the sandbox ends by itself. Providers are not available from then on. */
  readonly onEnd: () => void;
  /** Cancels the start. */
  readonly signal?: AbortSignal;
}): Promise<SandboxProcess> {
  const { port, dataDir, keys, stripeWebhookUrl, onEnd, signal } = options;
  signal?.throwIfAborted();
  const child = fork(fileURLToPath(new URL(sandboxEntry, import.meta.url)), {
    execArgv: sandboxEntry.endsWith('.ts') ? ['--import', 'tsx'] : [],
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      SANDBOX_PORT: String(port),
      SANDBOX_DATA_DIR: resolve(dataDir, 'sandbox'), // the sandbox runs in another folder
      SANDBOX_STRIPE_SECRET_KEY: keys.stripeSecretKey,
      SANDBOX_STRIPE_PUBLISHABLE_KEY: keys.stripePublishableKey,
      SANDBOX_STRIPE_WEBHOOK_SECRET: keys.stripeWebhookSecret,
      SANDBOX_STRIPE_WEBHOOK_URL: stripeWebhookUrl,
      SANDBOX_ALIPAY_APP_ID: keys.alipay.appId,
      SANDBOX_ALIPAY_SELLER_ID: keys.alipay.sellerId,
      SANDBOX_ALIPAY_APP_PUBLIC_KEY: publicHalf(keys.alipay.appPrivateKey),
      SANDBOX_ALIPAY_PRIVATE_KEY: keys.alipay.platformPrivateKey,
      SANDBOX_WECHATPAY_APP_ID: keys.wechatpay.appId,
      SANDBOX_WECHATPAY_MCH_ID: keys.wechatpay.mchId,
      SANDBOX_WECHATPAY_MERCHANT_SERIAL: keys.wechatpay.merchantSerial,
      SANDBOX_WECHATPAY_MERCHANT_PUBLIC_KEY: publicHalf(keys.wechatpay.merchantPrivateKey),
      SANDBOX_WECHATPAY_API_V3_KEY: keys.wechatpay.apiV3Key,
      SANDBOX_WECHATPAY_PLATFORM_KEYS: JSON.stringify([
        { serial: keys.wechatpay.platformSerial, privateKey: keys.wechatpay.platformPrivateKey },
      ]),
    },
  });
  const url = await readyUrlOf(child, signal).catch(async (error: unknown) => {
    await ended(child);
    throw error;
  });
  keepSandboxUrl(dataDir, url);
  child.once('exit', onEnd);
  return {
    url,
    close: () => {
      child.off('exit', onEnd);
      return ended(child);
    },
  };
}

function readyUrlOf(child: ChildProcess, signal: AbortSignal | undefined): Promise<string> {
  let stopWaiting = () => {};
  const ready = new Promise<string>((resolve, reject) => {
    const giveUp = () => reject(signal?.reason);
    signal?.addEventListener('abort', giveUp);
    const tooLong = () => reject(new Error(`The sandbox did not start within ${startMsMax / 1000} s.`));
    const timer = setTimeout(tooLong, startMsMax);
    stopWaiting = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
    };
    child.once('message', (message) => {
      const { data } = readySchema.safeParse(message);
      if (data?.type === 'ready') resolve(data.url);
      else reject(new Error(data?.message ?? 'The sandbox sent an unexpected message.'));
    });
    child.once('exit', (code) => reject(new Error(`The sandbox ended before it was ready, with exit code ${code}.`)));
    child.once('error', reject);
  });
  return ready.finally(stopWaiting);
}

async function ended(child: ChildProcess): Promise<void> {
  // Without a pid the process was never started.
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const kill = setTimeout(() => child.kill('SIGKILL'), stopMsMax);
    child.once('exit', () => {
      clearTimeout(kill);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
