import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const stripeSchema = z.object({
  stripeSecretKey: z.string().startsWith('sk_test_'),
  stripePublishableKey: z.string().startsWith('pk_test_'),
  stripeWebhookSecret: z.string().startsWith('whsec_'),
});
const alipaySchema = z.object({
  appId: z.string(),
  sellerId: z.string(),
  /** Our key, which signs requests. */
  appPrivateKey: z.string(),
  /** The sandbox's key, which replaces Alipay's. */
  platformPrivateKey: z.string(),
});
const wechatpaySchema = z.object({
  appId: z.string(),
  mchId: z.string(),
  merchantSerial: z.string(),
  merchantPrivateKey: z.string(),
  apiV3Key: z.string().length(32),
  platformSerial: z.string(),
  platformPrivateKey: z.string(),
});
const keysSchema = stripeSchema.extend({
  apiKey: z.string().min(16),
  alipay: alipaySchema,
  wechatpay: wechatpaySchema,
});

/** The generated keys for development. They are stored in the data directory and stay the same over restarts. */
export type DevelopmentKeys = z.infer<typeof keysSchema>;

const keptSchema = keysSchema.partial({ alipay: true, wechatpay: true });

/** The file with the keys in a data directory. */
export function developmentKeysFile(dataDir: string): string {
  return join(dataDir, 'development-keys.json');
}

/** The file with the URL of the last sandbox in a data directory. */
function sandboxUrlFile(dataDir: string): string {
  return join(dataDir, 'sandbox-url');
}

/** Stores the URL of the sandbox for other processes. */
export function keepSandboxUrl(dataDir: string, url: string): void {
  mkdirSync(dataDir, { recursive: true });
  const draft = `${sandboxUrlFile(dataDir)}.${process.pid}`;
  writeFileSync(draft, `${url}\n`);
  renameSync(draft, sandboxUrlFile(dataDir));
}

/** The last stored URL of the sandbox; null when there is none. */
export function keptSandboxUrl(dataDir: string): string | null {
  const file = sandboxUrlFile(dataDir);
  const text = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  return URL.canParse(text) ? text : null;
}

/**
 * Reads the keys of a data directory. Creates missing ones, also those that an older version did not have. The file is
 * readable by its owner only.
 */
export function developmentKeys(dataDir: string): DevelopmentKeys {
  const kept = readDevelopmentKeys(dataDir);
  if (kept !== null && kept.alipay !== undefined && kept.wechatpay !== undefined) {
    return { ...kept, alipay: kept.alipay, wechatpay: kept.wechatpay };
  }
  const keys: DevelopmentKeys = {
    apiKey: `dev_${random()}`,
    stripeSecretKey: `sk_test_${random()}`,
    stripePublishableKey: `pk_test_${random()}`,
    stripeWebhookSecret: `whsec_${random()}`,
    ...kept,
    alipay: kept?.alipay ?? makeAlipayKeys(),
    wechatpay: kept?.wechatpay ?? makeWechatpayKeys(),
  };
  const file = developmentKeysFile(dataDir);
  mkdirSync(dataDir, { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, file); // atomic, also when the process is killed
  return keys;
}

/** The public key of a private key, as PEM. */
export function publicHalf(privateKey: string): string {
  return createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
}

/** The environment variables that make a process use the sandbox as its providers. */
export function sandboxEnvironment(keys: DevelopmentKeys, sandboxUrl: string): Readonly<Record<string, string>> {
  const { alipay, wechatpay } = keys;
  return {
    STRIPE_SECRET_KEY: keys.stripeSecretKey,
    STRIPE_PUBLISHABLE_KEY: keys.stripePublishableKey,
    STRIPE_WEBHOOK_SECRETS: keys.stripeWebhookSecret,
    STRIPE_API_BASE: sandboxUrl,
    STRIPE_CARD_FORM_URL: `${sandboxUrl}/cashier/card-form`,
    ALIPAY_APP_ID: alipay.appId,
    ALIPAY_SELLER_ID: alipay.sellerId,
    ALIPAY_PRIVATE_KEY: alipay.appPrivateKey,
    ALIPAY_PUBLIC_KEY: publicHalf(alipay.platformPrivateKey),
    ALIPAY_GATEWAY: `${sandboxUrl}/gateway.do`,
    WECHATPAY_APP_ID: wechatpay.appId,
    WECHATPAY_MCH_ID: wechatpay.mchId,
    WECHATPAY_SERIAL: wechatpay.merchantSerial,
    WECHATPAY_PRIVATE_KEY: wechatpay.merchantPrivateKey,
    WECHATPAY_API_V3_KEY: wechatpay.apiV3Key,
    WECHATPAY_PLATFORM_KEYS: JSON.stringify({ [wechatpay.platformSerial]: publicHalf(wechatpay.platformPrivateKey) }),
    WECHATPAY_BASE_URL: `${sandboxUrl}/`,
  };
}

function readDevelopmentKeys(dataDir: string): z.infer<typeof keptSchema> | null {
  const file = developmentKeysFile(dataDir);
  if (!existsSync(file)) return null;
  const parsed = keptSchema.safeParse(parseJson(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new Error(`${file} does not contain valid keys. Delete it to create new ones.`);
}

function makeAlipayKeys(): DevelopmentKeys['alipay'] {
  return {
    ...{ appId: '2021000000000001', sellerId: '2088000000000001' },
    appPrivateKey: makePrivateKey(),
    platformPrivateKey: makePrivateKey(),
  };
}

function makeWechatpayKeys(): DevelopmentKeys['wechatpay'] {
  return {
    ...{ appId: 'wx0000000000000001', mchId: '1900000001' },
    merchantSerial: randomBytes(20).toString('hex').toUpperCase(),
    merchantPrivateKey: makePrivateKey(),
    apiV3Key: randomBytes(16).toString('hex'),
    platformSerial: `PUB_KEY_ID_0119000000012026${randomBytes(8).readBigUInt64BE().toString().padStart(20, '0')}`,
    platformPrivateKey: makePrivateKey(),
  };
}

function makePrivateKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function random(): string {
  return randomBytes(18).toString('base64url').replaceAll(/[-_]/g, 'x');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
