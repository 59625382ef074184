import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../src/domain/ids.ts';
import { addMerchant, testMasterKeys } from '../support/merchants.ts';
import { createOrder, payOrder, readOrder } from '../support/orders.ts';
import { createMinter } from '../support/principals.ts';
import { control, startTestApp, type TestApp, testStripe, withToken } from '../support/test-app.ts';

let app: TestApp;
let operator: TestApp;
let viewer: TestApp;
beforeAll(async () => {
  app = await startTestApp({ config: { masterKeys: testMasterKeys } });
  await control(app.sandboxUrl, 'webhooks', { url: null }); // the callbacks of these tests are made here
  const { merchant } = await app.client.request<{ merchant: { id: string } }>('{ merchant { id } }');
  const mint = await createMinter(app, merchant.id);
  operator = withToken(app, await mint('OPERATOR', 'olga'));
  viewer = withToken(app, await mint('VIEWER', 'vera'));
});
afterAll(() => app.close());

type Started = {
  readonly order: { id: string };
  readonly payment: Awaited<ReturnType<typeof payOrder>>;
  readonly body: string;
};

/** A payment, and the callback that Stripe would send when its card was charged. */
async function startPayment(): Promise<Started> {
  const order = await createOrder(app);
  const payment = await payOrder(app, order.id);
  const intent = {
    object: 'payment_intent',
    id: payment.providerPaymentId,
    status: 'succeeded',
    created: 1_700_000_000,
  };
  const money = { amount: 2500, amount_received: 2500, currency: 'eur', metadata: { payment_id: payment.id } };
  const body = JSON.stringify({
    ...{ id: `evt_${randomUUID()}`, object: 'event', api_version: '2026-10-28.endive', livemode: false },
    ...{ created: Math.floor(Date.now() / 1000), type: 'payment_intent.succeeded' },
    data: { object: { ...intent, ...money } },
  });
  return { order, payment, body };
}

async function deliver(body: string): Promise<void> {
  const at = Math.floor(Date.now() / 1000);
  const signature = createHmac('sha256', testStripe.webhookSecret).update(`${at}.${body}`).digest('hex');
  const response = await fetch(`${app.app.url}/webhooks/stripe`, {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': `t=${at},v1=${signature}` },
    body,
  });
  expect(response.status).toBe(200);
  await app.app.idle();
}

/** A callback that an earlier version kept and could not read: nothing of it was applied. */
async function keepUnread({ body, payment }: Started): Promise<string> {
  const id = newId('delivery');
  await app.database.pool.query(
    `insert into deliveries (id, provider, provider_account, event_id, event_type, headers, body, status, reason, payment_id, merchant_id,
       received_at, applied_at, apply_attempts)
     select $1, p.provider, p.provider_account, $2, 'payment_intent.succeeded', '{}', $3, 'REVIEW', 'unreadable', p.id, p.merchant_id,
       $4, $4, 1 from payments p where p.id = $5`,
    [id, randomUUID(), Buffer.from(body), app.clock.now(), payment.id],
  );
  return id;
}

type Listed = { id: string; verdict: string; reason: string | null; body: string | null };
async function listOf(node: TestApp, filter: object, rest = ''): Promise<Listed[]> {
  const { deliveries } = await node.client.request<{ deliveries: { nodes: Listed[]; totalCount: { value: number } } }>(
    `query($filter: DeliveryFilter) { deliveries(filter: $filter${rest}) {
      totalCount { value } nodes { id verdict reason provider eventType attempts body payment { id } order { id number } } } }`,
    { filter },
  );
  expect(deliveries.totalCount.value).toBe(deliveries.nodes.length);
  return deliveries.nodes;
}

type Replay = {
  __typename: string;
  code?: string;
  verdict?: string;
  reason?: string | null;
  events?: { type: string }[];
};
async function replay(deliveryId: string, dryRun: boolean, node: TestApp = app): Promise<Replay> {
  const answer = await node.client.request<{ replayDelivery: Replay }>(
    `mutation($input: ReplayDeliveryInput!) { replayDelivery(input: $input) { __typename ... on Error { code message }
      ... on DeliveryReplay { dryRun verdict reason events { type orderStatus orderPaymentStatus paymentStatus amount { decimal } } delivery { id verdict } } } }`,
    { input: { deliveryId, dryRun } },
  );
  return answer.replayDelivery;
}

test('a callback is listed with its verdict, its payment and its order; only servers of the merchant see its body', async () => {
  const { order, payment, body } = await startPayment();
  await deliver(body);
  const [mine, ...others] = await listOf(app, { paymentId: payment.id });
  expect(others).toEqual([]);
  expect(mine).toMatchObject({
    ...{ verdict: 'APPLIED', reason: null, provider: 'STRIPE', eventType: 'payment_intent.succeeded', attempts: 1 },
    ...{ payment: { id: payment.id }, order: { id: order.id } },
  });
  expect(JSON.parse(mine?.body ?? '')).toMatchObject({ id: JSON.parse(body).id, type: 'payment_intent.succeeded' });
  expect((await listOf(operator, { paymentId: payment.id }))[0]).toMatchObject({ id: mine?.id, body: null });
  expect(await listOf(app, { paymentId: payment.id, verdict: ['REVIEW'] })).toEqual([]);
  expect(await listOf(app, { paymentId: payment.id, provider: ['STRIPE'], verdict: ['APPLIED'] })).toHaveLength(1);
  expect((await listOf(app, { verdict: ['APPLIED'] })).map(({ id }) => id)).toContain(mine?.id);
  const { node } = await app.client.request<{ node: object }>(`{ node(id: "${mine?.id}") { __typename id } }`);
  expect(node).toEqual({ __typename: 'Delivery', id: mine?.id });
});

test('an order and a payment have their callbacks; viewers do not see them', async () => {
  const { order, payment, body } = await startPayment();
  await deliver(body);
  const read = (node: TestApp) =>
    node.client.request<{ order: { deliveries: { nodes: object[] } | null; payments: object[] } }>(
      `{ order(id: "${order.id}") { deliveries(first: 5) { totalCount { value } nodes { verdict } }
        payments { id deliveries { nodes { verdict } pageInfo { hasNextPage } } } } }`,
    );
  const deliveries = { nodes: [{ verdict: 'APPLIED' }], pageInfo: { hasNextPage: false } };
  expect(await read(operator)).toEqual({
    order: {
      deliveries: { totalCount: { value: 1 }, nodes: [{ verdict: 'APPLIED' }] },
      payments: [{ id: payment.id, deliveries }],
    },
  });
  expect(await read(viewer)).toEqual({ order: { deliveries: null, payments: [{ id: payment.id, deliveries: null }] } });
});

test('a dry run says what a replay would change, and writes nothing; a replay changes it, once', async () => {
  const started = await startPayment();
  const id = await keepUnread(started);
  const rowsOf = async () => {
    const { rows } = await app.database.pool.query(
      `select to_jsonb(d) as d, to_jsonb(o) as o, (select count(*) from events e where e.order_id = o.id) as events
       from deliveries d join payments p on p.id = d.payment_id join orders o on o.id = p.order_id where d.id = $1`,
      [id],
    );
    return rows;
  };
  const before = await rowsOf();
  const events = [
    { type: 'PAYMENT_SUCCEEDED', paymentStatus: 'SUCCEEDED', amount: { decimal: '25.00' } },
    { type: 'ORDER_CONFIRMED', orderStatus: 'CONFIRMED', orderPaymentStatus: 'PAID' },
  ];
  expect(await replay(id, true, operator)).toMatchObject({ dryRun: true, verdict: 'APPLIED', reason: null, events });
  expect(await rowsOf()).toEqual(before);
  expect(await replay(id, false, operator)).toMatchObject({
    dryRun: false,
    verdict: 'APPLIED',
    events,
    delivery: { verdict: 'APPLIED' },
  });
  const paid = await readOrder(app, started.order.id);
  expect(paid).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PAID', captured: { amountMinor: 2500 } });

  for (const dryRun of [true, false, false]) expect(await replay(id, dryRun)).toMatchObject({ events: [] });
  const after = await readOrder(app, started.order.id);
  expect(after).toEqual(paid);
  expect(await listOf(app, { paymentId: started.payment.id })).toMatchObject([{ id, verdict: 'APPLIED' }]);
});

test('replays and the callback itself at the same time count once', async () => {
  const started = await startPayment();
  const id = await keepUnread(started);
  const [, ...replays] = await Promise.all([
    deliver(started.body),
    ...Array.from({ length: 4 }, () => replay(id, false)),
  ]);
  expect(replays.map(({ __typename: name }) => name)).toEqual(replays.map(() => 'DeliveryReplay'));
  const { types } = await readOrder(app, started.order.id);
  expect(types.filter((type) => type === 'PAYMENT_SUCCEEDED')).toHaveLength(1);
  expect(types.filter((type) => type === 'ORDER_CONFIRMED')).toHaveLength(1);
});

test('a delivery whose body was deleted cannot be replayed, and says so', async () => {
  const id = await keepUnread(await startPayment());
  await app.database.pool.query(`update deliveries set body = '', headers = '{}', pruned_at = now() where id = $1`, [
    id,
  ]);
  for (const dryRun of [true, false])
    expect(await replay(id, dryRun)).toMatchObject({
      __typename: 'DeliveryNotReplayableError',
      code: 'DELIVERY_NOT_REPLAYABLE',
    });
});

test('another merchant has no such delivery', async () => {
  const other = (await addMerchant(app, 'Other')).at(app);
  const id = await keepUnread(await startPayment());
  expect(await listOf(other, {})).toEqual([]);
  expect(await replay(id, false, other)).toMatchObject({ code: 'NOT_FOUND' });
  const { node } = await other.client.request<{ node: null }>(`{ node(id: "${id}") { id } }`);
  expect(node).toBeNull();
});
