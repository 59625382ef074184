import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { bannerOf } from '../../src/banner.ts';
import { type Config, readConfig } from '../../src/config.ts';
import { sandboxEnvironment } from '../../src/development-keys.ts';
import { testKeys } from '../support/chinese-providers.ts';

function bannerBy(config: Config, storedAccounts = 0): readonly string[] {
  const started = {
    url: 'http://127.0.0.1:4000',
    pages: ['dashboard', 'checkout'],
    token: null,
    hasMerchant: true,
    metricsUrl: null,
    sandboxUrl: null,
    away: [],
    storedAccounts,
    database: { kind: 'postgresql' },
  } as const;
  return bannerOf(config, started).split('\n');
}

test('the banner shows the account, the host and the callback URL of each provider', () => {
  const { ALIPAY_GATEWAY: _, ...keys } = sandboxEnvironment(testKeys(), 'http://127.0.0.1:4100');
  const config = readConfig({ ...keys, NODE_ENV: 'production', PUBLIC_URL: 'https://pay.example/' });
  expect(bannerBy(config).slice(3, -2)).toEqual([
    'Providers  STRIPE test key at 127.0.0.1:4100; callbacks at https://pay.example/webhooks/stripe',
    '           ALIPAY app 2021000000000001 at openapi.alipay.com; callbacks at https://pay.example/webhooks/alipay',
    '           WECHATPAY merchant 1900000001, app wx0000000000000001, at 127.0.0.1:4100; callbacks at https://pay.example/webhooks/wechatpay',
  ]);
});

test('the banner of a production start without providers says that payments are not possible', () => {
  expect(bannerBy(readConfig({ NODE_ENV: 'production' }))[3]).toBe(
    'Providers  none: payments are not possible; to store an account: npm run paystream -- provider add',
  );
});

test('the banner counts the stored accounts', () => {
  expect(bannerBy(readConfig({ NODE_ENV: 'production' }), 2)[3]).toBe(
    'Providers  2 stored accounts of merchants; to list them: npm run paystream -- provider list',
  );
});

test('the banner of a production start without a master key says that there is no checkout, and what to set', () => {
  const line = expect.stringMatching(/^Checkout {3}off: orders have no clientToken.*set MASTER_KEY/);
  expect(bannerBy(readConfig({ NODE_ENV: 'production' })).at(-2)).toEqual(line);
  const key = randomBytes(32).toString('base64');
  expect(bannerBy(readConfig({ NODE_ENV: 'production', MASTER_KEY: key }))).not.toContainEqual(line);
  expect(bannerBy(readConfig({}))).not.toContainEqual(line);
});
