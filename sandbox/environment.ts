import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { AlipayOptions } from './alipay/provider.ts';
import { isWebUrl } from './http.ts';
import type { SandboxOptions } from './server.ts';
import type { PlatformKey, WechatpayOptions } from './wechatpay/provider.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the options from the environment; else returns every problem as a sentence. */
export function readEnvironment(env: Environment): { options: SandboxOptions } | { problems: string[] } {
  const problems: string[] = [];
  const reader = new Reader(env, problems);
  const stripe = readStripe(reader);
  const alipay = readAlipay(reader);
  const wechatpay = readWechatpay(reader);
  const port = reader.wholeNumber('SANDBOX_PORT', 65_535) ?? 4100;
  const seed = reader.wholeNumber('SANDBOX_SEED', 2 ** 32 - 1);
  if (problems.length > 0) return { problems };
  const options = {
    host: env.SANDBOX_HOST || '127.0.0.1',
    port,
    dataDir: env.SANDBOX_DATA_DIR || null,
    ...{ stripe, alipay, wechatpay },
    ...(seed !== undefined && { seed }),
  };
  return { options };
}

function readStripe(reader: Reader): SandboxOptions['stripe'] {
  return {
    secretKey: reader.required('SANDBOX_STRIPE_SECRET_KEY', /^[sr]k_test_\S+$/, 'sk_test_…'),
    publishableKey: reader.required('SANDBOX_STRIPE_PUBLISHABLE_KEY', /^pk_test_\S+$/, 'pk_test_…'),
    webhookSecret: reader.required('SANDBOX_STRIPE_WEBHOOK_SECRET', /^whsec_[^,\s]+(,whsec_[^,\s]+)?$/, 'whsec_…'),
    webhookUrl: reader.webUrl('SANDBOX_STRIPE_WEBHOOK_URL'),
  };
}

function readAlipay(reader: Reader): AlipayOptions | null {
  const names = ['APP_ID', 'SELLER_ID', 'APP_PUBLIC_KEY', 'PRIVATE_KEY'].map((name) => `SANDBOX_ALIPAY_${name}`);
  if (reader.areAllEmpty(names)) return null;
  return {
    appId: reader.required('SANDBOX_ALIPAY_APP_ID', /^\d{16,32}$/, '2021000000000000, sixteen digits or more'),
    sellerId: reader.required('SANDBOX_ALIPAY_SELLER_ID', /^2088\d{12}$/, '2088000000000000, sixteen digits'),
    appPublicKey: reader.rsaKey('SANDBOX_ALIPAY_APP_PUBLIC_KEY', createPublicKey, 'BEGIN PUBLIC KEY'),
    privateKey: reader.rsaKey('SANDBOX_ALIPAY_PRIVATE_KEY', createPrivateKey, 'BEGIN PRIVATE KEY'),
  };
}

function readWechatpay(reader: Reader): WechatpayOptions | null {
  const parts = ['APP_ID', 'MCH_ID', 'MERCHANT_SERIAL', 'MERCHANT_PUBLIC_KEY', 'API_V3_KEY', 'PLATFORM_KEYS'];
  if (reader.areAllEmpty(parts.map((name) => `SANDBOX_WECHATPAY_${name}`))) return null;
  return {
    appId: reader.required('SANDBOX_WECHATPAY_APP_ID', /^wx[0-9a-z]{1,30}$/, 'wx0000000000000000'),
    mchId: reader.required('SANDBOX_WECHATPAY_MCH_ID', /^\d{8,10}$/, '1900000001'),
    merchantSerial: reader.required('SANDBOX_WECHATPAY_MERCHANT_SERIAL', /^[0-9A-Fa-f]{40}$/, 'forty hex digits'),
    merchantPublicKey: reader.rsaKey('SANDBOX_WECHATPAY_MERCHANT_PUBLIC_KEY', createPublicKey, 'BEGIN PUBLIC KEY'),
    apiV3Key: reader.required('SANDBOX_WECHATPAY_API_V3_KEY', /^[\x20-\x7e]{32}$/, 'thirty-two ASCII characters'),
    platformKeys: readPlatformKeys(reader),
  };
}

function readPlatformKeys(reader: Reader): PlatformKey[] {
  const name = 'SANDBOX_WECHATPAY_PLATFORM_KEYS';
  const like = '[{"serial":"PUB_KEY_ID_…","privateKey":"-----BEGIN PRIVATE KEY-----…"}], a JSON array';
  const text = reader.required(name, /^\s*\[/, like);
  try {
    const keys: unknown = JSON.parse(text);
    if (Array.isArray(keys) && keys.length > 0 && keys.every(isPlatformKey)) return keys;
    if (text !== '') reader.problem(`${name} must be like ${like}.`);
  } catch {
    if (/^\s*\[/.test(text)) reader.problem(`${name} must be like ${like}.`);
  }
  return [];
}

function isPlatformKey(value: unknown): value is PlatformKey {
  if (typeof value !== 'object' || value === null || !('serial' in value) || !('privateKey' in value)) return false;
  const { serial, privateKey } = value;
  const certificate = 'certificate' in value ? value.certificate : undefined;
  return (
    typeof serial === 'string' &&
    typeof privateKey === 'string' &&
    isRsaKey(privateKey, createPrivateKey) &&
    (certificate === undefined || typeof certificate === 'string')
  );
}

const rsaBitsMin = 2048;

function isRsaKey(pem: string, parse: (pem: string) => KeyObject): boolean {
  try {
    const key = parse(pem);
    return key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= rsaBitsMin;
  } catch {
    return false;
  }
}

/** Reads one variable at a time and collects the problems. A value with a problem is returned but never used. */
class Reader {
  #env: Environment;
  #problems: string[];

  constructor(env: Environment, problems: string[]) {
    this.#env = env;
    this.#problems = problems;
  }

  problem(sentence: string): void {
    this.#problems.push(sentence);
  }

  /** A provider is off when all of its variables are empty, and on when all are set. */
  areAllEmpty(names: readonly string[]): boolean {
    return names.every((name) => (this.#env[name] ?? '') === '');
  }

  required(name: string, pattern: RegExp, like: string): string {
    const value = this.#env[name] ?? '';
    if (value === '') this.problem(`${name} is missing: it must be like ${like}.`);
    else if (!pattern.test(value)) this.problem(`${name} must be like ${like}.`);
    return value;
  }

  /** `begins` is the first line of the PEM, without its dashes. */
  rsaKey(name: string, parse: (pem: string) => KeyObject, begins: string): string {
    const value = this.#env[name] ?? '';
    const like = `-----${begins}-----…, PEM of an RSA key of ${rsaBitsMin} bits or more`;
    if (value === '') this.problem(`${name} is missing: it must be like ${like}.`);
    else if (!value.includes(begins) || !isRsaKey(value, parse)) this.problem(`${name} must be like ${like}.`);
    return value;
  }

  wholeNumber(name: string, max: number): number | undefined {
    const value = this.#env[name];
    if (value === undefined || value === '') return undefined;
    if (!/^\d{1,10}$/.test(value) || Number(value) > max) {
      this.problem(`${name} must be a whole number up to ${max}.`);
    }
    return Number(value);
  }

  webUrl(name: string): string | null {
    const url = this.#env[name] || null;
    if (url !== null && !isWebUrl(url)) {
      this.problem(`${name} must be an http(s) URL, or empty for no webhooks.`);
    }
    return url;
  }
}
