import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type DevelopmentKeys, keepSandboxUrl, publicHalf } from './development-keys.ts';

export type SandboxProcess = { readonly url: string; close(): Promise<void> };

const readySchema = z.union([
  z.object({ type: z.literal('ready'), url: z.url() }),
  z.object({ type: z.literal('failed'), message: z.string() }),
]);

/**
 * Starts the sandbox that stands in for the providers: a program of its own, which ends when we do, however we end. Its address is kept in
 * the data directory.
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
  const url = await readyUrlOf(child);
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
