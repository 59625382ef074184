import { afterEach, beforeEach, expect, test } from 'vitest';
import { graphql } from '../../generated/graphql/gql.ts';
import { stripeSetup } from '../../src/providers/stripe/setup.ts';
import { booksOf, createOrder, paidOrder, payOrder, readOrder } from '../support/orders.ts';
import { askControl, control, startTestApp, stripeAt, type TestApp, untilCallbacksCame } from '../support/test-app.ts';

const otherKey = 'sk_test_of_another_account';

let app: TestApp;
/** A server on the same database with the key of another account. */
let other: TestApp;
const opened: TestApp[] = [];

beforeEach(async () => {
  app = await startTestApp();
  opened.push(app);
});
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function startOther(): Promise<TestApp> {
  other = await startTestApp({ database: app.database, clock: app.clock, stripeKey: otherKey });
  opened.push(other);
  return other;
}

/** Another node with the key of an account, connected to the Stripe sandbox that knows the account. */
async function startNode(of: TestApp, key?: string): Promise<TestApp> {
  const providers = [stripeSetup(stripeAt(of.sandboxUrl, key))];
  const node = await startTestApp({ database: app.database, clock: app.clock, config: { providers } });
  opened.push(node);
  return node;
}

async function rowsOf(sql: string) {
  const { rows } = await app.database.pool.query(sql);
  return rows;
}

const accountsSql = 'select provider_account as account, count(*)::int as payments from payments group by 1 order by 1';
const complaints = (node: TestApp) => node.logged.filter(({ message }) => message.includes('not configured'));

test('with the key of another account, the payments of the first are left alone, and continue when its key is back', async () => {
  const { id: paidId } = (await paidOrder(app)).payment;
  const { id: orderId } = await createOrder(app, { expiresInSeconds: 604_800 });
  await control(app.sandboxUrl, 'faults', { fault: 'error_500_after', match: { operation: 'payment_intents.create' } });
  const lost = await payOrder(app, orderId);
  expect(lost.status).toBe('UNKNOWN');
  const waiting = await payOrder(app, (await createOrder(app, { expiresInSeconds: 604_800 })).id);
  const planned = `select id, status, check_at, leased_until from payments where id <> '${paidId}' order by id`;
  const before = await rowsOf(planned);

  await startOther();
  expect(complaints(other)).toEqual([
    expect.objectContaining({ fields: expect.objectContaining({ provider: 'STRIPE', live: 2 }) }),
  ]);
  for (let round = 0; round < 20; round += 1) {
    app.clock.advance(60 * 60_000);
    await other.app.rounds.sweep();
  }
  expect(await rowsOf(planned)).toEqual(before);
  const { stripe } = await askControl<{ stripe: Record<string, unknown> }>(other.sandboxUrl, 'ledger');
  expect(stripe).toMatchObject({ paymentIntents: [], checkoutSessions: [], refunds: [] });
  const started = await payOrder(other, (await createOrder(other)).id);
  expect(await rowsOf(accountsSql)).toHaveLength(2);

  for (let round = 0; round < 3; round += 1) await app.app.rounds.sweep();
  expect((await readOrder(app, orderId)).payments).toMatchObject([{ id: lost.id, status: 'ACTION_REQUIRED' }]);
  expect((await booksOf(app, lost.id)).totals.paymentIntents).toBe(1);
  expect((await booksOf(app, waiting.id)).totals.paymentIntents).toBe(1);
  expect((await booksOf(other, started.id)).totals.paymentIntents).toBe(1);
});

/** Restores the names of an earlier version, which used one name for every account of a sandbox. */
async function forgetNames(): Promise<void> {
  for (const one of opened) await untilCallbacksCame(one);
  await app.database.pool.query(`update payments set provider_account = 'sandbox'`);
  await app.database.pool.query(`update deliveries set provider_account = 'sandbox'`);
}

test('payments that an earlier version recorded without the account’s name wait until an account turns out to own them', async () => {
  await paidOrder(app);
  await payOrder(app, (await createOrder(app)).id, { flow: 'REDIRECT', returnUrl: 'https://shop.example/' });
  const [{ account }] = await rowsOf(accountsSql);
  expect(account).toMatch(/^acct_\w+\.test$/);
  const { id: orderId } = await createOrder(app, { expiresInSeconds: 604_800 });
  await control(app.sandboxUrl, 'faults', { fault: 'error_500_after', match: { operation: 'payment_intents.create' } });
  const lost = await payOrder(app, orderId);
  // Its callback brings the provider's id. One that arrives during the call is postponed.
  await untilCallbacksCame(app);
  app.clock.advance(10_000);
  await app.app.rounds.applyDeliveries();
  await forgetNames();

  await startOther();
  expect(await rowsOf(accountsSql)).toEqual([{ account: 'sandbox.other', payments: 3 }]);
  expect(complaints(other)).toEqual([
    expect.objectContaining({ fields: expect.objectContaining({ account: 'sandbox.other', live: 2 }) }),
  ]);

  const nodes = await Promise.all([startNode(app), startNode(app)]);
  expect(await rowsOf(accountsSql)).toEqual([{ account, payments: 3 }]);
  // A callback without a payment belongs to no account.
  const left = await rowsOf(`select payment_id from deliveries where provider_account <> '${account}'`);
  expect(left.filter(({ payment_id }) => payment_id !== null)).toEqual([]);
  expect(nodes.flatMap(complaints)).toEqual([]);
  app.clock.advance(60_000);
  await nodes[0].app.rounds.sweep();
  expect((await readOrder(app, orderId)).payments).toMatchObject([{ id: lost.id, status: 'ACTION_REQUIRED' }]);
  expect((await booksOf(app, lost.id)).totals.paymentIntents).toBe(1);
});

test('payments of two accounts under one name are assigned to their accounts one by one', async () => {
  await startOther();
  const owners: { readonly id: string; readonly of: TestApp }[] = [];
  for (const of of [app, app, other, other, other, app, app]) {
    app.clock.advance(60_000);
    const { id } = await payOrder(of, (await createOrder(of, { expiresInSeconds: 604_800 })).id);
    owners.push({ id, of });
  }
  const named = new Map((await rowsOf('select id, provider_account from payments')).map((row) => [row.id, row]));
  await forgetNames();
  const isNamed = async () => {
    const rows = await rowsOf('select id, provider_account from payments');
    return owners.map(({ id }) => {
      const now = rows.find((row) => row.id === id)?.provider_account;
      return now === named.get(id)?.provider_account ? 'named' : now;
    });
  };
  const [another, done] = ['sandbox.other', 'named'];
  await startNode(app);
  expect(await isNamed()).toEqual([done, done, another, another, another, done, done]);
  await startNode(other, otherKey);
  expect(await isNamed()).toEqual([done, done, done, done, done, done, done]);
});

const payDocument = graphql(`
  mutation PayWhileUndecided($input: PayOrderInput!) {
    payOrder(input: $input) { __typename ... on Error { code } }
  }
`);

test('while Stripe does not answer who owns a payment, its order cannot be paid again, and Stripe is queried again', async () => {
  const { id: orderId } = await createOrder(app, { expiresInSeconds: 604_800 });
  const first = await payOrder(app, orderId);
  await forgetNames();
  const match = { operation: 'payment_intents.retrieve' };
  await control(app.sandboxUrl, 'faults', { fault: 'rate_limit', match, times: 1 });
  const node = await startNode(app);
  expect(await rowsOf(accountsSql)).toEqual([{ account: 'sandbox', payments: 1 }]);
  expect(complaints(node)).toHaveLength(1);
  const input = { idempotencyKey: 'undecided', orderId, method: 'CARD', flow: 'EMBEDDED' } as const;
  expect((await node.client.request(payDocument, { input })).payOrder).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
  expect((await readOrder(node, orderId)).payments).toMatchObject([{ id: first.id, status: 'ACTION_REQUIRED' }]);

  await node.app.rounds.retryProviders();
  expect(await rowsOf(accountsSql)).toEqual([{ account: expect.stringMatching(/^acct_/), payments: 1 }]);
  // A node of an earlier version is still running.
  const late = await payOrder(app, (await createOrder(app)).id);
  await app.database.pool.query(`update payments set provider_account = 'sandbox' where id = $1`, [late.id]);
  await node.app.rounds.retryProviders();
  expect(await rowsOf(accountsSql)).toEqual([{ account: expect.stringMatching(/^acct_/), payments: 2 }]);
});

test('no payment is assigned to an account that does not know it, even one among many known ones or without an id', async () => {
  await startOther();
  for (let count = 0; count < 12; count += 1) await payOrder(app, (await createOrder(app)).id);
  const { payment: paid } = await paidOrder(other);
  const { id: lostOrder } = await createOrder(other, { expiresInSeconds: 604_800 });
  const rules = { fault: 'error_500_after', match: { operation: 'payment_intents.create' } };
  await control(other.sandboxUrl, 'faults', rules);
  await control(other.sandboxUrl, 'faults', { fault: 'drop', match: { type: '*' }, times: 99 });
  const lost = await payOrder(other, lostOrder);
  for (let count = 0; count < 12; count += 1) await payOrder(app, (await createOrder(app)).id);
  await forgetNames();
  const node = await startNode(app);
  for (let round = 0; round < 3; round += 1) {
    app.clock.advance(60 * 60_000);
    await node.app.rounds.retryProviders();
    await node.app.rounds.sweep();
  }
  const names = await rowsOf(`select id, provider_account from payments where provider_account not like 'acct_%'`);
  expect(names).toHaveLength(2);
  expect(names).toEqual(
    expect.arrayContaining([
      { id: paid.id, provider_account: 'sandbox.other' },
      { id: lost.id, provider_account: 'sandbox' },
    ]),
  );
  await startNode(other, otherKey);
  expect(await rowsOf(`select id from payments where provider_account not like 'acct_%'`)).toEqual([]);
  const { totals } = await booksOf(other, lost.id);
  expect(totals.paymentIntents).toBe(1);
});

test('callbacks are accepted under the account’s name and its former name, and under no other', async () => {
  await payOrder(app, (await createOrder(app)).id);
  const [{ account }] = await rowsOf(accountsSql);
  const statusAt = async (path: string) => {
    const headers = { 'content-type': 'application/json' };
    return (await fetch(`${app.app.url}/webhooks/stripe${path}`, { method: 'POST', headers, body: '{}' })).status;
  };
  for (const path of ['', `/${account}`, '/sandbox']) expect(await statusAt(path)).toBe(400);
  for (const path of ['/default', '/acct_1Other.test', `/${account.replace('.test', '.live')}`]) {
    expect(await statusAt(path)).toBe(404);
  }
});
