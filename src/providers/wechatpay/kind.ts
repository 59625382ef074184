import { createSecretKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isPairOf, readPrivateKey, readPublicKey } from '../pem.ts';
import type { ProviderKind, ProviderSetup, Settings } from '../provider.ts';
import { urlAt } from '../settings.ts';
import type { PlatformKeys } from './signature.ts';
import type { Send } from './transport.ts';

export type WechatpayConfig = {
  /** The app that buyers pay in, bound to the merchant. */
  readonly appId: string;
  readonly mchId: string;
  /** Of the merchant's certificate. */
  readonly serial: string;
  /** The merchant's: requests are signed with it. */
  readonly privateKey: KeyObject;
  /** Opens what notifications hold; 32 bytes. */
  readonly apiV3Key: KeyObject;
  /** WeChat Pay's: what it says is verified with them. */
  readonly platformKeys: PlatformKeys;
  /** `https://api.mch.weixin.qq.com/`, or a sandbox's. */
  readonly baseUrl: string;
  /** Carries the requests; Node's own client when left out. */
  readonly send?: Send;
};

const realBaseUrl = 'https://api.mch.weixin.qq.com/';
const required = [
  ...(['WECHATPAY_APP_ID', 'WECHATPAY_MCH_ID', 'WECHATPAY_SERIAL', 'WECHATPAY_PRIVATE_KEY'] as const),
  ...(['WECHATPAY_API_V3_KEY', 'WECHATPAY_PLATFORM_KEYS'] as const),
];

export function wechatpaySetup(config: WechatpayConfig): ProviderSetup {
  return {
    name: 'WECHATPAY',
    async open(parts) {
      const { createWechatpayProvider } = await import('./adapter.ts');
      return createWechatpayProvider({ ...config, ...parts });
    },
  };
}

/** WeChat Pay, by `WECHATPAY_…`. */
export const wechatpayKind: ProviderKind = {
  name: 'WECHATPAY',
  readSetup(settings) {
    const config = readConfig(settings);
    return config === null ? null : wechatpaySetup(config);
  },
};

function readConfig(settings: Settings): WechatpayConfig | null {
  const { at, violations } = settings;
  const violationsBefore = violations.length;
  const givenUrl = urlAt(settings, 'WECHATPAY_BASE_URL');
  const values = required.map(at);
  const missing = required.filter((_, index) => values[index] === null);
  if (missing.length === required.length && givenUrl === null) return null;
  const [appId, mchId, serial, privateKeyText, apiV3KeyText, platformKeysText] = values;
  if (!appId || !mchId || !serial || !privateKeyText || !apiV3KeyText || !platformKeysText) {
    const names = missing.join(' and ');
    violations.push(`WeChat Pay is configured in part: ${names} must be set too, or nothing of WECHATPAY_*.`);
    return null;
  }
  if (!/^wx[0-9a-zA-Z]{16}$/.test(appId)) violations.push('WECHATPAY_APP_ID must be wx and 16 letters or digits.');
  if (!/^\d{8,10}$/.test(mchId)) violations.push('WECHATPAY_MCH_ID must be the merchant number, 8 to 10 digits.');
  if (!/^[0-9A-Fa-f]{40}$/.test(serial)) {
    violations.push('WECHATPAY_SERIAL must be the serial number of the merchant’s certificate, 40 hexadecimal digits.');
  }
  const privateKey = readAt('WECHATPAY_PRIVATE_KEY', violations, () => readPrivateKey(privateKeyText));
  const apiV3Key = readApiV3Key(apiV3KeyText, violations);
  const platformKeys = readPlatformKeys(platformKeysText, { serial, privateKey }, violations);
  const baseUrl = givenUrl ?? realBaseUrl;
  checkAddresses(baseUrl, settings);
  const isWrong = violations.length > violationsBefore;
  if (isWrong || privateKey === null || apiV3Key === null) return null;
  return { appId, mchId, serial, privateKey, apiV3Key, platformKeys, baseUrl };
}

/** AES-256 takes 32 bytes, and WeChat Pay's are the ASCII characters of the key as it was typed into its console. */
function readApiV3Key(text: string, violations: string[]): KeyObject | null {
  const bytes = Buffer.from(text, 'utf8');
  const isAscii = /^[\x21-\x7e]*$/.test(text);
  if (bytes.length === 32 && isAscii) return createSecretKey(bytes);
  const found = isAscii ? `it has ${bytes.length}` : `it has ${bytes.length}, and not of ASCII alone`;
  violations.push(`WECHATPAY_API_V3_KEY must be exactly 32 bytes of ASCII: ${found}.`);
  return null;
}

type Own = { readonly serial: string; readonly privateKey: KeyObject | null };

/** A JSON object of PEM texts by serial number or public key id. What it inherits is no entry of it. */
function readPlatformKeys(text: string, own: Own, violations: string[]): PlatformKeys {
  const name = 'WECHATPAY_PLATFORM_KEYS';
  const parsed = readAt(name, violations, () => parsePlatformKeys(text));
  const keys = new Map<string, KeyObject>();
  for (const [serial, pem] of Object.entries(parsed ?? {})) {
    const key = readAt(`${name}, ${serial.slice(0, 64)},`, violations, () => readPlatformKey(serial, pem, own));
    if (key !== null) keys.set(serial, key);
  }
  if (parsed !== null && Object.keys(parsed).length === 0) violations.push(`${name} must hold at least one key.`);
  return keys;
}

function parsePlatformKeys(text: string): Record<string, unknown> {
  let parsed: unknown = null;
  try {
    parsed = JSON.parse(text);
  } catch {
    // No JSON: the sentence below says what it should be, and shows nothing of what it is.
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new Error('must be a JSON object with a PEM text for each serial number or PUB_KEY_ID_….');
  }
  return { ...parsed };
}

function readPlatformKey(serial: string, pem: unknown, own: Own): KeyObject {
  if (!/^(PUB_KEY_ID_\w{1,64}|[0-9A-Fa-f]{8,64})$/.test(serial)) {
    throw new Error('must be the serial number of a certificate of WeChat Pay’s, or a PUB_KEY_ID_….');
  }
  if (serial.toUpperCase() === own.serial.toUpperCase()) {
    throw new Error('is WECHATPAY_SERIAL, the merchant’s own certificate; WeChat Pay’s belongs here.');
  }
  if (typeof pem !== 'string') throw new Error('must be text, the PEM of a public key or a certificate.');
  const key = readPublicKey(pem);
  if (own.privateKey !== null && isPairOf(key, own.privateKey)) {
    throw new Error('is the public half of WECHATPAY_PRIVATE_KEY; WeChat Pay’s public key belongs here.');
  }
  const certificate = certificateIn(pem);
  if (certificate !== null && certificate.serialNumber.toUpperCase() !== serial.toUpperCase()) {
    throw new Error(`holds a certificate whose own serial number is ${certificate.serialNumber}.`);
  }
  return key;
}

function certificateIn(pem: string): X509Certificate | null {
  return pem.includes('BEGIN CERTIFICATE') ? new X509Certificate(pem.replaceAll('\\n', '\n')) : null;
}

function checkAddresses(baseUrl: string, { publicUrl, isProduction, violations }: Settings): void {
  const base = new URL(baseUrl);
  if (base.pathname !== '/' || base.search !== '' || base.username !== '') {
    violations.push('WECHATPAY_BASE_URL must be a host alone: WeChat Pay’s paths begin with /v3.');
  }
  const isReal = base.hostname === 'api.mch.weixin.qq.com' || base.hostname === 'api2.mch.weixin.qq.com';
  if (base.protocol === 'http:' && (isReal || (isProduction && !isLoopback(base)))) {
    violations.push('WECHATPAY_BASE_URL must be https.');
  }
  if (publicUrl?.includes('?'))
    violations.push('PUBLIC_URL must have no query: WeChat Pay takes no callback URL with one.');
  if (!isReal) return;
  if (publicUrl === null || !publicUrl.startsWith('https:') || isLoopback(new URL(publicUrl))) {
    violations.push('PUBLIC_URL must be https and not of this machine: WeChat Pay posts its callbacks there.');
  }
}

function isLoopback({ hostname }: URL): boolean {
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

/** What `read` returns; null when it throws, and what it says is then told of the variable. */
function readAt<T>(name: string, violations: string[], read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    violations.push(`${name} ${error instanceof Error ? error.message : error}`);
    return null;
  }
}
