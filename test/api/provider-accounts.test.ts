import { afterAll, beforeAll, expect, test } from 'vitest';
import { disableProviderAccount } from '../../src/commands/disable-provider-account.ts';
import { updateProviderAccount } from '../../src/commands/update-provider-account.ts';
import type { StoredAccount } from '../../src/store/provider-account-store.ts';
import { accountParts, addMerchant, addStripeAccount, stripeVariables, testMasterKeys } from '../support/merchants.ts';
import { booksOf, confirmCard, createOrder, payOrder, readOrder, requestRefund } from '../support/orders.ts';
import { control, startTestApp, type TestApp, testStripe, untilCallbacksCame } from '../support/test-app.ts';

const redKey = testStripe.secretKey;
const blueKey = 'sk_test_of_blue';

/** Two nodes on one database without providers in their environment. Each has a sandbox with the account of one merchant. */
let node: TestApp;
let other: TestApp;
let red: Awaited<ReturnType<typeof addMerchant>>;
let blue: typeof red;
let redAccount: StoredAccount;
let blueAccount: StoredAccount;

const config = { providers: [], masterKeys: testMasterKeys };

beforeAll(async () => {
  node = await startTestApp({ config });
  other = await startTestApp({ config, database: node.database, clock: node.clock, stripeKey: blueKey });
  [red, blue] = [await addMerchant(node, 'Red'), await addMerchant(node, 'Blue')];
});
afterAll(async () => {
  await other.close();
  await node.close();
});

async function rowsOf(sql: string, ...values: unknown[]) {
  const { rows } = await node.database.pool.query(sql, values);
  return rows;
}

/** Where the sandbox of a node posts the callbacks of its account. */
function callBack(sandbox: TestApp, at: TestApp, path: string) {
  return control(sandbox.sandboxUrl, 'webhooks', { url: `${at.app.url}${path}`, retryDelaysMs: [100, 200, 400] });
}

test('a merchant without an account cannot pay, and can at once on every node after one was stored', async () => {
  const order = await createOrder(red.at(node));
  await expect(payOrder(red.at(node), order.id)).rejects.toThrow('METHOD_NOT_AVAILABLE');
  redAccount = await addStripeAccount(node, red.id, redKey);
  expect(redAccount).toMatchObject({
    account: expect.stringMatching(/^acct_\w+\.test$/),
    keyId: testMasterKeys.current.id,
  });
  await payOrder(red.at(other), order.id);
  blueAccount = await addStripeAccount(other, blue.id, blueKey);
  await expect(payOrder(blue.at(node), order.id)).rejects.toThrow();
  await callBack(node, node, `/webhooks/stripe/${redAccount.id}`);
  await callBack(other, node, `/webhooks/stripe/${blueAccount.id}`);
});

test('the checkout may embed the card form of an account that was stored while the server runs, and an operator alone names it', async () => {
  const frames = async () => {
    const { headers } = await fetch(`${node.app.url}/checkout/ord_1`);
    return /frame-src ([^;]*)/.exec(headers.get('content-security-policy') ?? '')?.[1]?.split(' ');
  };
  expect(await frames()).toEqual(['https://js.stripe.com', 'https://hooks.stripe.com']);
  const { values } = stripeVariables(node, redKey);
  const withForm = { ...values, STRIPE_CARD_FORM_URL: 'https://form.test/card' };
  const names = Object.keys(withForm);
  const variables = { values: withForm, names, violations: [] };
  await updateProviderAccount(accountParts(node), redAccount.id, { variables, allowsTest: false });
  await node.app.rounds.refreshAccounts();
  expect(await frames()).toEqual(['https://js.stripe.com', 'https://hooks.stripe.com', 'https://form.test']);
  const { done } = await red.at(node).client.request<{ done: object }>(
    `mutation { done: updateProviderAccount(id: "${redAccount.id}", variables: [{ name: "STRIPE_CARD_FORM_URL", value: "https://x.test" }]) {
      ... on InvalidInputError { issues { message } } } }`,
  );
  expect(JSON.stringify(done)).toContain('STRIPE_CARD_FORM_URL can only be set by the operator of the server.');
});

test('each merchant’s payments go to its own account, on every node, and their callbacks pay its orders', async () => {
  for (const [merchant, at, sandbox, account] of [
    [red, other, node, redAccount],
    [blue, node, other, blueAccount],
  ] as const) {
    const client = merchant.at(at);
    const { id: orderId } = await createOrder(client);
    const payment = await payOrder(client, orderId);
    expect(await rowsOf('select provider_account as account from payments where id = $1', payment.id)).toEqual([
      { account: account.account },
    ]);
    expect((await booksOf(sandbox, payment.id)).totals.paymentIntents).toBe(1);
    await confirmCard({ ...client, sandboxUrl: sandbox.sandboxUrl }, payment);
    await untilCallbacksCame({ ...at, sandboxUrl: sandbox.sandboxUrl });
    await node.app.idle();
    expect(await readOrder(client, orderId)).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PAID' });
    const calls = at.logged.filter(({ fields }) => 'operation' in fields && Object.values(fields).includes(payment.id));
    expect(calls.map(({ fields }) => fields)).toMatchObject([
      { operation: 'startPayment', account: account.account, orderId, requestId: expect.any(String) },
    ]);
  }
});

test('a callback at the route of another account changes nothing, although its signature is valid', async () => {
  const { id: orderId } = await createOrder(red.at(node));
  const payment = await payOrder(red.at(node), orderId);
  // Both sandboxes have the same signing secret, as if the owner of the other account had signed it.
  await callBack(node, node, `/webhooks/stripe/${blueAccount.id}`);
  await confirmCard(red.at(node), payment);
  await untilCallbacksCame(node);
  expect((await readOrder(red.at(node), orderId)).paymentStatus).toBe('PENDING');
  const kept = await rowsOf(
    `select distinct status, reason, payment_id from deliveries where provider_account = $1 and reason = 'unknown_payment'`,
    blueAccount.account,
  );
  expect(kept).toEqual([{ status: 'PENDING', reason: 'unknown_payment', payment_id: null }]);

  await callBack(node, node, `/webhooks/stripe/${redAccount.id}`);
  node.clock.advance(60_000);
  await node.app.rounds.sweep();
  expect((await readOrder(red.at(node), orderId)).paymentStatus).toBe('PAID');
});

test.each<[path: string, status: number]>([
  ['/webhooks/stripe', 404],
  ['/webhooks/stripe/acct_1.test', 404],
  ['/webhooks/stripe/pac_01jd8m0v6te4r8x3y5z7a9b1c2', 404],
])('a callback to %s is answered %i', async (path, status) => {
  const headers = { 'content-type': 'application/json' };
  expect((await fetch(`${node.app.url}${path}`, { method: 'POST', headers, body: '{}' })).status).toBe(status);
});

test('the route of an account is not a route of another provider, and refuses what the account did not sign', async () => {
  const post = (path: string) =>
    fetch(`${node.app.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
  expect((await post(`/webhooks/alipay/${redAccount.id}`)).status).toBe(404);
  expect((await post(`/webhooks/stripe/${redAccount.id}`)).status).toBe(400);
});

test('a disabled account starts nothing on any node, and finishes what it has started', async () => {
  const [paid, waiting] = [await createOrder(blue.at(node)), await createOrder(blue.at(node))];
  const payment = await payOrder(blue.at(node), paid.id);
  const open = await payOrder(blue.at(node), waiting.id);
  await disableProviderAccount(accountParts(node), blueAccount.id);
  for (const at of [node, other]) {
    const order = await createOrder(blue.at(at));
    await expect(payOrder(blue.at(at), order.id)).rejects.toThrow('METHOD_NOT_AVAILABLE');
  }
  const side = { ...blue.at(node), sandboxUrl: other.sandboxUrl };
  for (const one of [payment, open]) await confirmCard(side, one);
  await untilCallbacksCame(side);
  expect((await readOrder(blue.at(node), paid.id)).paymentStatus).toBe('PAID');
  await requestRefund(blue.at(other), { paymentId: payment.id, amountMinor: 2500 });
  await untilCallbacksCame(side);
  expect((await readOrder(blue.at(node), paid.id)).paymentStatus).toBe('REFUNDED');

  const change = { variables: stripeVariables(other, blueKey), allowsTest: false };
  await updateProviderAccount(accountParts(node), blueAccount.id, change);
  await payOrder(blue.at(other), (await createOrder(blue.at(other))).id);
});

test('a new key of an account is used by every node after its next round', async () => {
  const changed = { ...stripeVariables(node, redKey) };
  const values = { ...changed.values, STRIPE_PUBLISHABLE_KEY: 'pk_test_rolled' };
  const change = { variables: { ...changed, values }, allowsTest: false };
  await updateProviderAccount(accountParts(node), redAccount.id, change);
  for (const at of [node, other]) {
    await at.app.rounds.refreshAccounts();
    const { nextAction } = await payOrder(red.at(at), (await createOrder(red.at(at))).id);
    expect(nextAction).toMatchObject({ publishableKey: 'pk_test_rolled' });
  }
});

test('an account belongs to one merchant, and its key to one account', async () => {
  await expect(addStripeAccount(node, blue.id, redKey)).rejects.toThrow('belongs to another merchant');
  await expect(addStripeAccount(node, red.id, redKey)).rejects.toThrow(`stored already, as ${redAccount.id}`);
  const change = { variables: stripeVariables(other, blueKey), allowsTest: false };
  await expect(updateProviderAccount(accountParts(node), redAccount.id, change)).rejects.toThrow(
    'add it as another account',
  );
});

test('a node without the master key does not start', async () => {
  const starting = startTestApp({ database: node.database, clock: node.clock, config: { providers: [] } });
  await expect(starting).rejects.toThrow(
    /^The secrets of 2 provider accounts are encrypted with the master key \w+, which is not set/,
  );
});

test('secrets are neither in the rows nor in the log', async () => {
  const rows = await rowsOf(`select a::text as text, encode(secrets, 'escape') as secrets from provider_accounts a`);
  const everywhere = JSON.stringify([rows, node.logged, other.logged]);
  for (const secret of [redKey, blueKey, testStripe.webhookSecret]) expect(everywhere).not.toContain(secret);
  expect(everywhere).toContain(testStripe.publishableKey);
});

test('after the database was restored from an older backup, accounts that it lacks are not used any more', async () => {
  await node.database.pool.query('delete from provider_accounts where merchant_id = $1', [red.id]);
  await expect(payOrder(red.at(node), (await createOrder(red.at(node))).id)).rejects.toThrow('METHOD_NOT_AVAILABLE');
  await payOrder(blue.at(node), (await createOrder(blue.at(node))).id);
});
