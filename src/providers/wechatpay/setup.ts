import { createSecretKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isPairOf, readPrivateKey, readPublicKey } from '../pem.ts';
import type { ProviderDefinition, ProviderSetup, Settings } from '../provider.ts';
import { hintFor, isLoopback, mustMatch, readParsed, readPart, readUrl, reportMissing } from '../settings.ts';
import type { WechatpayConfig } from './config.ts';
import { normalizedSerial, type PlatformKeys } from './signature.ts';

const realBaseUrl = 'https://api.mch.weixin.qq.com/';
const required = [
  ...(['WECHATPAY_APP_ID', 'WECHATPAY_MCH_ID', 'WECHATPAY_SERIAL', 'WECHATPAY_PRIVATE_KEY'] as const),
  ...(['WECHATPAY_API_V3_KEY'] as const),
] as const;
const variables = [...required, 'WECHATPAY_PLATFORM_KEYS', 'WECHATPAY_BASE_URL'] as const;

export function wechatpaySetup(config: WechatpayConfig): ProviderSetup {
  return {
    name: 'WECHATPAY',
    description: `merchant ${config.mchId}, app ${config.appId}, at ${new URL(config.baseUrl).host}`,
    isTest: !isRealHost(new URL(config.baseUrl).hostname),
    findAccount: async () => config.mchId,
    async open(parts) {
      const { createWechatpayProvider } = await import('./adapter.ts');
      return createWechatpayProvider({ ...config, ...parts });
    },
  };
}

/** Configures WeChat Pay from the `WECHATPAY_…` variables. */
export const wechatpayDefinition: ProviderDefinition = {
  name: 'WECHATPAY',
  variables,
  operatorVariables: ['WECHATPAY_BASE_URL'],
  secretVariables: ['WECHATPAY_PRIVATE_KEY', 'WECHATPAY_API_V3_KEY'],
  readSetup(settings) {
    const config = variables.some(settings.isSet) ? readConfig(settings) : null;
    return config === null ? null : wechatpaySetup(config);
  },
};

function readConfig(settings: Settings): WechatpayConfig | null {
  const { at, violations } = settings;
  const violationsBefore = violations.length;
  reportMissing(settings, 'WeChat Pay is', required, 'WECHATPAY_*');
  const appId = at('WECHATPAY_APP_ID');
  mustMatch(settings, appId, /^wx[0-9a-zA-Z]{16}$/, 'WECHATPAY_APP_ID must be wx followed by 16 letters or digits.');
  const mchId = at('WECHATPAY_MCH_ID');
  mustMatch(settings, mchId, /^\d{8,10}$/, 'WECHATPAY_MCH_ID must be the merchant number, 8 to 10 digits.');
  const givenSerial = at('WECHATPAY_SERIAL');
  const serialForm = 'WECHATPAY_SERIAL must be the serial number of the merchant’s certificate, 40 hexadecimal digits.';
  mustMatch(settings, givenSerial, /^[0-9A-Fa-f]{40}$/, serialForm);
  const serial = givenSerial === null ? null : normalizedSerial(givenSerial);
  const privateKey = readParsed(settings, 'WECHATPAY_PRIVATE_KEY', readPrivateKey);
  const apiV3Key = readParsed(settings, 'WECHATPAY_API_V3_KEY', readApiV3Key);
  const platformKeys = readPlatformKeys(settings, { serial, privateKey });
  const baseUrl = readBaseUrl(settings);
  if (violations.length > violationsBefore) return null;
  if (appId === null || mchId === null || serial === null || privateKey === null || apiV3Key === null) return null;
  return { appId, mchId, serial, privateKey, apiV3Key, platformKeys, baseUrl };
}

/** AES-256 needs 32 bytes. WeChat Pay uses the ASCII characters of the key as entered in its console. */
function readApiV3Key(text: string): KeyObject {
  const bytes = Buffer.from(text, 'utf8');
  const isAscii = /^[\x21-\x7e]*$/.test(text);
  if (bytes.length === 32 && isAscii) return createSecretKey(bytes);
  throw new Error(`must be exactly 32 ASCII bytes: it has ${bytes.length}${isAscii ? '' : ', not all of them ASCII'}.`);
}

type Own = { readonly serial: string | null; readonly privateKey: KeyObject | null };

/** Reads a JSON object of PEM texts by serial number or public key id. Inherited properties are not entries. */
function readPlatformKeys(settings: Settings, own: Own): PlatformKeys {
  const name = 'WECHATPAY_PLATFORM_KEYS';
  const { violations } = settings;
  const parsed = readParsed(settings, name, parsePlatformKeys);
  const keys = new Map<string, KeyObject>();
  for (const [given, pem] of Object.entries(parsed ?? {})) {
    const serial = normalizedSerial(given);
    const key = readPart(
      violations,
      `${name}, ${given.slice(0, 64)},`,
      () => {
        if (keys.has(serial)) throw new Error('occurs twice, in upper and in lower case.');
        return readPlatformKey(serial, pem, own);
      },
      typeof pem === 'string' ? hintFor(pem, 'write the text itself') : '',
    );
    if (key !== null) keys.set(serial, key);
  }
  if (parsed !== null && Object.keys(parsed).length === 0) violations.push(`${name} must contain at least one key.`);
  return keys;
}

function parsePlatformKeys(text: string): Record<string, unknown> {
  let parsed: unknown = null;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Not JSON. The message below says what is expected and shows nothing of the value.
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new Error('must be a JSON object with a PEM text for each serial number or PUB_KEY_ID_….');
  }
  return { ...parsed };
}

function readPlatformKey(serial: string, pem: unknown, own: Own): KeyObject {
  if (!/^(PUB_KEY_ID_\w{1,64}|[0-9A-Fa-f]{8,64})$/.test(serial)) {
    throw new Error('must be the serial number of a WeChat Pay certificate, or a PUB_KEY_ID_….');
  }
  if (serial === own.serial) {
    throw new Error('is WECHATPAY_SERIAL, the merchant’s own certificate: set WeChat Pay’s.');
  }
  if (typeof pem !== 'string') throw new Error('must be text, the PEM of a public key or a certificate.');
  const key = readPublicKey(pem);
  if (own.privateKey !== null && isPairOf(key, own.privateKey)) {
    throw new Error('is the public half of WECHATPAY_PRIVATE_KEY: set WeChat Pay’s public key.');
  }
  const certificate = certificateIn(pem);
  if (certificate !== null && normalizedSerial(certificate.serialNumber) !== serial) {
    throw new Error(`contains a certificate with the serial number ${certificate.serialNumber}.`);
  }
  return key;
}

function certificateIn(pem: string): X509Certificate | null {
  return pem.includes('BEGIN CERTIFICATE') ? new X509Certificate(pem.replaceAll('\\n', '\n')) : null;
}

function isRealHost(hostname: string): boolean {
  return hostname === 'api.mch.weixin.qq.com' || hostname === 'api2.mch.weixin.qq.com';
}

/** WeChat Pay's live API unless `WECHATPAY_BASE_URL` names another. Reports a URL that does not fit the environment. */
function readBaseUrl(settings: Settings): string {
  const { isProduction, violations, callers } = settings;
  const given = readUrl(settings, 'WECHATPAY_BASE_URL');
  if (given === null && settings.isSet('WECHATPAY_BASE_URL')) return realBaseUrl; // the invalid value is reported already
  const baseUrl = given ?? realBaseUrl;
  const base = new URL(baseUrl);
  const isReal = isRealHost(base.hostname);
  if (base.pathname !== '/' || base.search !== '' || base.username !== '' || (isReal && base.port !== '')) {
    violations.push('WECHATPAY_BASE_URL must have a host only: WeChat Pay’s paths begin with /v3.');
  }
  if (base.protocol === 'http:' && (isReal || (isProduction && !isLoopback(base.hostname)))) {
    violations.push('WECHATPAY_BASE_URL must be https.');
  }
  if (!isReal) return baseUrl;
  callers.push('WeChat Pay');
  if (!isProduction) {
    violations.push(
      'WECHATPAY_BASE_URL is WeChat Pay’s live API by default: real money moves only with NODE_ENV=production.',
    );
  }
  return baseUrl;
}
