import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { graphql } from '../../generated/graphql/gql.ts';
import { stripeSetup } from '../../src/providers/stripe/setup.ts';
import { chineseSetups } from '../support/chinese-providers.ts';
import { confirmCard, createOrder, payOrder, readOrder, refreshPayment } from '../support/orders.ts';
import { control, startTestApp, stripeAt, type TestApp, untilCallbacksCame } from '../support/test-app.ts';

/** The connection to Stripe. It is cut until the test restores it. */
async function cutTo(url: string) {
  let isCut = true;
  const { hostname, port } = new URL(url);
  const server = createServer((client) => {
    if (isCut) return void client.destroy();
    const stripe = connect(Number(port), hostname);
    client.on('error', () => stripe.destroy());
    stripe.on('error', () => client.destroy());
    client.pipe(stripe).pipe(client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mend: () => {
      isCut = false;
    },
    close: () => server.close(),
  };
}

let app: TestApp;
let way: Awaited<ReturnType<typeof cutTo>>;
/** A server on the same database, started while Stripe cannot be reached. */
let node: TestApp;
let paymentId: string;

beforeAll(async () => {
  app = await startTestApp();
  paymentId = (await payOrder(app, (await createOrder(app)).id)).id;
  ({ node, way } = await startWithoutStripe());
});
afterAll(async () => {
  await node.close();
  way.close();
  await app.close();
});

async function startWithoutStripe() {
  const way = await cutTo(app.sandboxUrl);
  const providers = [stripeSetup(stripeAt(way.url)), ...chineseSetups(app.sandboxUrl)];
  const node = await startTestApp({ database: app.database, clock: app.clock, config: { providers } });
  return { node, way };
}

const methodsDocument = graphql(`
  query MethodsWhileAway($id: ID!) {
    paymentMethods(orderId: $id) { method }
  }
`);
const payDocument = graphql(`
  mutation PayWhileAway($input: PayOrderInput!) {
    payOrder(input: $input) { __typename ... on Error { code message } }
  }
`);
const refreshDocument = graphql(`
  mutation RefreshWhileAway($id: ID!) {
    refreshPayment(paymentId: $id) { __typename ... on Error { code } }
  }
`);
const postTo = ({ app }: TestApp) =>
  fetch(`${app.url}/webhooks/stripe`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });

test('a server starts while a provider is away, and works for the other providers', async () => {
  expect(node.app.away).toEqual(['STRIPE']);
  expect(node.logged.filter(({ level }) => level === 'error')).toEqual([
    expect.objectContaining({ message: expect.stringContaining('a provider is away') }),
  ]);
  expect((await fetch(`${node.app.url}/readyz`)).status).toBe(200);
  const { id } = await createOrder(node, { currency: 'CNY' });
  const { paymentMethods } = await node.client.request(methodsDocument, { id });
  expect(paymentMethods?.map(({ method }) => method)).toEqual(['ALIPAY', 'WECHAT_PAY']);
  const input = { idempotencyKey: 'while-away', orderId: id, method: 'CARD', flow: 'EMBEDDED' } as const;
  expect((await node.client.request(payDocument, { input })).payOrder).toMatchObject({ code: 'METHOD_NOT_AVAILABLE' });
  expect(await payOrder(node, id, { method: 'ALIPAY', flow: 'QR_CODE' })).toMatchObject({ status: 'ACTION_REQUIRED' });
});

test('a payment at a provider that is away is PROVIDER_UNAVAILABLE, and its callbacks are sent again', async () => {
  const { refreshPayment: answer } = await node.client.request(refreshDocument, { id: paymentId });
  expect(answer).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
  const response = await postTo(node);
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('15');
  const line = { provider: 'STRIPE', reason: 'PROVIDER_AWAY', status: 503 };
  expect(node.logged.at(-1)).toMatchObject({ level: 'warn', message: 'callback refused', fields: line });
});

test('once the provider answers, payments, callbacks and due checks work without a restart', async () => {
  const { node, way } = await startWithoutStripe();
  onTestFinished(async () => {
    await node.close();
    way.close();
  });
  const { id: paymentId } = await payOrder(app, (await createOrder(app)).id);
  await node.app.rounds.retryProviders();
  expect(node.logged.at(-1)).toMatchObject({ level: 'error', message: expect.stringContaining('could not be opened') });
  way.mend();
  await node.app.rounds.retryProviders();
  const found = { level: 'info', message: 'a provider that was away is there', fields: { provider: 'STRIPE' } };
  expect(node.logged).toContainEqual(
    expect.objectContaining({ ...found, fields: expect.objectContaining(found.fields) }),
  );
  expect((await postTo(node)).status).toBe(400);
  await refreshPayment(node, paymentId);

  const { id } = await createOrder(node);
  const payment = await payOrder(node, id);
  await control(app.sandboxUrl, 'webhooks', { url: `${node.app.url}/webhooks/stripe`, retryDelaysMs: [100, 200, 400] });
  await confirmCard(app, payment);
  await untilCallbacksCame({ ...node, sandboxUrl: app.sandboxUrl });
  expect(await readOrder(node, id)).toMatchObject({ paymentStatus: 'PAID' });

  await control(app.sandboxUrl, 'webhooks', { url: null });
  const { id: silent } = await createOrder(node);
  await confirmCard(app, await payOrder(node, silent));
  const asked = node.app.lanes.find(({ name }) => name === 'payments');
  for (let step = 0; step < 100 && (await readOrder(node, silent)).paymentStatus !== 'PAID'; step += 1) {
    node.clock.advance(5000);
    await asked?.runOnce();
    await asked?.idle();
  }
  expect(await readOrder(node, silent)).toMatchObject({ paymentStatus: 'PAID' });
});
