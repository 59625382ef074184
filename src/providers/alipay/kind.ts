import { type KeyObject, X509Certificate } from 'node:crypto';
import type { AlipaySdkConfig } from 'alipay-sdk';
import { isPairOf, readPrivateKey, readPublicKey } from '../pem.ts';
import type { ProviderKind, ProviderSetup, Settings } from '../provider.ts';
import { urlAt } from '../settings.ts';

export type AlipayConfig = {
  readonly appId: string;
  /** The merchant account that money comes to: `2088…`. */
  readonly sellerId: string;
  /** We sign by it. */
  readonly privateKey: KeyObject;
  /** Alipay signs by its other half; of Alipay's certificate where certificates are used. */
  readonly alipayPublicKey: KeyObject;
  /** PEM texts; null where plain keys are used. */
  readonly certificates: { readonly app: string; readonly alipay: string; readonly root: string } | null;
  /** `https://openapi.alipay.com/gateway.do`, Alipay's sandbox, or ours. */
  readonly gateway: string;
  /** Carries the SDK's requests: a dispatcher of undici, whose own fields the SDK walks through. Node's own when left out. */
  readonly httpDispatcher?: NonNullable<AlipaySdkConfig['proxyAgent']>;
};

export function alipaySetup(config: AlipayConfig): ProviderSetup {
  return {
    name: 'ALIPAY',
    async open({ now, webhookUrl }) {
      const { createAlipayProvider } = await import('./adapter.ts'); // a start without Alipay does not load the SDK
      return createAlipayProvider({ ...config, now, notifyUrl: webhookUrl });
    },
  };
}

/** Alipay, by `ALIPAY_…`. */
export const alipayKind: ProviderKind = {
  name: 'ALIPAY',
  readSetup(settings) {
    const config = readConfig(settings);
    return config === null ? null : alipaySetup(config);
  },
};

const liveGateway = 'https://openapi.alipay.com/gateway.do';
const certificateNames = ['ALIPAY_APP_CERT', 'ALIPAY_CERT', 'ALIPAY_ROOT_CERT'] as const;

function readConfig(settings: Settings): AlipayConfig | null {
  const { at, violations } = settings;
  const before = violations.length;
  const appId = at('ALIPAY_APP_ID');
  const sellerId = at('ALIPAY_SELLER_ID');
  const privateText = at('ALIPAY_PRIVATE_KEY');
  const publicText = at('ALIPAY_PUBLIC_KEY');
  const certificateTexts = certificateNames.map(at);
  const gateway = urlAt(settings, 'ALIPAY_GATEWAY');
  const given = [appId, sellerId, privateText, publicText, gateway, ...certificateTexts];
  if (given.every((value) => value === null) && violations.length === before) return null;

  const areCertificatesUsed = certificateTexts.some((text) => text !== null);
  const missing = [
    ...(appId === null ? ['ALIPAY_APP_ID'] : []),
    ...(sellerId === null ? ['ALIPAY_SELLER_ID'] : []),
    ...(privateText === null ? ['ALIPAY_PRIVATE_KEY'] : []),
    ...(areCertificatesUsed
      ? certificateNames.filter((_, index) => certificateTexts[index] === null)
      : publicText === null
        ? ['ALIPAY_PUBLIC_KEY']
        : []),
  ];
  if (missing.length > 0) {
    violations.push(`Alipay is configured in part: ${missing.join(' and ')} must be set too, or nothing of ALIPAY_*.`);
  }
  if (areCertificatesUsed && publicText !== null) {
    violations.push(`ALIPAY_PUBLIC_KEY is set beside certificates: keep it, or ${certificateNames.join(', ')}.`);
  }
  if (appId !== null && !/^\d{8,32}$/.test(appId)) {
    violations.push('ALIPAY_APP_ID must be digits, as the console shows it: usually 16 of them.');
  }
  if (sellerId !== null && !/^2088\d{12}$/.test(sellerId)) {
    violations.push('ALIPAY_SELLER_ID must be 16 digits that start with 2088: the merchant account, not the app.');
  }
  checkReach(settings, gateway ?? liveGateway);
  const privateKey = read(violations, 'ALIPAY_PRIVATE_KEY', privateText, readPrivateKey);
  const [app = null, alipay = null, root = null] = certificateTexts.map(
    (text) => text?.replaceAll('\\n', '\n') ?? null,
  );
  const alipayPublicKey = areCertificatesUsed
    ? readCertificates(violations, { app, alipay, root }, privateKey)
    : readAlipayKey(violations, publicText, privateKey);

  if (violations.length > before) return null;
  if (appId === null || sellerId === null || privateKey === null || alipayPublicKey === null) return null;
  const certificates = app !== null && alipay !== null && root !== null ? { app, alipay, root } : null;
  return { appId, sellerId, privateKey, alipayPublicKey, certificates, gateway: gateway ?? liveGateway };
}

/** The two directions of the network: our calls, and Alipay's callbacks. */
function checkReach({ isProduction, publicUrl, violations }: Settings, gateway: string): void {
  const { protocol, hostname } = new URL(gateway);
  if (protocol === 'http:' && isProduction && !isLoopback(hostname)) {
    violations.push('ALIPAY_GATEWAY must be https in production.');
  }
  if (!/(^|\.)(alipay|alipaydev)\.com$/.test(hostname)) return;
  const own = publicUrl === null ? null : new URL(publicUrl);
  if (own === null || own.protocol !== 'https:' || isLoopback(own.hostname)) {
    violations.push('PUBLIC_URL must be an https URL that the internet reaches: Alipay posts its callbacks there.');
  }
}

function isLoopback(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

function readAlipayKey(violations: string[], text: string | null, privateKey: KeyObject | null): KeyObject | null {
  if (text?.includes('BEGIN CERTIFICATE')) {
    violations.push(
      'ALIPAY_PUBLIC_KEY holds a certificate: that is ALIPAY_CERT, with ALIPAY_APP_CERT and ALIPAY_ROOT_CERT.',
    );
    return null;
  }
  const key = read(violations, 'ALIPAY_PUBLIC_KEY', text, readPublicKey);
  if (key !== null && privateKey !== null && isPairOf(key, privateKey)) {
    violations.push(
      'ALIPAY_PUBLIC_KEY is the public half of ALIPAY_PRIVATE_KEY: it must be Alipay’s own public key, shown in the console after yours was uploaded.',
    );
  }
  return key;
}

type CertificateTexts = { readonly app: string | null; readonly alipay: string | null; readonly root: string | null };

/** Checks which certificate is whose, for they are mixed up easily. Returns the key of Alipay's. */
function readCertificates(
  violations: string[],
  { app, alipay, root }: CertificateTexts,
  privateKey: KeyObject | null,
): KeyObject | null {
  const appKey = read(violations, 'ALIPAY_APP_CERT', app, keyOfCertificate);
  const alipayKey = read(violations, 'ALIPAY_CERT', alipay, keyOfCertificate);
  read(violations, 'ALIPAY_ROOT_CERT', root, checkRoots);
  if (privateKey === null) return alipayKey;
  if (appKey !== null && !isPairOf(appKey, privateKey)) {
    violations.push(
      'ALIPAY_APP_CERT is not the certificate of ALIPAY_PRIVATE_KEY: it must be the app’s own, from the console.',
    );
  }
  if (alipayKey !== null && isPairOf(alipayKey, privateKey)) {
    violations.push('ALIPAY_CERT is the certificate of our own app: it must be Alipay’s, from the console.');
  }
  return alipayKey;
}

function keyOfCertificate(text: string): KeyObject {
  if (!text.includes('BEGIN CERTIFICATE')) throw new Error('holds no certificate in PEM.');
  return readPublicKey(text);
}

/** A bundle. Alipay's has roots for other algorithms too, which are not used and may be beyond us. */
function checkRoots(text: string): void {
  const bundle = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (!bundle.some(isRsaCertificate)) throw new Error('holds no RSA certificate in PEM.');
}

function isRsaCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).publicKey.asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}

/** What a variable holds, or null with a sentence that names it. */
function read<T>(violations: string[], name: string, text: string | null, parse: (text: string) => T): T | null {
  if (text === null) return null;
  try {
    return parse(text);
  } catch (error) {
    violations.push(`${name} ${error instanceof Error ? error.message : 'cannot be read.'}`);
    return null;
  }
}
