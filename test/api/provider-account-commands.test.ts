import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readMasterKey } from '../../src/accounts/master-key.ts';
import { addProviderAccount } from '../../src/commands/add-provider-account.ts';
import { disableProviderAccount } from '../../src/commands/disable-provider-account.ts';
import type { AccountParts, GivenVariables } from '../../src/commands/provider-account-input.ts';
import { rotateMasterKey } from '../../src/commands/rotate-master-key.ts';
import { testProviderAccount } from '../../src/commands/test-provider-account.ts';
import { updateProviderAccount } from '../../src/commands/update-provider-account.ts';
import { sandboxEnvironment } from '../../src/development-keys.ts';
import { countByMasterKey, listProviderAccounts } from '../../src/store/provider-account-store.ts';
import { testKeys } from '../support/chinese-providers.ts';
import { accountParts, addMerchant, addStripeAccount, stripeVariables, testMasterKeys } from '../support/merchants.ts';
import { createOrder, payOrder } from '../support/orders.ts';
import { startTestApp, type TestApp, testStripe } from '../support/test-app.ts';

let app: TestApp;
let merchant: Awaited<ReturnType<typeof addMerchant>>;
const publicUrl = 'https://pay.example';

beforeAll(async () => {
  app = await startTestApp({ config: { providers: [], masterKeys: testMasterKeys } });
  merchant = await addMerchant(app, 'Shop');
});
afterAll(() => app.close());

const otherPem = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();

function variablesOf(prefix: string, changed: Readonly<Record<string, string>> = {}): GivenVariables {
  const all = { ...sandboxEnvironment(testKeys(), app.sandboxUrl), ...changed };
  const values = Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith(prefix)));
  return { values, names: Object.keys(values), violations: [] };
}

const add = (provider: string, variables: GivenVariables, parts: Partial<AccountParts> = {}, allowsTest = false) =>
  addProviderAccount({ ...accountParts(app), ...parts }, { merchantId: merchant.id, provider, variables, allowsTest });
const probe = (id: string) => testProviderAccount({ ...accountParts(app), publicUrl }, id);

test('an account of each provider is stored, tested and used', async () => {
  const stored = [
    (await add('alipay', variablesOf('ALIPAY_'))).account,
    (await add('wechatpay', variablesOf('WECHATPAY_'))).account,
    await addStripeAccount(app, merchant.id, testStripe.secretKey),
  ];
  expect(stored.map(({ provider, account }) => [provider, account])).toEqual([
    ['ALIPAY', testKeys().alipay.appId],
    ['WECHATPAY', testKeys().wechatpay.mchId],
    ['STRIPE', expect.stringMatching(/^acct_\w+\.test$/)],
  ]);
  for (const { id } of stored) expect(await probe(id)).toMatchObject({ account: { id }, problem: null });
  for (const method of ['ALIPAY', 'WECHAT_PAY'] as const) {
    const order = await createOrder(merchant.at(app), { currency: 'CNY' });
    const payment = await payOrder(merchant.at(app), order.id, { method, flow: 'QR_CODE' });
    expect(payment.status).toBe('ACTION_REQUIRED');
  }
});

test('only the variables that are not secret are readable in the row', async () => {
  for (const { settings } of await listProviderAccounts(app.database.pool, merchant.id)) {
    expect(Object.keys(settings).filter((name) => /SECRET|PRIVATE|V3/.test(name))).toEqual([]);
    expect(JSON.stringify(settings)).not.toMatch(/PRIVATE KEY|sk_test|whsec/);
  }
});

test.each<[provider: 'ALIPAY' | 'WECHATPAY', wrong: string, problem: RegExp]>([
  ['ALIPAY', 'ALIPAY_PRIVATE_KEY', /signature|ALIPAY_PRIVATE_KEY/i],
  ['WECHATPAY', 'WECHATPAY_PRIVATE_KEY', /signature|WECHATPAY_PRIVATE_KEY/i],
])('the test of a %s account with a wrong %s says so', async (provider, wrong, problem) => {
  const accounts = await listProviderAccounts(app.database.pool, merchant.id);
  const { id = '' } = accounts.find((account) => account.provider === provider) ?? {};
  const parts = accountParts(app);
  const change = { variables: variablesOf(`${provider}_`, { [wrong]: otherPem }), allowsTest: false };
  await updateProviderAccount(parts, id, change);
  const tested = await probe(id);
  expect(tested.problem).toMatch(problem);
  expect(tested.problem).not.toContain('PRIVATE KEY-----');
  await updateProviderAccount(parts, id, { variables: variablesOf(`${provider}_`), allowsTest: false });
  expect((await probe(id)).problem).toBeNull();
});

test('a key that Stripe does not know is refused before anything is stored', async () => {
  const before = await listProviderAccounts(app.database.pool, null);
  await expect(add('stripe', stripeVariables(app, 'sk_test_unknown'))).rejects.toThrow(/STRIPE_SECRET_KEY/);
  expect(await listProviderAccounts(app.database.pool, null)).toEqual(before);
});

test('the test of an account whose provider is away says that it could not be reached', async () => {
  const accounts = await listProviderAccounts(app.database.pool, merchant.id);
  const { id = '' } = accounts.find(({ provider }) => provider === 'WECHATPAY') ?? {};
  const away = variablesOf('WECHATPAY_', { WECHATPAY_BASE_URL: 'http://127.0.0.1:9/' });
  await updateProviderAccount(accountParts(app), id, { variables: away, allowsTest: false });
  expect((await probe(id)).problem).toMatch(/connect|reach/i);
});

test('all violations are reported together, and none shows a value', async () => {
  const given = stripeVariables(app, 'sk_nonsense');
  const values = { ...given.values, STRIPE_WEBHOOK_SECRETS: 'hush-hush', ALIPAY_APP_ID: '2021' };
  const violations = ['STRIPE_ACCOUNT names a file that is empty.'];
  const error = await add('stripe', { values, names: Object.keys(values), violations }).catch(
    (caught: unknown) => caught,
  );
  expect(String(error)).toMatch(/STRIPE_ACCOUNT names a file/);
  expect(String(error)).toMatch(/ALIPAY_APP_ID is not a variable of this provider/);
  expect(String(error)).toMatch(/STRIPE_SECRET_KEY must start with/);
  expect(String(error)).toMatch(/STRIPE_WEBHOOK_SECRETS must be/);
  expect(String(error)).not.toMatch(/sk_nonsense|hush-hush/);
});

test.each<[provider: string, prefix: string, changed: Record<string, string>, refusal: string]>([
  ['stripe', 'STRIPE_', {}, 'production accepts it only with --allow-test'],
  ['wechatpay', 'WECHATPAY_', {}, 'production accepts it only with --allow-test'],
  [
    ...(['alipay', 'ALIPAY_', { ALIPAY_GATEWAY: 'https://openapi-sandbox.dl.alipaydev.com/gateway.do' }] as const),
    'ALIPAY_GATEWAY is Alipay’s sandbox',
  ],
])('in production a test account of %s must be allowed', async (provider, prefix, changed, refusal) => {
  const variables = variablesOf(prefix, { ...changed, STRIPE_SECRET_KEY: testStripe.secretKey });
  const production = { isProduction: true };
  await expect(add(provider, variables, production)).rejects.toThrow(refusal);
  // Allowed, it is refused for another reason: the account is stored already.
  await expect(add(provider, variables, production, true)).rejects.toThrow('This account is stored already');
});

test('a live key is refused outside production', async () => {
  const live = {
    STRIPE_SECRET_KEY: 'sk_live_1',
    STRIPE_PUBLISHABLE_KEY: 'pk_live_1',
    STRIPE_API_BASE: 'https://api.stripe.com',
  };
  await expect(add('stripe', variablesOf('STRIPE_', live))).rejects.toThrow(
    'real money moves only with NODE_ENV=production',
  );
});

test('without a master key nothing is stored, and the error says how to create one', async () => {
  const parts = { ...accountParts(app), masterKeys: null };
  await expect(add('stripe', stripeVariables(app, 'sk_test_x'), parts)).rejects.toThrow('openssl rand -base64 32');
});

test.each(['provider', 'merchant', 'account'])('a %s that does not exist is refused', async (what) => {
  const none = 'pac_01jd8m0v6te4r8x3y5z7a9b1c2';
  const variables = stripeVariables(app, testStripe.secretKey);
  const doing = {
    provider: () => add('paypal', variables),
    merchant: () => addStripeAccount(app, none.replace('pac', 'mch'), testStripe.secretKey),
    account: () => disableProviderAccount(accountParts(app), none),
  }[what];
  await expect(doing?.()).rejects.toThrow('There is no ');
});

test('a rotation encrypts every account with the new key, goes on after an interruption, and leaves what it cannot decrypt', async () => {
  const { pool } = app.database;
  const next = readMasterKey(randomBytes(32).toString('base64'));
  const keys = { current: next, old: testMasterKeys.current };
  const before = await listProviderAccounts(pool, null);
  const [broken] = before;
  await pool.query(
    `update provider_accounts set secrets = set_byte(secrets, 30, 255 - get_byte(secrets, 30)) where id = $1`,
    [broken?.id],
  );
  const rotation = await rotateMasterKey({ db: app.database, masterKeys: keys });
  expect(rotation).toMatchObject({ keyId: next.id, rotated: 2, problems: [expect.stringContaining(broken?.id ?? '')] });
  await updateProviderAccount({ ...accountParts(app), masterKeys: keys }, broken?.id ?? '', {
    ...{ variables: variablesOf('ALIPAY_'), allowsTest: false },
  });
  expect(await rotateMasterKey({ db: app.database, masterKeys: keys })).toMatchObject({ rotated: 0, problems: [] });
  expect(await countByMasterKey(pool)).toEqual([{ keyId: next.id, accounts: 3 }]);

  const alone = { current: next, old: null };
  const tested = await testProviderAccount(
    { ...accountParts(app), masterKeys: alone, publicUrl },
    before.at(-1)?.id ?? '',
  );
  expect(tested.problem).toBeNull();
  const restarted = await startTestApp({ database: app.database, config: { providers: [], masterKeys: alone } });
  await restarted.close();
});
