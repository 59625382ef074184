import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { confirmCard, createOrder, payOrder } from '../support/orders.ts';
import { untilSettled } from '../support/settled.ts';
import { countStatements } from '../support/statements.ts';
import { followOrder } from '../support/subscriber.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
const created: string[] = [];
beforeAll(async () => {
  app = await startTestApp();
  for (let i = 0; i < 53; i += 1) {
    const order = await createOrder(app, {
      ...{ number: `shop-${String(i).padStart(3, '0')}-${randomUUID()}`, customerId: `customer-${i % 5}` },
      currency: i % 10 === 0 ? 'JPY' : 'EUR',
      lines: [
        { name: 'Cup', quantity: 2, unitAmountMinor: 1250 },
        { name: 'Saucer', quantity: 1, unitAmountMinor: 600, sku: 'SAUCER' },
      ],
    });
    created.push(order.id);
    if (i % 3 === 0) await payOrder(app, order.id);
  }
});
afterAll(() => app.close());

const pageQuery = `query($first: Int!) { orders(first: $first) {
  edges { cursor node { id } } eventCursor pageInfo { hasNextPage }
  nodes {
    id number total { decimal } lines { name unitPrice { decimal } total { amountMinor } }
    payments { id status amount { decimal } nextAction { __typename } order { number } }
    refunds { id amount { decimal } payment { id } }
    events(first: 5) { nodes { sequence type order { number } } }
  }
} }`;

test('a page of 50 orders with lines, payments, refunds and events takes as many statements as a page of 1', async () => {
  const page = (first: number) =>
    app.client.request<{ orders: { nodes: { lines: unknown[] }[] } }>(pageQuery, { first });
  await page(50);
  const ofOne = await countStatements(() => page(1));
  const ofFifty = await countStatements(async () => {
    const { orders } = await page(50);
    expect(orders.nodes).toHaveLength(50);
    expect(orders.nodes.every(({ lines }) => lines.length === 2)).toBe(true);
  });
  expect(ofFifty).toBe(ofOne);
  expect(ofFifty).toBeLessThanOrEqual(10);
});

type OrdersPage = {
  nodes: { id: string }[];
  pageInfo: Record<'hasNextPage' | 'hasPreviousPage', boolean> & { startCursor: string; endCursor: string };
};
const orders = async (args: string) => {
  const answer = await app.client.request<{ orders: OrdersPage }>(
    `{ orders(${args}) { nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
  );
  return answer.orders;
};
const newestFirst = () => created.toReversed();

test('paging forward through all orders returns each once, newest first, even while orders are created', async () => {
  const seen: string[] = [];
  let after = '';
  for (;;) {
    const page = await orders(`first: 20${after}`);
    seen.push(...page.nodes.map(({ id }) => id));
    if (!page.pageInfo.hasNextPage) break;
    after = `, after: "${page.pageInfo.endCursor}"`;
    created.push((await createOrder(app)).id);
  }
  expect(seen).toEqual(newestFirst().slice(-seen.length));
  expect(seen).toHaveLength(53);
});

test('paging backward returns the same orders in the same order', async () => {
  const seen: string[] = [];
  let before = '';
  for (;;) {
    const page = await orders(`last: 20${before}`);
    seen.unshift(...page.nodes.map(({ id }) => id));
    if (!page.pageInfo.hasPreviousPage) break;
    before = `, before: "${page.pageInfo.startCursor}"`;
  }
  expect(seen).toEqual(newestFirst());
});

test('oldest first returns the reverse order', async () => {
  const page = await orders('first: 3, orderBy: OLDEST_FIRST');
  expect(page.nodes.map(({ id }) => id)).toEqual(created.slice(0, 3));
});

test.each<[string, string, number]>([
  ['status', 'status: [OPEN]', 55],
  ['status of none', 'status: [CANCELED, EXPIRED]', 0],
  ['payment status', 'paymentStatus: [PENDING]', 18],
  ['method', 'method: [CARD]', 18],
  ['method of none', 'method: [ALIPAY]', 0],
  ['customer', 'customerId: "customer-1"', 11],
  ['start of the number', 'number: "shop-00"', 10],
  ['a percent sign is no wildcard', 'number: "%"', 0],
  ['currency', 'currency: "JPY"', 6],
  ['review', 'needsReview: true', 0],
  ['created before', 'createdBefore: "2020-01-01T00:00:00Z"', 0],
  ['created from', 'createdFrom: "2020-01-01T00:00:00+08:00"', 55],
  ['two at once', 'currency: "JPY", method: [CARD]', 2],
])('the filter by %s finds the matching orders', async (_what, filter, count) => {
  const { nodes } = await orders(`first: 100, filter: { ${filter} }`);
  expect(nodes).toHaveLength(count);
});

test('node returns every type by its id, with its relations', async () => {
  const [id = ''] = created;
  const { node } = await app.client.request<{
    node: { payments: { id: string }[]; events: { nodes: { id: string }[] } };
  }>('query($id: ID!) { node(id: $id) { __typename id ... on Order { payments { id } events { nodes { id } } } } }', {
    id,
  });
  expect(node).toMatchObject({ __typename: 'Order', id });
  const others = [node.payments[0]?.id, node.events.nodes[0]?.id];
  for (const [index, other] of others.entries()) {
    const answer = await app.client.request<{ node: unknown }>(
      `query($id: ID!) { node(id: $id) { __typename id ... on Payment { order { id } } ... on OrderEvent { order { id } } } }`,
      { id: other },
    );
    expect(answer.node).toMatchObject({ __typename: ['Payment', 'OrderEvent'][index], id: other, order: { id } });
  }
});

test('an amount has the decimals of its currency', async () => {
  const order = await createOrder(app, {
    currency: 'KWD',
    lines: [{ name: 'Pearl', quantity: 1, unitAmountMinor: 1230 }],
  });
  const { node } = await app.client.request<{ node: unknown }>(
    'query($id: ID!) { node(id: $id) { ... on Order { total { amountMinor currency decimal } } } }',
    { id: order.id },
  );
  expect(node).toEqual({ total: { amountMinor: 1230, currency: 'KWD', decimal: '1.230' } });
});

test('paymentMethods returns the configured methods that accept the amount, and none for a paid order', async () => {
  const methods = async (orderId: string) =>
    (
      await app.client.request<{ paymentMethods: unknown }>(
        'query($orderId: ID!) { paymentMethods(orderId: $orderId) { method flows } }',
        { orderId },
      )
    ).paymentMethods;
  const order = await createOrder(app);
  expect(await methods(order.id)).toEqual([{ method: 'CARD', flows: ['EMBEDDED', 'REDIRECT'] }]);
  const large = await createOrder(app, { lines: [{ name: 'Yacht', quantity: 1, unitAmountMinor: 100_000_000 }] });
  expect(await methods(large.id)).toEqual([]);
  const subscriber = followOrder(app, order.id, order.eventCursor);
  await confirmCard(app, await payOrder(app, order.id));
  await subscriber.until(({ type }) => type === 'ORDER_CONFIRMED');
  await subscriber.stop();
  expect(await methods(order.id)).toEqual([]);
});

test('the merchant’s log can be paged, and read by type', async () => {
  await untilSettled(app.database.pool);
  const seen: string[] = [];
  let after = '';
  type EventsPage = {
    events: {
      edges: { cursor: string; node: { id: string; type: string } }[];
      pageInfo: { hasNextPage: boolean; endCursor: string };
    };
  };
  for (;;) {
    const { events } = await app.client.request<EventsPage>(
      `{ events(first: 50, types: [ORDER_CREATED]${after}) { edges { cursor node { id type } } pageInfo { hasNextPage endCursor } } }`,
    );
    for (const { node } of events.edges) {
      expect(node.type).toBe('ORDER_CREATED');
      seen.push(node.id);
    }
    if (!events.pageInfo.hasNextPage) break;
    after = `, after: "${events.pageInfo.endCursor}"`;
  }
  const { rows } = await app.database.pool.query<{ id: string }>(
    `select id from events where type = 'ORDER_CREATED' order by epoch, xid, pos`,
  );
  expect(seen).toEqual(rows.map(({ id }) => id));
});
