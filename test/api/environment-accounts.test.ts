import { afterEach, beforeEach, expect, test } from 'vitest';
import { addProviderAccount } from '../../src/commands/add-provider-account.ts';
import { disableProviderAccount } from '../../src/commands/disable-provider-account.ts';
import { sandboxEnvironment } from '../../src/development-keys.ts';
import { alipayNotice, postAlipay } from '../support/alipay-notice.ts';
import { testKeys } from '../support/chinese-providers.ts';
import { accountParts, addMerchant, addStripeAccount, testMasterKeys } from '../support/merchants.ts';
import { confirmCard, createOrder, payOrder, readOrder } from '../support/orders.ts';
import { control, startTestApp, type TestApp, testStripe, untilCallbacksCame } from '../support/test-app.ts';

/** A node with accounts in its environment, which belong to the first merchant. */
let app: TestApp;
let firstId: string;
beforeEach(async () => {
  app = await startTestApp({ config: { masterKeys: testMasterKeys } });
  const { merchant } = await app.client.request<{ merchant: { id: string } }>('{ merchant { id } }');
  firstId = merchant.id;
});
afterEach(() => app.close());

const qrCode = { method: 'ALIPAY', flow: 'QR_CODE' } as const;

async function storeAlipay(merchantId: string) {
  const all = Object.entries(sandboxEnvironment(testKeys(), app.sandboxUrl));
  const values = Object.fromEntries(all.filter(([name]) => name.startsWith('ALIPAY_')));
  const variables = { values, names: Object.keys(values), violations: [] };
  const added = { merchantId, provider: 'alipay', variables, allowsTest: false };
  return (await addProviderAccount(accountParts(app), added)).account;
}

async function statusAt(path: string): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  return (await fetch(`${app.app.url}${path}`, { method: 'POST', headers, body: '{}' })).status;
}

test('another merchant cannot take over an account of the environment by storing it', async () => {
  const thief = await addMerchant(app, 'Thief');
  const { id, account } = await storeAlipay(thief.id);
  const stolen = await createOrder(thief.at(app), { currency: 'CNY' });
  await expect(payOrder(thief.at(app), stolen.id, qrCode)).rejects.toThrow('METHOD_NOT_AVAILABLE');
  expect(await statusAt(`/webhooks/alipay/${id}`)).toBe(404);
  expect(app.logged.filter(({ level }) => level === 'error')).toEqual([
    expect.objectContaining({ fields: expect.objectContaining({ providerAccountId: id, account }) }),
  ]);
  const own = await createOrder(app, { currency: 'CNY' });
  expect((await payOrder(app, own.id, qrCode)).status).toBe('ACTION_REQUIRED');
  // Now that it has payments, storing it for a third merchant fails at once.
  const { id: third } = await addMerchant(app, 'Third');
  await expect(storeAlipay(third)).rejects.toThrow('belongs to another merchant');
});

test('a callback to a stored account pays no order of another merchant whose account had the same name, on a node that has just written it', async () => {
  const thief = await addMerchant(app, 'Thief');
  const { id: accountId } = await storeAlipay(thief.id);
  const { id: orderId } = await createOrder(app, { currency: 'CNY' });
  const { id: paymentId } = await payOrder(app, orderId, qrCode);
  // A node whose environment has lost the account: there, the row of the other merchant is used.
  const later = await startTestApp({ database: app.database, config: { providers: [], masterKeys: testMasterKeys } });
  try {
    await later.client.request('mutation($id: ID!) { cancelOrder(input: { orderId: $id }) { __typename } }', {
      id: orderId,
    });
    expect(await readOrder(app, orderId)).toMatchObject({ status: 'CLOSING' });
    const answer = await postAlipay(`${later.app.url}/webhooks/alipay/${accountId}`, alipayNotice(paymentId));
    expect(answer.status).toBe(200);
    await later.app.idle();
    expect(await readOrder(app, orderId)).toMatchObject({ status: 'CLOSING', captured: { amountMinor: 0 } });
    const { rows } = await app.database.pool.query('select status, reason from deliveries');
    expect(rows).toEqual([{ status: 'PENDING', reason: 'unknown_payment' }]);
  } finally {
    await later.close();
  }
});

test('an account of the environment that its merchant stores is used as the row says, at both routes', async () => {
  const { id: orderId } = await createOrder(app);
  const payment = await payOrder(app, orderId);
  const stored = await addStripeAccount(app, firstId, testStripe.secretKey);
  await app.app.rounds.refreshAccounts();
  await control(app.sandboxUrl, 'webhooks', {
    url: `${app.app.url}/webhooks/stripe/${stored.id}`,
    retryDelaysMs: [100],
  });
  await confirmCard(app, payment);
  await untilCallbacksCame(app);
  expect((await readOrder(app, orderId)).paymentStatus).toBe('PAID');
  for (const path of ['', `/${stored.account}`, `/${stored.id}`])
    expect(await statusAt(`/webhooks/stripe${path}`)).toBe(400);
  await disableProviderAccount(accountParts(app), stored.id);
  await expect(payOrder(app, (await createOrder(app)).id)).rejects.toThrow('METHOD_NOT_AVAILABLE');
  const methods = await app.client.request<{ paymentMethods: { method: string }[] }>(
    'query($id: ID!) { paymentMethods(orderId: $id) { method } }',
    { id: (await createOrder(app, { currency: 'CNY' })).id },
  );
  expect(methods.paymentMethods.map(({ method }) => method)).toEqual(['ALIPAY', 'WECHAT_PAY']);
});

test('of several accounts for a method, the first one is used until it is disabled', async () => {
  const shop = await addMerchant(app, 'Shop');
  const sandboxes = await Promise.all(
    ['sk_test_one', 'sk_test_two'].map((stripeKey) =>
      startTestApp({ database: app.database, stripeKey, config: { providers: [], masterKeys: testMasterKeys } }),
    ),
  );
  try {
    const [one, two] = sandboxes;
    if (one === undefined || two === undefined) throw new Error('There are two sandboxes.');
    const first = await addStripeAccount(one, shop.id, 'sk_test_one');
    const second = await addStripeAccount(two, shop.id, 'sk_test_two');
    const accountOf = async () => {
      const { id } = await payOrder(shop.at(app), (await createOrder(shop.at(app))).id);
      const { rows } = await app.database.pool.query('select provider_account from payments where id = $1', [id]);
      return rows[0].provider_account;
    };
    expect(await accountOf()).toBe(first.account);
    await disableProviderAccount(accountParts(app), first.id);
    expect(await accountOf()).toBe(second.account);
  } finally {
    for (const sandbox of sandboxes) await sandbox.close();
  }
});
