import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { SandboxOptions } from '../../sandbox/server.ts';
import type { AlipayConfig } from '../../src/providers/alipay/config.ts';
import type { WechatpayConfig } from '../../src/providers/wechatpay/config.ts';

/** Public test keys. With fixed keys a seed produces the same signatures every time. */
function testKey(name: string): KeyObject {
  return createPrivateKey(readFileSync(new URL(`keys/${name}-test-key.pem`, import.meta.url)));
}

/** No server listens at these addresses: requests are passed in the process. */
const sandboxUrl = 'http://sandbox.invalid';
const webhooksUrl = 'http://nodes.invalid/webhooks';

export const stripeKeys = {
  secretKey: 'sk_test_prove',
  publishableKey: 'pk_test_prove',
  webhookSecret: 'whsec_prove',
  webhookUrl: `${webhooksUrl}/stripe`,
  apiBase: sandboxUrl,
} as const;

const alipayAppKey = testKey('alipay-app');
const alipayKey = testKey('alipay');
export const alipayPublicKey = createPublicKey(alipayKey);
export const alipayWebhookUrl = `${webhooksUrl}/alipay`;
export const alipayConfig: AlipayConfig = {
  appId: '2021000000000001',
  sellerId: '2088000000000001',
  privateKey: alipayAppKey,
  alipayKeys: [{ publicKey: alipayPublicKey, certSn: null }],
  certificates: null,
  gateway: `${sandboxUrl}/gateway.do`,
};

const merchantKey = testKey('wechatpay-merchant');
const platformKey = testKey('wechatpay');
const platformSerial = 'PUB_KEY_ID_0119000000012030010100000000000000';
const apiV3Key = 'the_schedules_own_key_of_32_sign';
export const wechatpayPublicKey = createPublicKey(platformKey);
export const wechatpayWebhookUrl = `${webhooksUrl}/wechatpay`;
export const wechatpayConfig: WechatpayConfig = {
  appId: 'wx0000000000000001',
  mchId: '1900000001',
  serial: '00112233445566778899AABBCCDDEEFF00112233',
  privateKey: merchantKey,
  apiV3Key: createSecretKey(Buffer.from(apiV3Key)),
  platformKeys: new Map([[platformSerial, wechatpayPublicKey]]),
  baseUrl: `${sandboxUrl}/`,
};

/** The sandbox's side of the configuration. */
export const sandboxKeys: Pick<SandboxOptions, 'stripe' | 'alipay' | 'wechatpay'> = {
  stripe: stripeKeys,
  alipay: {
    appId: alipayConfig.appId,
    sellerId: alipayConfig.sellerId,
    appPublicKey: publicPem(alipayAppKey),
    privateKey: privatePem(alipayKey),
  },
  wechatpay: {
    appId: wechatpayConfig.appId,
    mchId: wechatpayConfig.mchId,
    merchantSerial: wechatpayConfig.serial,
    merchantPublicKey: publicPem(merchantKey),
    apiV3Key,
    platformKeys: [{ serial: platformSerial, privateKey: privatePem(platformKey) }],
  },
};

function privatePem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function publicPem(key: KeyObject): string {
  return createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
}
