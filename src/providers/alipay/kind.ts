import { type KeyObject, X509Certificate } from 'node:crypto';
import type { AlipaySdkConfig } from 'alipay-sdk';
import { isPairOf, readPrivateKey, readPublicKey } from '../pem.ts';
import type { ProviderKind, ProviderSetup, Settings } from '../provider.ts';
import { isLoopback, mustMatch, readAt, tellMissing, urlAt } from '../settings.ts';

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
    description: `app ${config.appId} at ${new URL(config.gateway).host}`,
    findAccount: async () => config.appId,
    async open({ now, webhookUrl }) {
      const { createAlipayProvider } = await import('./adapter.ts'); // a start without Alipay does not load the SDK
      return createAlipayProvider({ ...config, now, notifyUrl: webhookUrl });
    },
  };
}

const liveGateway = 'https://openapi.alipay.com/gateway.do';
const always = ['ALIPAY_APP_ID', 'ALIPAY_SELLER_ID', 'ALIPAY_PRIVATE_KEY'] as const;
const certificateNames = ['ALIPAY_APP_CERT', 'ALIPAY_CERT', 'ALIPAY_ROOT_CERT'] as const;
const variables = [...always, 'ALIPAY_PUBLIC_KEY', ...certificateNames, 'ALIPAY_GATEWAY'] as const;

/** Alipay, by `ALIPAY_…`. */
export const alipayKind: ProviderKind = {
  name: 'ALIPAY',
  variables,
  readSetup(settings) {
    const config = variables.some(settings.isSet) ? readConfig(settings) : null;
    return config === null ? null : alipaySetup(config);
  },
};

function readConfig(settings: Settings): AlipayConfig | null {
  const { at, isSet, violations } = settings;
  const before = violations.length;
  const areCertificatesUsed = certificateNames.some(isSet);
  const proof = areCertificatesUsed ? certificateNames : (['ALIPAY_PUBLIC_KEY'] as const);
  tellMissing(settings, 'Alipay is', [...always, ...proof], 'ALIPAY_*');
  if (areCertificatesUsed && isSet('ALIPAY_PUBLIC_KEY')) {
    violations.push(`ALIPAY_PUBLIC_KEY is set beside certificates: keep it, or ${certificateNames.join(', ')}.`);
  }
  const appId = at('ALIPAY_APP_ID');
  const appIdForm = 'ALIPAY_APP_ID must be digits, as the console shows it: usually 16 of them.';
  mustMatch(settings, appId, /^\d{8,32}$/, appIdForm);
  const sellerId = at('ALIPAY_SELLER_ID');
  const sellerForm = 'ALIPAY_SELLER_ID must be 16 digits that start with 2088: the merchant account, not the app.';
  mustMatch(settings, sellerId, /^2088\d{12}$/, sellerForm);
  const gateway = readGateway(settings);
  const privateKey = readAt(settings, 'ALIPAY_PRIVATE_KEY', readPrivateKey);
  const alipayPublicKey = areCertificatesUsed
    ? readCertificates(settings, privateKey)
    : readAlipayKey(settings, privateKey);

  if (violations.length > before) return null;
  if (appId === null || sellerId === null || privateKey === null || alipayPublicKey === null) return null;
  const [app = null, alipay = null, root = null] = certificateNames.map(
    (name) => at(name)?.replaceAll('\\n', '\n') ?? null,
  );
  const certificates = app !== null && alipay !== null && root !== null ? { app, alipay, root } : null;
  return { appId, sellerId, privateKey, alipayPublicKey, certificates, gateway };
}

/** Alipay's own, unless another is named. Whether it belongs to where we run is told. */
function readGateway(settings: Settings): string {
  const { isProduction, violations, callers } = settings;
  const given = urlAt(settings, 'ALIPAY_GATEWAY');
  if (given === null && settings.isSet('ALIPAY_GATEWAY')) return liveGateway; // what is wrong with it was told
  const gateway = given ?? liveGateway;
  const { protocol, hostname, pathname } = new URL(gateway);
  const isLive = /(^|\.)alipay\.com$/.test(hostname);
  const isSandbox = /(^|\.)alipaydev\.com$/.test(hostname);
  if (isLive && !isProduction) {
    violations.push(
      'ALIPAY_GATEWAY is Alipay’s live gateway unless it names another: real money moves only with NODE_ENV=production.',
    );
  }
  if (isSandbox && isProduction) {
    violations.push('ALIPAY_GATEWAY is Alipay’s sandbox, in which no money moves: production needs the live gateway.');
  }
  if (protocol === 'http:' && isProduction && !isLoopback(hostname)) {
    violations.push('ALIPAY_GATEWAY must be https in production.');
  }
  if (isLive || isSandbox) {
    callers.push('Alipay');
    if (pathname !== '/gateway.do') violations.push('ALIPAY_GATEWAY must end in /gateway.do at Alipay.');
  }
  return gateway;
}

function readAlipayKey(settings: Settings, privateKey: KeyObject | null): KeyObject | null {
  const { at, violations } = settings;
  if (at('ALIPAY_PUBLIC_KEY')?.includes('BEGIN CERTIFICATE')) {
    violations.push(
      'ALIPAY_PUBLIC_KEY holds a certificate: that is ALIPAY_CERT, with ALIPAY_APP_CERT and ALIPAY_ROOT_CERT.',
    );
    return null;
  }
  const key = readAt(settings, 'ALIPAY_PUBLIC_KEY', readPublicKey);
  if (key !== null && privateKey !== null && isPairOf(key, privateKey)) {
    violations.push(
      'ALIPAY_PUBLIC_KEY is the public half of ALIPAY_PRIVATE_KEY: it must be Alipay’s own public key, shown in the console after yours was uploaded.',
    );
  }
  return key;
}

/** Checks which certificate is whose, for they are mixed up easily. Returns the key of Alipay's. */
function readCertificates(settings: Settings, privateKey: KeyObject | null): KeyObject | null {
  const { violations } = settings;
  const appKey = readAt(settings, 'ALIPAY_APP_CERT', keyOfCertificate);
  const alipayKey = readAt(settings, 'ALIPAY_CERT', keyOfCertificate);
  readAt(settings, 'ALIPAY_ROOT_CERT', checkRoots);
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
function checkRoots(given: string): true {
  const text = given.replaceAll('\\n', '\n');
  const bundle = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (!bundle.some(isRsaCertificate)) throw new Error('holds no RSA certificate in PEM.');
  return true;
}

function isRsaCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).publicKey.asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}
