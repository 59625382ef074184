import type { RequestsCalls } from './processes/requests.ts';
import type { Bench, Measure, Turn } from './support/bench.ts';
import { askGraphql, logEndOf } from './support/graphql.ts';
import { fillHistory } from './support/order-history.ts';
import { type BenchProcess, openProcess } from './support/process-calls.ts';
import { firstMerchantOf, type Product, startProduct } from './support/product.ts';
import { median } from './support/statistics.ts';

/** Pages of lists, at many and at few orders. */
export const history: Bench = {
  name: 'history',
  summary:
    'the time of a page of `orders` and `events`, one after the other, at 100,000 orders, or a million with --large. 25 orders match a rare filter, and all others come before ' +
    'them in the list. A deep page begins behind nine tenths of the list.',
  limitSummary: 'the same pages at 10,000 orders.',
  product: (turn) => measureSize(turn, turn.isQuick ? 2000 : turn.isLarge ? 1_000_000 : 100_000),
  limit: (turn) => measureSize(turn, turn.isQuick ? 500 : 10_000),
};

type Page = { readonly name: string; readonly query: string; readonly variables: object; readonly rows: number | null };

const pageSize = 20;
const orderFields = 'id number status paymentStatus total { amountMinor currency } customerId createdAt';
const eventFields = 'id cursor type orderId orderNumber orderStatus occurredAt';

async function measureSize(turn: Turn, size: number): Promise<readonly Measure[]> {
  const product = await startProduct(turn);
  const { url, token, database } = product;
  const { id: merchantId } = await firstMerchantOf(product);
  turn.say(`filling ${size} orders`);
  const deepAt = Math.floor(size * 0.9);
  await fillHistory(database.pool, { merchantId, from: 1, to: deepAt, total: size });
  const deepEvent = await logEndOf(url, token);
  await fillHistory(database.pool, { merchantId, from: deepAt + 1, to: size, total: size });
  await database.pool.query('vacuum analyze');
  const requests = turn.scope.keep(openProcess<RequestsCalls>('requests'));
  const measures: Measure[] = [];
  for (const page of [...(await orderPages(product)), ...eventPages(deepEvent)]) {
    turn.say(`${size} orders: ${page.name}`);
    measures.push({ name: page.name, unit: 'ms', value: await timePage(turn, requests, product, page) });
  }
  measures.push({ name: 'the newest page by SQL', unit: 'ms', value: await timeSql(turn, product, merchantId) });
  await requests.close();
  return measures;
}

async function orderPages({ url, token }: Product): Promise<readonly Page[]> {
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
  // Newest first, so the deep page is among the oldest tenth.
  const [deepFrom, oldest] = [daysAgo(365 * 0.9), daysAgo(364)];
  const { orders } = await askGraphql<{ orders: { edges: readonly { cursor: string }[] } }>(
    url,
    token,
    'query($at: DateTime!) { orders(first: 1, filter: { createdBefore: $at }) { edges { cursor } } }',
    { at: deepFrom },
  );
  const deep = orders.edges[0]?.cursor;
  const page = (name: string, args: string, rows: number | null = pageSize): Page => ({
    name: `orders, ${name}`,
    query: `query($after: String) { orders(first: ${pageSize}, after: $after${args}) { nodes { ${orderFields} } pageInfo { hasNextPage endCursor } } }`,
    variables: {},
    rows,
  });
  const deepPage = (of: Page): Page => ({ ...of, name: `${of.name}, deep`, variables: { after: deep }, rows: null });
  const filtered = (filter: string, rows?: number | null) => page(filter, `, filter: { ${filter} }`, rows);
  const common = [
    page('newest', ''),
    page('oldest', ', orderBy: OLDEST_FIRST'),
    ...['status: [CONFIRMED]', 'paymentStatus: [PAID]', 'currency: EUR', 'needsReview: false', 'method: [CARD]'].map(
      (filter) => filtered(filter),
    ),
    filtered('customerId: "customer-7"', null),
    // Most of the orders that begin so are among the oldest fifth.
    filtered('number: "A-1"'),
    filtered('search: "A-1"'),
  ];
  const rare = [
    ...['status: [CLOSING]', 'status: [CLOSING, OPEN]', 'paymentStatus: [PARTIALLY_REFUNDED]', 'currency: JPY'],
    ...['needsReview: true', 'customerId: "customer-rare"', 'method: [ALIPAY]', 'number: "R-"'],
  ].map((filter) => filtered(filter));
  return [
    ...common,
    ...common.filter(({ name }) => /newest|CONFIRMED|PAID|EUR|false|A-1/.test(name)).map(deepPage),
    ...rare,
    filtered('status: [CLOSING], currency: JPY', 0),
    filtered('paymentStatus: [PARTIALLY_REFUNDED], needsReview: true', 0),
    { ...filtered(`createdBefore: "${oldest}"`, null), name: 'orders, createdBefore the second day' },
    { ...filtered(`createdFrom: "${daysAgo(0.5)}"`, null), name: 'orders, createdFrom half a day ago' },
    {
      ...filtered(`createdFrom: "${daysAgo(200)}", createdBefore: "${daysAgo(199)}"`, null),
      name: 'orders, created on a day long ago',
    },
  ];
}

function eventPages(deep: string): readonly Page[] {
  const page = (name: string, types: string, after: string | null): Page => ({
    name: `events, ${name}`,
    query: `query($after: EventCursor) { events(first: ${pageSize}, after: $after${types}) { nodes { ${eventFields} } pageInfo { hasNextPage endCursor } } }`,
    variables: { after },
    rows: pageSize,
  });
  const kinds: readonly (readonly [string, string])[] = [
    ['all', ''],
    ['types: [ORDER_CREATED]', ', types: [ORDER_CREATED]'],
    ['types: [ORDER_REVIEW_NEEDED]', ', types: [ORDER_REVIEW_NEEDED]'],
  ];
  return kinds.flatMap(([name, types]) => [page(name, types, null), page(`${name}, deep`, types, deep)]);
}

const repeatsOf = ({ isQuick }: Turn) => (isQuick ? 2 : 20);

async function timePage(
  turn: Turn,
  requests: BenchProcess<RequestsCalls>,
  { url, token }: Product,
  { name, query, variables, rows }: Page,
): Promise<number | null> {
  const data = await askGraphql<Record<string, { nodes: readonly unknown[] }>>(url, token, query, variables);
  const found = Object.values(data)[0]?.nodes.length;
  if (rows !== null && found !== rows) throw new Error(`The page ${name} has ${found} rows instead of ${rows}.`);
  const operation = { kind: 'document', query, variables } as const;
  await requests.call('run', { url, token, operation, clients: 1, count: 2 });
  const result = await requests.call('run', { url, token, operation, clients: 1, count: repeatsOf(turn) });
  if (result.failed + result.overloaded > 0) throw new Error(`The page ${name} failed: ${result.firstFailure}`);
  return median(result.doneMs);
}

/** What the newest page costs without the product. */
async function timeSql(turn: Turn, { database }: Product, merchantId: string): Promise<number | null> {
  const times: number[] = [];
  for (let repeat = 0; repeat < repeatsOf(turn) + 2; repeat += 1) {
    const beganMs = performance.now();
    await database.pool.query({
      ...{
        name: 'page',
        text: 'select * from orders where merchant_id = $1 order by id desc limit 21',
        values: [merchantId],
      },
    });
    times.push(performance.now() - beganMs);
  }
  return median(times);
}
