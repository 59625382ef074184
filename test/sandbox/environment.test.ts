import { expect, test } from 'vitest';
import { readEnvironment } from '../../sandbox/environment.ts';
import { alipayKeys, appId, appKeys, sellerId } from './alipay-rig.ts';

const stripe = {
  SANDBOX_STRIPE_SECRET_KEY: 'sk_test_x',
  SANDBOX_STRIPE_PUBLISHABLE_KEY: 'pk_test_x',
  SANDBOX_STRIPE_WEBHOOK_SECRET: 'whsec_x',
};
const alipay = {
  SANDBOX_ALIPAY_APP_ID: appId,
  SANDBOX_ALIPAY_SELLER_ID: sellerId,
  SANDBOX_ALIPAY_APP_PUBLIC_KEY: appKeys.publicKey,
  SANDBOX_ALIPAY_PRIVATE_KEY: alipayKeys.privateKey,
};
const platformKeys = [{ serial: 'PUB_KEY_ID_0001', privateKey: alipayKeys.privateKey }];
const wechatpay = {
  SANDBOX_WECHATPAY_APP_ID: 'wx0123456789abcdef',
  SANDBOX_WECHATPAY_MCH_ID: '1900000001',
  SANDBOX_WECHATPAY_MERCHANT_SERIAL: 'A'.repeat(40),
  SANDBOX_WECHATPAY_MERCHANT_PUBLIC_KEY: appKeys.publicKey,
  SANDBOX_WECHATPAY_API_V3_KEY: '0123456789abcdef0123456789abcdef',
  SANDBOX_WECHATPAY_PLATFORM_KEYS: JSON.stringify(platformKeys),
};

test('a provider without variables is off', () => {
  expect(readEnvironment({ ...stripe, SANDBOX_ALIPAY_APP_ID: '' })).toMatchObject({
    options: { alipay: null, wechatpay: null, port: 4100 },
  });
});

test('a provider with all variables is on', () => {
  expect(readEnvironment({ ...stripe, ...alipay, ...wechatpay })).toMatchObject({
    options: {
      alipay: { appId, sellerId, appPublicKey: appKeys.publicKey, privateKey: alipayKeys.privateKey },
      wechatpay: { mchId: '1900000001', platformKeys },
    },
  });
});

test.each<[group: string, env: Record<string, string>]>([
  ['Alipay', alipay],
  ['WeChat Pay', wechatpay],
])('every missing or invalid variable of %s is named without its value', (_group, env) => {
  for (const name of Object.keys(env)) {
    for (const value of ['', 'wrong']) {
      const read = readEnvironment({ ...stripe, ...env, [name]: value });
      expect(read).toEqual({ problems: [expect.stringMatching(`^${name} (is missing|must be).*\\.$`)] });
      expect(JSON.stringify(read)).not.toContain('wrong');
    }
  }
});

test('a public key is refused as a private key, and a private key as a public key', () => {
  const swapped = {
    ...alipay,
    SANDBOX_ALIPAY_APP_PUBLIC_KEY: appKeys.privateKey,
    SANDBOX_ALIPAY_PRIVATE_KEY: alipayKeys.publicKey,
  };
  expect(readEnvironment({ ...stripe, ...swapped })).toEqual({
    problems: [expect.stringContaining('APP_PUBLIC_KEY must'), expect.stringContaining('PRIVATE_KEY must')],
  });
});
