import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { isPairOf, keysIn, readPrivateKey, readPublicKey } from '../pem.ts';
import type { ProviderDefinition, ProviderSetup, Settings } from '../provider.ts';
import { isLoopback, mustMatch, readParsed, readUrl, reportMissing } from '../settings.ts';
import type { AlipayConfig, AlipayKeys } from './config.ts';
import type { AlipayKey } from './signature.ts';

export function alipaySetup(config: AlipayConfig): ProviderSetup {
  return {
    name: 'ALIPAY',
    description: `app ${config.appId} at ${new URL(config.gateway).host}`,
    isTest: !isLiveHost(new URL(config.gateway).hostname),
    findAccount: async () => config.appId,
    async open({ now, webhookUrl }) {
      const { createAlipayProvider } = await import('./adapter.ts'); // without Alipay the SDK is not loaded
      return createAlipayProvider({ ...config, now, notifyUrl: webhookUrl });
    },
  };
}

const liveGateway = 'https://openapi.alipay.com/gateway.do';
const always = ['ALIPAY_APP_ID', 'ALIPAY_SELLER_ID', 'ALIPAY_PRIVATE_KEY'] as const;
const certificateNames = ['ALIPAY_APP_CERT', 'ALIPAY_CERT', 'ALIPAY_ROOT_CERT'] as const;
const variables = [...always, 'ALIPAY_PUBLIC_KEY', ...certificateNames, 'ALIPAY_GATEWAY'] as const;

/** Configures Alipay from the `ALIPAY_…` variables. */
export const alipayDefinition: ProviderDefinition = {
  name: 'ALIPAY',
  variables,
  operatorVariables: ['ALIPAY_GATEWAY'],
  secretVariables: ['ALIPAY_PRIVATE_KEY'],
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
  reportMissing(settings, 'Alipay is', [...always, ...proof], 'ALIPAY_*');
  if (areCertificatesUsed && isSet('ALIPAY_PUBLIC_KEY')) {
    violations.push(
      `ALIPAY_PUBLIC_KEY is set together with certificates: keep either it or ${certificateNames.join(', ')}.`,
    );
  }
  const appId = at('ALIPAY_APP_ID');
  const appIdForm = 'ALIPAY_APP_ID must be digits, as the console shows it: usually 16 of them.';
  mustMatch(settings, appId, /^\d{8,32}$/, appIdForm);
  const sellerId = at('ALIPAY_SELLER_ID');
  const sellerForm = 'ALIPAY_SELLER_ID must be 16 digits that start with 2088: the merchant account, not the app.';
  mustMatch(settings, sellerId, /^2088\d{12}$/, sellerForm);
  const gateway = readGateway(settings);
  const privateKey = readParsed(settings, 'ALIPAY_PRIVATE_KEY', readPrivateKey);
  const found = areCertificatesUsed ? readCertificates(settings, privateKey) : readAlipayKeys(settings, privateKey);

  if (violations.length > before) return null;
  if (appId === null || sellerId === null || privateKey === null || found === null) return null;
  return { appId, sellerId, privateKey, ...found, gateway };
}

function isLiveHost(hostname: string): boolean {
  return /(^|\.)alipay\.com$/.test(hostname);
}

/** Alipay's live gateway unless `ALIPAY_GATEWAY` names another. Reports a gateway that does not fit the environment. */
function readGateway(settings: Settings): string {
  const { isProduction, allowsTest, violations, callers } = settings;
  const given = readUrl(settings, 'ALIPAY_GATEWAY');
  if (given === null && settings.isSet('ALIPAY_GATEWAY')) return liveGateway; // the invalid value is reported already
  const gateway = given ?? liveGateway;
  const { protocol, hostname, pathname } = new URL(gateway);
  const isLive = isLiveHost(hostname);
  const isSandbox = /(^|\.)alipaydev\.com$/.test(hostname);
  if (isLive && !isProduction) {
    violations.push(
      'ALIPAY_GATEWAY is Alipay’s live gateway by default: real money moves only with NODE_ENV=production.',
    );
  }
  if (isSandbox && isProduction && !allowsTest) {
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

type Found = Pick<AlipayConfig, 'alipayKeys' | 'certificates'>;
const tooMany = 'contains more than two: only the current one and its replacement are allowed.';

function readAlipayKeys(settings: Settings, privateKey: KeyObject | null): Found | null {
  const { at, violations } = settings;
  if (at('ALIPAY_PUBLIC_KEY')?.includes('BEGIN CERTIFICATE')) {
    violations.push(
      'ALIPAY_PUBLIC_KEY contains a certificate: set ALIPAY_CERT instead, with ALIPAY_APP_CERT and ALIPAY_ROOT_CERT.',
    );
    return null;
  }
  const alipayKeys = readParsed(settings, 'ALIPAY_PUBLIC_KEY', (text) => {
    const keys = keysIn(text, (part) => ({ publicKey: readPublicKey(part), certSn: null }));
    if (keys.length > 2) throw new Error(tooMany);
    return keys;
  });
  if (alipayKeys === null) return null;
  if (privateKey !== null && alipayKeys.some(({ publicKey }) => isPairOf(publicKey, privateKey))) {
    violations.push(
      'ALIPAY_PUBLIC_KEY is the public half of ALIPAY_PRIVATE_KEY: it must be Alipay’s own public key, shown in the console after yours was uploaded.',
    );
  }
  return { alipayKeys, certificates: null };
}

/** Checks the owner of each certificate, because they are easily mixed up. */
function readCertificates(settings: Settings, privateKey: KeyObject | null): Found | null {
  const { at, violations } = settings;
  const appKey = readParsed(settings, 'ALIPAY_APP_CERT', keyOfCertificate);
  const alipay = readParsed(settings, 'ALIPAY_CERT', readAlipayCertificates);
  readParsed(settings, 'ALIPAY_ROOT_CERT', checkRoots);
  if (privateKey !== null && appKey !== null && !isPairOf(appKey, privateKey)) {
    violations.push(
      'ALIPAY_APP_CERT is not the certificate of ALIPAY_PRIVATE_KEY: it must be the app’s own, from the console.',
    );
  }
  if (privateKey !== null && alipay?.alipayKeys.some(({ publicKey }) => isPairOf(publicKey, privateKey))) {
    violations.push('ALIPAY_CERT is the certificate of our own app: it must be Alipay’s, from the console.');
  }
  const [app, root] = [at('ALIPAY_APP_CERT'), at('ALIPAY_ROOT_CERT')].map((text) => text?.replaceAll('\\n', '\n'));
  if (alipay === null || app === undefined || root === undefined) return null;
  return { alipayKeys: alipay.alipayKeys, certificates: { app, alipay: alipay.first, root } };
}

/**
 * Reads one or two certificates of Alipay. The file from the console also contains the issuer's certificate, which does
 * not sign responses.
 */
function readAlipayCertificates(text: string): { alipayKeys: AlipayKeys; first: string } {
  if (!text.includes('BEGIN CERTIFICATE')) throw new Error('contains no PEM certificate.');
  const all = keysIn(text, (pem) => ({ pem, publicKey: readPublicKey(pem), certificate: new X509Certificate(pem) }));
  const isIssuer = ({ certificate }: (typeof all)[number]) =>
    all.some(
      (other) => other.certificate.raw.compare(certificate.raw) !== 0 && other.certificate.checkIssued(certificate),
    );
  const [first, ...others] = all.filter((one) => !isIssuer(one));
  if (first === undefined || others.length > 1) throw new Error(tooMany);
  const keyOf = ({ publicKey, certificate }: typeof first): AlipayKey => ({ publicKey, certSn: certSnOf(certificate) });
  return { alipayKeys: [keyOf(first), ...others.map(keyOf)], first: first.pem };
}

/**
 * The serial number by which Alipay identifies a certificate: the MD5 of the issuer, with its parts in reverse order,
 * and of the decimal serial number.
 */
export function certSnOf({ issuer, serialNumber }: X509Certificate): string {
  const name = issuer.split('\n').reverse().join(',');
  return createHash('md5')
    .update(`${name}${serialNumberOf(serialNumber)}`)
    .digest('hex');
}

/** Converts from hexadecimal. Some issuers use negative numbers. */
function serialNumberOf(hex: string): bigint {
  return hex.startsWith('-') ? -BigInt(`0x${hex.slice(1)}`) : BigInt(`0x${hex}`);
}

function keyOfCertificate(text: string): KeyObject {
  if (!text.includes('BEGIN CERTIFICATE')) throw new Error('contains no PEM certificate.');
  return readPublicKey(text);
}

/** A bundle. Alipay's has roots for other algorithms too, which are not used and may be beyond us. */
function checkRoots(given: string): true {
  const text = given.replaceAll('\\n', '\n');
  const bundle = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (!bundle.some(isRsaCertificate)) throw new Error('contains no RSA certificate in PEM.');
  return true;
}

function isRsaCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).publicKey.asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}
