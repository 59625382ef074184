import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createOrder, createOrderDocument, orderInput, payOrderDocument } from '../support/orders.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

/** The row counts, which invalid input must not change. */
async function countRows(): Promise<unknown> {
  const { rows } = await app.database.pool.query(
    `select (select count(*) from orders) as orders, (select count(*) from payments) as payments, (select count(*) from events) as events,
      (select count(*) from idempotency_keys) as keys, (select count(*) from deliveries) as deliveries`,
  );
  return rows[0];
}

type Answer = {
  status: number;
  text: string;
  body: { data?: Record<string, unknown> | null; errors?: { message: string; extensions: { code: string } }[] };
};

async function post(query: string, variables: unknown = {}, token: string | null = app.token): Promise<Answer> {
  const response = await fetch(`${app.app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token !== null && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) };
}

let before: unknown;
beforeEach(async () => {
  before = await countRows();
});

function expectNoInternals(text: string): void {
  expect(text).not.toMatch(/node_modules|\.ts:|\.js:|at [A-Z]\w+\.|select |insert |prisma|\/src\//i);
}

const create = `mutation($input: CreateOrderInput!) { createOrder(input: $input) {
  __typename ... on Error { code message } ... on InvalidInputError { issues { path message } } } }`;
const line = (part: object) => ({ lines: [{ name: 'Cup', quantity: 1, unitAmountMinor: 100, ...part }] });
const text = (length: number) => 'x'.repeat(length);

describe('createOrder names the field and writes nothing', () => {
  afterEach(async () => expect(await countRows()).toEqual(before));

  test.each<[string, object, string]>([
    ['no key', { idempotencyKey: '' }, 'idempotencyKey'],
    ['a key of 256 characters', { idempotencyKey: text(256) }, 'idempotencyKey'],
    ['a key with a NUL', { idempotencyKey: 'a\0b' }, 'idempotencyKey'],
    ['no lines', { lines: [] }, 'lines'],
    ['101 lines', { lines: Array.from({ length: 101 }, () => line({}).lines[0]) }, 'lines'],
    ['a zero amount', line({ unitAmountMinor: 0 }), 'lines.0.unitAmountMinor'],
    ['no amount', line({ unitAmountMinor: null }), 'lines.0.unitAmountMinor'],
    ['no name', line({ name: null }), 'lines.0.name'],
    ['an empty name', line({ name: '' }), 'lines.0.name'],
    ['a name of 257 characters', line({ name: text(257) }), 'lines.0.name'],
    ['an unpaired surrogate in a name', line({ name: 'a\ud800b' }), 'lines.0.name'],
    ['a sku of 65 characters', line({ sku: text(65) }), 'lines.0.sku'],
    ['a quantity of 0', line({ quantity: 0 }), 'lines.0.quantity'],
    ['a negative quantity', line({ quantity: -1 }), 'lines.0.quantity'],
    ['a quantity of a million', line({ quantity: 1_000_000 }), 'lines.0.quantity'],
    ['a total past the limit', line({ quantity: 2, unitAmountMinor: Number.MAX_SAFE_INTEGER }), 'lines'],
    ['an empty number', { number: '' }, 'number'],
    ['a number of 65 characters', { number: text(65) }, 'number'],
    ['59 seconds', { expiresInSeconds: 59 }, 'expiresInSeconds'],
    ['more than a week', { expiresInSeconds: 604_801 }, 'expiresInSeconds'],
    ['a description of 128 characters', { description: text(128) }, 'description'],
    ['a customer of 256 characters', { customerId: text(256) }, 'customerId'],
  ])('%s', async (_what, part, path) => {
    const { body, text } = await post(create, { input: { ...orderInput(), ...part } });
    expect(body.data?.createOrder).toMatchObject({ __typename: 'InvalidInputError', code: 'INVALID_INPUT' });
    expect(body.data?.createOrder).toMatchObject({ issues: [{ path }] });
    expectNoInternals(text);
  });

  test.each<[string, object, string]>([
    ['a negative amount', line({ unitAmountMinor: -1 }), 'unitAmountMinor'],
    ['a fraction', line({ unitAmountMinor: 10.5 }), 'unitAmountMinor'],
    ['an amount as text', line({ unitAmountMinor: '100' }), 'unitAmountMinor'],
    ['an amount past the limit', line({ unitAmountMinor: 9_007_199_254_740_992 }), 'unitAmountMinor'],
    ['a huge amount', line({ unitAmountMinor: 1e300 }), 'unitAmountMinor'],
    ['a fractional quantity', line({ quantity: 1.5 }), 'quantity'],
    ['an unknown currency', { currency: 'EUX' }, 'currency'],
    ['a currency in lower case', { currency: 'eur' }, 'currency'],
    ['a currency code without money', { currency: 'XXX' }, 'currency'],
    ['nested metadata', { metadata: { a: { b: 'c' } } }, 'metadata'],
    [
      'metadata with 51 keys',
      { metadata: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, 'v'])) },
      'metadata',
    ],
    ['a metadata value of 501 characters', { metadata: { a: text(501) } }, 'metadata'],
    ['a field that does not exist', { totalMinor: 1 }, 'totalMinor'],
    ['no currency', { currency: undefined }, 'currency'],
  ])('%s', async (_what, part, field) => {
    const { body, text } = await post(create, { input: { ...orderInput(), ...part } });
    expect(body.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    expect(body.errors?.[0]?.message).toContain(field);
    expectNoInternals(text);
  });

  test('one error names all invalid fields', async () => {
    const { body } = await post(create, {
      input: { ...orderInput(), number: '', ...line({ quantity: 0, sku: text(65) }) },
    });
    const paths = ['lines.0.quantity', 'lines.0.sku', 'number'];
    const { issues = [] } = (body.data?.createOrder ?? {}) as { issues?: { path: string }[] };
    expect(issues.map(({ path }) => path).sort()).toEqual(paths);
  });
});

test('the number of another order is an error on the field, and the key stays unused', async () => {
  const { number } = await createOrder(app);
  const input = orderInput({ number });
  const { createOrder: refused } = await app.client.request(createOrderDocument, { input });
  expect(refused).toMatchObject({ __typename: 'InvalidInputError', issues: [{ path: 'number' }] });
  expect(await createOrder(app, { ...input, number: randomUUID() })).toMatchObject({ status: 'OPEN' });
});

test.each<[string, object, string]>([
  ['no key', { idempotencyKey: '' }, 'idempotencyKey'],
  ['an id of another type', { orderId: 'pay_01jd8m0v6te4r8x3y5z7a9b1c2' }, 'orderId'],
  ['a malformed id', { orderId: 'ord_1; drop table orders' }, 'orderId'],
  ['an invalid return URL', { returnUrl: 'shop' }, 'returnUrl'],
  ['a javascript: return URL', { returnUrl: 'javascript:alert(1)' }, 'returnUrl'],
  ['an invalid IP address', { buyerIp: '1.2.3' }, 'buyerIp'],
  ['an over-long openid', { openId: text(129) }, 'openId'],
  ['REDIRECT without a return URL', { flow: 'REDIRECT' }, 'returnUrl'],
])('payOrder with %s names the field and writes nothing', async (_what, part, path) => {
  const { id } = await createOrder(app);
  before = await countRows();
  const { payOrder: refused } = await app.client.request(payOrderDocument, {
    input: { idempotencyKey: randomUUID(), orderId: id, method: 'CARD', flow: 'EMBEDDED', ...part },
  });
  expect(refused).toMatchObject({ __typename: 'InvalidInputError', issues: [{ path }] });
  expect(await countRows()).toEqual(before);
});

test('an unknown order is NOT_FOUND for every mutation', async () => {
  const missing = 'ord_01jd8m0v6te4r8x3y5z7a9b1c2';
  const payment = 'pay_01jd8m0v6te4r8x3y5z7a9b1c2';
  const { body } = await post(
    `mutation($input: PayOrderInput!) {
      pay: payOrder(input: $input) { ... on Error { code } }
      cancel: cancelOrder(input: { orderId: "${missing}" }) { ... on Error { code } }
      malformed: cancelOrder(input: { orderId: "${payment}" }) { ... on Error { code message } }
      void: cancelPayment(input: { paymentId: "${payment}" }) { ... on Error { code } }
      refresh: refreshPayment(paymentId: "${payment}") { ... on Error { code } }
      other: refreshPayment(paymentId: "${missing}") { ... on Error { code message } }
    }`,
    { input: { idempotencyKey: 'k', orderId: missing, method: 'CARD' } },
  );
  expect(Object.values(body.data ?? {}).map((answer) => (answer as { code: string }).code)).toEqual(
    Array(6).fill('NOT_FOUND'),
  );
});

test.each<[string, string, string]>([
  ['a malformed id', '{ order(id: "nonsense") { id } }', 'id'],
  ['an id of another type', '{ order(id: "pay_01jd8m0v6te4r8x3y5z7a9b1c2") { id } }', 'id'],
  ['an id that is not of a node', '{ node(id: "cus_01jd8m0v6te4r8x3y5z7a9b1c2") { id } }', 'id'],
  ['an invalid event cursor', '{ events(after: "nonsense") { nodes { id } } }', 'after'],
  ['an invalid list cursor', '{ orders(after: "nonsense") { nodes { id } } }', 'after'],
  ['an event cursor as list cursor', '{ orders(before: "djEuYS4xLjEuMQ") { nodes { id } } }', 'before'],
  ['a page of 0', '{ orders(first: 0) { nodes { id } } }', 'first'],
  ['a page of 101', '{ orders(last: 101) { nodes { id } } }', 'last'],
  ['both first and last', '{ orders(first: 1, last: 1) { nodes { id } } }', 'last'],
  ['101 events', '{ events(first: 101) { nodes { id } } }', 'first'],
  ['a NUL in a number', '{ orderByNumber(number: "a\\u0000") { id } }', 'number'],
  ['a NUL in a filter', '{ orders(filter: { customerId: "\\u0000" }) { nodes { id } } }', 'filter.customerId'],
  [
    'an instant without a zone',
    '{ orders(filter: { createdFrom: "2026-01-01T00:00:00" }) { nodes { id } } }',
    'RFC 3339',
  ],
  [
    'an over-long reason',
    `mutation { cancelOrder(input: { orderId: "x", reason: "${text(256)}" }) { __typename } }`,
    'reason',
  ],
  ['an unknown field', '{ orders { total } }', 'total'],
  ['a syntax error', '{ orders {', 'Syntax Error'],
])('%s is BAD_USER_INPUT and named', async (_what, query, named) => {
  const { body, text } = await post(query);
  expect(body.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  expect(body.errors?.[0]?.message).toContain(named);
  expectNoInternals(text);
});

test('a cursor of another log is recognized', async () => {
  const cursor = Buffer.from('v2.otherlog.merchant.1.5.5').toString('base64url');
  const { body } = await post(`{ events(after: "${cursor}") { nodes { id } } }`);
  expect(body.errors?.[0]?.message).toContain('another event log');
});

test('an object that does not exist is null without an error', async () => {
  const { body } = await post(`{
    order(id: "ord_01jd8m0v6te4r8x3y5z7a9b1c2") { id }
    node(id: "evt_01jd8m0v6te4r8x3y5z7a9b1c2") { id }
    orderByNumber(number: "no such") { id }
  }`);
  expect(body).toEqual({ data: { order: null, node: null, orderByNumber: null } });
});

test.each([
  ['no token', null, /is required/],
  ['a wrong token', 'wrong', /is not valid/],
])('with %s every operation is UNAUTHENTICATED and says why, and nothing is written', async (_what, token, why) => {
  const { body } = await post(create, { input: orderInput() }, token);
  expect(body).toMatchObject({
    data: { createOrder: null },
    errors: [{ message: expect.stringMatching(why), extensions: { code: 'UNAUTHENTICATED' } }],
  });
  const read = await post(
    '{ orders { nodes { id } } events { nodes { id } } paymentMethods(orderId: "x") { method } }',
    {},
    token,
  );
  expect(read.body.errors?.map(({ extensions }) => extensions.code)).toEqual(Array(3).fill('UNAUTHENTICATED'));
  expect(await countRows()).toEqual(before);
});

test('a method that is not configured returns its typed error and has no effect', async () => {
  const { id: orderId } = await createOrder(app);
  before = await countRows();
  const { body } = await post(`mutation {
    alipay: payOrder(input: { idempotencyKey: "k1", orderId: "${orderId}", method: ALIPAY }) {
      ... on MethodNotAvailableError { code available { method flows needs { flow fields } } } }
    wechat: payOrder(input: { idempotencyKey: "k2", orderId: "${orderId}", method: WECHAT_PAY }) { ... on Error { code } }
  }`);
  expect(body.data).toEqual({
    alipay: {
      code: 'METHOD_NOT_AVAILABLE',
      available: [
        {
          ...{ method: 'CARD', flows: ['EMBEDDED', 'REDIRECT'] },
          needs: [
            { flow: 'EMBEDDED', fields: [] },
            { flow: 'REDIRECT', fields: ['returnUrl'] },
          ],
        },
      ],
    },
    wechat: { code: 'METHOD_NOT_AVAILABLE' },
  });
  expect(await countRows()).toEqual(before);
});

test.each<[string, string, string]>([
  [
    'too deep',
    `{ orders { nodes ${'{ payments { order '.repeat(10)}{ id }${'} }'.repeat(10)} } }`,
    'QUERY_TOO_COMPLEX',
  ],
  [
    'too broad',
    `{ ${Array.from({ length: 401 }, (_, i) => `a${i}: orders { __typename }`).join(' ')} }`,
    'QUERY_TOO_COMPLEX',
  ],
  [
    'too costly',
    `{ ${Array.from({ length: 30 }, (_, i) => `a${i}: orders(first: 100) { nodes { events(first: 100) { nodes { id } } } }`).join(' ')} }`,
    'QUERY_TOO_COMPLEX',
  ],
  ['too long', `{ ${'orders { __typename } '.repeat(2000)} }`, 'BAD_USER_INPUT'],
])('an operation that is %s is refused', async (_what, query, code) => {
  const { body } = await post(query);
  expect(body.errors?.[0]?.extensions.code).toBe(code);
  expect(Object.values(body.data ?? {}).filter((value) => value !== null)).toEqual([]);
});

const url = (path: string) => `${app.app.url}${path}`;
const large = 'x'.repeat(256 * 1024 + 1);

test.each<[string, string, RequestInit, number]>([
  [
    'broken JSON',
    '/graphql',
    { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"query":' },
    400,
  ],
  ['no body', '/graphql', { method: 'POST', headers: { 'content-type': 'application/json' } }, 400],
  ['a wrong content type', '/graphql', { method: 'POST', headers: { 'content-type': 'text/csv' }, body: 'a,b' }, 415],
  [
    'a body over 256 KiB',
    '/graphql',
    { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: large }) },
    413,
  ],
  ['another method', '/graphql', { method: 'DELETE' }, 405],
  ['an unknown webhook', '/webhooks/paypal', { method: 'POST', body: '{}' }, 404],
  ['a webhook of an unknown provider', '/webhooks/paypal', { method: 'POST', body: '{}' }, 404],
  ['a webhook of another account', '/webhooks/stripe/acct_other', { method: 'POST', body: '{}' }, 404],
  ['a webhook by GET', '/webhooks/stripe', {}, 405],
  [
    'a webhook with a wrong content type',
    '/webhooks/stripe',
    { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' },
    415,
  ],
  [
    'a webhook over 256 KiB',
    '/webhooks/stripe',
    { method: 'POST', headers: { 'content-type': 'application/json' }, body: large },
    413,
  ],
  [
    'a webhook without a signature',
    '/webhooks/stripe',
    { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' },
    400,
  ],
  [
    'a webhook with broken JSON',
    '/webhooks/stripe',
    { method: 'POST', headers: { 'content-type': 'application/json', 'stripe-signature': 't=1,v1=00' }, body: '{' },
    400,
  ],
  ['an unknown path', '/admin', {}, 404],
  ['a path with ..', '/webhooks/../../etc/passwd', {}, 404],
])('%s is answered with its 4xx', async (_what, path, init, status) => {
  const response = await fetch(url(path), init);
  expect(response.status).toBe(status);
  expectNoInternals(await response.text());
  expect(await countRows()).toEqual(before);
});

test('a body over 256 KiB is refused even without a Content-Length', async () => {
  const endless = new ReadableStream({
    pull(controller) {
      controller.enqueue(new TextEncoder().encode(text(64 * 1024)));
    },
  });
  const refused = fetch(url('/webhooks/stripe'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: endless,
    duplex: 'half',
  } as RequestInit);
  // The server closes the connection if the client goes on sending: the client sees the 413 or the closed connection.
  const status = await refused.then(
    (response) => response.status,
    () => 'closed',
  );
  expect([413, 'closed']).toContain(status);
});
