import { afterAll, beforeAll, expect, test } from 'vitest';
import { csvRecord } from '../../src/http/csv.ts';
import { defaultLimits } from '../../src/limits/limits.ts';
import { addMerchant, testMasterKeys } from '../support/merchants.ts';
import { createOrder, paidOrder, requestRefund } from '../support/orders.ts';
import { createMinter } from '../support/principals.ts';
import { startTestApp, type TestApp, withToken } from '../support/test-app.ts';

let app: TestApp;
let paid: string;
let alice: TestApp;
const ordersCount = 230; // more than two pages
beforeAll(async () => {
  app = await startTestApp({ config: { masterKeys: testMasterKeys } });
  const { merchant } = await app.client.request<{ merchant: { id: string } }>('{ merchant { id } }');
  const { orderId, payment } = await paidOrder(app, { number: 'PAID-1', customerId: 'alice' });
  paid = orderId;
  await requestRefund(app, { paymentId: payment.id, amountMinor: 500, reason: '@SUM(1)' });
  await createOrder(app, {
    number: 'ODD-1',
    description: '=HYPERLINK("http://evil.example","买")\r\nx, y',
    customerId: '+1',
  });
  for (let n = 2; n < ordersCount; n += 1) await createOrder(app, { number: `N-${n}` });
  alice = withToken(app, await (await createMinter(app, merchant.id))('CUSTOMER', 'alice'));
});
afterAll(() => app.close());

const ask = (path: string, node: TestApp | null = app, headers: object = {}) =>
  fetch(`${app.app.url}/exports/${path}`, {
    headers: { ...(node !== null && { authorization: `Bearer ${node.token}` }), ...headers },
  });

/** A reader of RFC 4180, apart from the writer. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/y;
  for (let match = cell.exec(text); match !== null && cell.lastIndex <= text.length; match = cell.exec(text)) {
    rows.at(-1)?.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '\r\n') rows.push([]);
    if (cell.lastIndex === text.length) break;
  }
  return rows.filter((row) => row.length > 0);
}

async function rowsOf(path: string, node: TestApp = app): Promise<Record<string, string>[]> {
  const response = await ask(path, node);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
  const bytes = Buffer.from(await response.arrayBuffer());
  expect([...bytes.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
  const [names = [], ...rows] = parseCsv(bytes.subarray(3).toString('utf8'));
  for (const row of rows) expect(row).toHaveLength(names.length);
  return rows.map((row) => Object.fromEntries(row.map((cell, column) => [names[column] ?? '', cell])));
}

test('all orders are exported, each once, over several pages', async () => {
  const rows = await rowsOf('orders.csv');
  expect(rows).toHaveLength(ordersCount);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(ordersCount);
  expect(rows.find(({ id }) => id === paid)).toMatchObject({
    ...{ number: 'PAID-1', status: 'CONFIRMED', payment_status: 'PARTIALLY_REFUNDED', currency: 'EUR', total: '25.00' },
    ...{ captured: '25.00', refunded: '5.00', customer_id: 'alice', description: '', metadata: '{}' },
  });
});

test('texts that a spreadsheet would run as formulas are made texts, and quotes and lines survive', async () => {
  const [odd] = await rowsOf('orders.csv?number=ODD');
  expect(odd?.description).toBe(`'=HYPERLINK("http://evil.example","买")\r\nx, y`);
  expect(odd?.customer_id).toBe(`'+1`);
  const [refund] = await rowsOf('refunds.csv');
  expect(refund).toMatchObject({ amount: '5.00', method: 'CARD', order_number: 'PAID-1', reason: `'@SUM(1)` });
});

test.each([
  [['a', 'b c', '', null], 'a,b c,,\r\n'],
  [['say "x"', 'a,b', 'a\nb'], '"say ""x""","a,b","a\nb"\r\n'],
  [['=1', '+1', '-1', '@a', '\t=1', ' =1', '＝1'], `'=1,'+1,'-1,'@a,'\t'=1,' =1,'＝1\r\n`],
  [['x;=1', 'x; +1', 'x;\r\n=1', 'a;b'], `x;'=1,x; '+1,"x;\r\n'=1",a;b\r\n`], // where cells are separated by semicolons
  [['x;"=1+1;y', 'x;" =1', 'x;"a'], `"x;""'=1+1;y","x;"" '=1","x;""a"\r\n`], // there, the doubled quote begins an empty text
  [['a=1', '1-1', 5, { a: '"' }], 'a=1,1-1,5,"{""a"":""\\""""}"\r\n'],
])('the record of %j is %j', (cells, text) => {
  expect(csvRecord(cells)).toBe(text);
});

test('filters and the order are those of the API, and lists are repeated or separated by commas', async () => {
  expect(await rowsOf('orders.csv?status=CONFIRMED,EXPIRED')).toHaveLength(1);
  expect(await rowsOf('orders.csv?status=CONFIRMED&status=OPEN')).toHaveLength(ordersCount);
  expect((await rowsOf('orders.csv?orderBy=OLDEST_FIRST'))[0]).toMatchObject({ id: paid });
  expect(await rowsOf('orders.csv?search=n-10')).toHaveLength(11);
  expect(await rowsOf('orders.csv?needsReview=true')).toEqual([]);
  expect(await rowsOf('payments.csv?status=SUCCEEDED&amountMinorFrom=2500')).toMatchObject([
    { order_id: paid, amount: '25.00' },
  ]);
  expect(await rowsOf('payments.csv?amountMinorFrom=2501')).toEqual([]);
});

test('an export counts as a query, and one without a valid token as a request without one', async () => {
  const limits = { ...defaultLimits, unauthenticated: { perSecond: 1, burst: 3 }, queries: { perSecond: 1, burst: 2 } };
  const node = await startTestApp({ config: { limits } });
  try {
    const get = (token: string) =>
      fetch(`${node.app.url}/exports/orders.csv`, { headers: { authorization: `Bearer ${token}` } });
    const statuses: number[] = [];
    for (let n = 0; n < 5; n += 1) statuses.push((await get('sk_test_unknown')).status);
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    for (let n = 0; n < 3; n += 1) statuses.push((await get(node.token)).status);
    expect(statuses.slice(5)).toEqual([200, 200, 429]);
    expect(Number((await get(node.token)).headers.get('retry-after'))).toBeGreaterThan(0);
  } finally {
    await node.close();
  }
});

test('rights are those of the API', async () => {
  expect((await rowsOf('orders.csv', alice)).map(({ id }) => id)).toEqual([paid]);
  const refused = await ask('payments.csv', alice);
  expect([refused.status, await refused.json()]).toEqual([
    403,
    { error: 'payments is not allowed for the role CUSTOMER.' },
  ]);
  expect((await ask('orders.csv', null)).status).toBe(401);
  expect(await rowsOf('orders.csv', (await addMerchant(app, 'Other')).at(app))).toEqual([]);
  expect((await ask('orders.csv', app, { origin: 'https://evil.example' })).status).toBe(403);
});

test.each([
  ['orders.csv?colour=red', 400, 'colour'],
  ['orders.csv?status=LOST', 400, 'LOST'],
  ['orders.csv?needsReview=perhaps', 400, 'needsReview'],
  ['orders.csv?number=a&number=b', 400, 'number'],
  ['payments.csv?amountMinorFrom=1.5', 400, 'amountMinorFrom'],
  ['orders.csv?search=a', 400, 'filter.search'],
  ['customers.csv', 404, 'path'],
])('%s is refused with %i, which names what is wrong', async (path, status, name) => {
  const response = await ask(path);
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ error: expect.stringContaining(name) });
});
