import { generateKeyPairSync } from 'node:crypto';
import { inject } from 'vitest';
import type { SandboxOptions } from '../../sandbox/server.ts';
import { readProviders } from '../../src/config.ts';
import { type DevelopmentKeys, developmentKeys, publicHalf, sandboxEnvironment } from '../../src/development-keys.ts';
import type { ProviderSetup } from '../../src/providers/provider.ts';
import { selfSigned } from '../sandbox/wechatpay-certificate.ts';

let read: DevelopmentKeys | null = null;

/** Keys as a laptop makes them, once for the run: RSA keys take their time. */
export function testKeys(): DevelopmentKeys {
  read ??= developmentKeys(inject('testRun').keysDir);
  return read;
}

const nextPrivateKey = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();
/** A platform certificate that WeChat Pay has and that we are not configured with. */
export const nextPlatformKey = {
  serial: '7E'.repeat(20),
  privateKey: nextPrivateKey,
  certificate: selfSigned(nextPrivateKey, '7E'.repeat(20)),
};

/** Alipay and WeChat Pay, as the sandbox knows our keys. */
export function chineseSides(): Required<Pick<SandboxOptions, 'alipay' | 'wechatpay'>> {
  const { alipay, wechatpay } = testKeys();
  return {
    alipay: {
      ...{ appId: alipay.appId, sellerId: alipay.sellerId, privateKey: alipay.platformPrivateKey },
      appPublicKey: publicHalf(alipay.appPrivateKey),
    },
    wechatpay: {
      ...{ appId: wechatpay.appId, mchId: wechatpay.mchId, merchantSerial: wechatpay.merchantSerial },
      merchantPublicKey: publicHalf(wechatpay.merchantPrivateKey),
      apiV3Key: wechatpay.apiV3Key,
      platformKeys: [{ serial: wechatpay.platformSerial, privateKey: wechatpay.platformPrivateKey }, nextPlatformKey],
    },
  };
}

/** The same from our side, as if the environment said so. */
export function chineseSetups(sandboxUrl: string): ProviderSetup[] {
  const environment = sandboxEnvironment(testKeys(), sandboxUrl);
  const at = (name: string) => (name.startsWith('STRIPE_') ? null : (environment[name] ?? null));
  return readProviders({ at, isProduction: false });
}
