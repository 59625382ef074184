import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentLimits } from '../../src/graphql/document-limits.ts';
import { isPlainPost } from '../../src/graphql/plain-post.ts';
import { documentHashOf } from '../../src/graphql/trusted-documents.ts';
import type { Limits } from '../../src/limits/limits.ts';
import { addMerchant, testMasterKeys } from '../support/merchants.ts';
import { createOrder, orderInput, payOrder } from '../support/orders.ts';
import { exchange, type RawRequest, rawRequest } from '../support/raw-http.ts';
import { searchOf } from '../support/search.ts';
import { startTestApp, type TestApp, unlimited } from '../support/test-app.ts';

/**
 * Plain posts take a short way: past Yoga's conversion of requests, and, once their document is known, past its steps before and after the
 * execution. Two servers on one database, of which one has only the whole way, must give the same answer to everything.
 */
type Ways = { readonly short: TestApp; readonly whole: TestApp; close(): Promise<void> };

async function startWays(config: Parameters<typeof startTestApp>[0] = {}): Promise<Ways> {
  const short = await startTestApp(config);
  const whole = await startTestApp({ ...config, database: short.database, clock: short.clock, hasShortWay: false });
  return {
    ...{ short, whole },
    async close() {
      await whole.close();
      await short.close();
    },
  };
}

const listed = 'query Listed($id: ID!) { order(id: $id) { status } }';
const listedSubscription = 'subscription Follow($id: ID!) { orderEvents(orderId: $id) { type } }';

let ways: Ways;
let ids: { readonly orderId: string; readonly paymentId: string };
let tokens: Readonly<Record<'merchant' | 'other' | 'buyer' | 'wrong', string>>;
beforeAll(async () => {
  const trustedDocuments = new Map([listed, listedSubscription].map((text) => [documentHashOf(text), text]));
  ways = await startWays({ config: { masterKeys: testMasterKeys, trustedDocuments } });
  const { short } = ways;
  const { id: orderId } = await createOrder(short, { number: 'ways-1' });
  ids = { orderId, paymentId: (await payOrder(short, orderId)).id };
  const { order } = await short.client.request<{ order: { clientToken: string } }>(
    `{ order(id: "${orderId}") { clientToken } }`,
  );
  const other = await addMerchant(short, 'Other');
  tokens = {
    ...{ merchant: short.token, other: other.at(short).token },
    ...{ buyer: order.clientToken, wrong: 'sk_test_wrong' },
  };
});
afterAll(() => ways.close());

/** Everything that a client sees of an answer, but for what names the moment and the server. */
async function answerOf({ app }: TestApp, request: RawRequest): Promise<unknown> {
  const answer = await exchange(
    app.url,
    rawRequest({ ...request, headers: ['x-request-id: same', ...(request.headers ?? [])] }),
  );
  if (answer === null) return null;
  const { date: _, ...headers } = answer.headers;
  // Each page of GraphiQL has a nonce and keys of its own.
  const isPage = headers['content-type']?.startsWith('text/html');
  return { ...answer, headers, body: isPage ? 'GraphiQL' : answer.body };
}

/** The second post of a document finds it known. */
async function expectSame(request: RawRequest, of: Ways = ways): Promise<unknown> {
  const [first, second, whole] = [
    await answerOf(of.short, request),
    await answerOf(of.short, request),
    await answerOf(of.whole, request),
  ];
  expect(first).toEqual(whole);
  expect(second).toEqual(whole);
  return whole;
}

const json = 'content-type: application/json';
const by = (role: keyof typeof tokens) => `authorization: Bearer ${tokens[role]}`;
const post = (body: string | Buffer, ...headers: string[]): RawRequest => ({ headers: [json, ...headers], body });
const asked = (query: unknown, more: object = {}, ...headers: string[]): RawRequest =>
  post(JSON.stringify({ query, ...more }), by('merchant'), ...headers);
const repeated = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index)).join(' ');

const orderQuery =
  'query Order($id: ID!) { order(id: $id) { number status payments { id status order { id } } refunds { id } lines { name } } }';
const createText =
  'mutation Create($input: CreateOrderInput!) { createOrder(input: $input) { __typename ... on Order { id } ... on InvalidInputError { issues { path message } } } }';
const input = orderInput({ number: 'ways-2' });

const requests: Readonly<Record<string, () => RawRequest>> = {
  'a query': () => asked('{ __typename }'),
  'an order': () => asked(orderQuery, { variables: { id: ids.orderId } }),
  'an order of another merchant': () =>
    post(JSON.stringify({ query: orderQuery, variables: { id: ids.orderId } }), by('other')),
  'an order for its buyer': () => post(JSON.stringify({ query: listed, variables: { id: ids.orderId } }), by('buyer')),
  'a page': () => asked('{ orders(first: 1) { nodes { id events { nodes { type } } } pageInfo { endCursor } } }'),
  'a mutation that is repeated': () => asked(createText, { variables: { input } }),
  'a mutation with an invalid input': () => asked(createText, { variables: { input: { ...input, lines: [] } } }),
  'a mutation with an error': () =>
    asked('mutation { cancelOrder(input: { orderId: "ord_0" }) { ... on Error { code message } } }'),
  introspection: () => asked('{ __schema { queryType { name } } }'),
  'a document of spaces': () => asked('   '),
  'a syntax error': () => asked('{ __typename'),
  'another syntax error': () => asked('{ order(id: "\u0000") { id } }'),
  'an unknown field': () => asked('{ nothing }'),
  'two errors of validation': () => asked('query($id: ID!) { nothing other }'),
  'a fragment of another type': () => asked('{ ...F } fragment F on Mutation { __typename }'),
  'a missing variable': () => asked(orderQuery),
  'a variable of the wrong type': () => asked(orderQuery, { variables: { id: { a: 1 } } }),
  'a variable that is not declared': () => asked('{ __typename }', { variables: { id: 1 } }),
  'an argument that is refused': () => asked('{ order(id: "x") { id } }'),
  'one of two operations': () => asked('query A { a: __typename } query B { b: __typename }', { operationName: 'B' }),
  'neither of two operations': () => asked('query A { __typename } query B { __typename }'),
  'an unknown operation': () => asked('query A { __typename }', { operationName: 'C' }),
  'an operation without a name': () => asked('query A { __typename }', { operationName: null }),
  'an operation with an empty name': () => asked('query A { __typename }', { operationName: '' }),
  'a number as the name': () => asked('query A { __typename }', { operationName: 1 }),
  'a list as the name': () => asked('query A { __typename }', { operationName: ['A'] }),
  'no query': () => post('{}', by('merchant')),
  'null as the query': () => asked(null),
  'an empty query': () => asked(''),
  'a number as the query': () => asked(1),
  'an object as the query': () => asked({ toString: '{ __typename }' }),
  'a list as variables': () => asked('{ __typename }', { variables: [] }),
  'a text as variables': () => asked('{ __typename }', { variables: '{}' }),
  'null as variables': () => asked('{ __typename }', { variables: null }),
  'a number as extensions': () => asked('{ __typename }', { extensions: 1 }),
  extensions: () => asked('{ __typename }', { extensions: { a: 1 } }),
  'another parameter': () => asked('{ __typename }', { doc_id: '1' }),
  'another parameter that is null': () => asked('{ __typename }', { doc_id: null }),
  'a parameter __proto__': () => post('{"query":"{ __typename }","__proto__":{"variables":1}}', by('merchant')),
  'the query twice': () => post('{"query":"{ a }","query":"{ __typename }"}', by('merchant')),
  'a hash that is listed': () =>
    post(JSON.stringify({ variables: { id: ids.orderId }, ...persisted(listed) }), by('buyer')),
  'a hash of a subscription': () =>
    post(JSON.stringify({ variables: { id: ids.orderId }, ...persisted(listedSubscription) }), by('buyer')),
  'a hash that is not listed': () => post(JSON.stringify(persisted('{ __typename }')), by('merchant')),
  'a hash with the query': () => asked('{ __typename }', persisted('{ __typename }')),
  'a document that is not listed': () => post('{"query":"{ __typename }"}', by('buyer')),
  'a list of requests': () => post('[{"query":"{ __typename }"}]', by('merchant')),
  'an empty list': () => post('[]', by('merchant')),
  'invalid JSON': () => post('{"query": "{ __typename }"', by('merchant')),
  'JSON that is null': () => post('null', by('merchant')),
  'JSON that is a text': () => post('"{ __typename }"', by('merchant')),
  'JSON that is a number': () => post('1', by('merchant')),
  'an empty body': () => post('', by('merchant')),
  'a body of spaces': () => post('  ', by('merchant')),
  'no body': () => ({ headers: [json, 'content-length: 0', by('merchant')] }),
  'a byte order mark': () => post('\ufeff{"query":"{ __typename }"}', by('merchant')),
  'bytes that are not UTF-8': () => post(Buffer.from('{"query":"{ __typename \xff }"}', 'latin1'), by('merchant')),
  'letters that are escaped': () => post('{"query":"{ __type\\u006eame }"}', by('merchant')),
  'a subscription': () => asked(listedSubscription, { variables: { id: ids.orderId } }, 'accept: application/json'),
  'a subscription whose letters are escaped': () =>
    post(
      JSON.stringify({ query: listedSubscription, variables: { id: ids.orderId } }).replace(
        'subscription',
        '\\u0073ubscription',
      ),
      ...[by('merchant'), 'accept: application/json'],
    ),
  'a document with a subscription that is not chosen': () =>
    asked(`query A { __typename } ${listedSubscription}`, { operationName: 'A' }),
  'too many aliases': () => asked(`{ ${repeated(documentLimits.aliases + 1, (index) => `a${index}: __typename`)} }`),
  'too many tokens': () => asked(`{ ${repeated(documentLimits.tokens, () => '__typename')} }`),
  'too deep a selection': () =>
    asked(
      `{ order(id: "${ids.orderId}") ${repeated(documentLimits.depth, () => '{ payments { order')} { id } ${'} }'.repeat(documentLimits.depth)} }`,
    ),
  'too costly a selection': () =>
    asked(
      `{ orders(first: 100) { nodes { payments { order { payments { order { payments { order { events(first: 100) { nodes { id } } } } } } } } } }`,
    ),
  'too long a body': () => asked('{ __typename }', { variables: { text: 'x'.repeat(300_000) } }),
  'a long body': () => asked('{ __typename }', { variables: { text: '价'.repeat(20_000) } }),
  'no token': () => post('{"query":"{ merchant { id } }"}'),
  'a wrong token': () => post('{"query":"{ merchant { id } }"}', by('wrong')),
  'a malformed token': () => post('{"query":"{ merchant { id } }"}', 'authorization: Basic YTpi'),
  'a field that the role may not read': () => post('{"query":"{ apiKeys { id } }"}', by('buyer')),
  'a page of another site': () => asked('{ __typename }', {}, 'origin: https://evil.example'),
  'our own page': () => asked('{ __typename }', {}, 'origin: http://127.0.0.1:4000'),
  'a GET': () => ({ method: 'GET', target: '/graphql?query=%7B__typename%7D', headers: [by('merchant')] }),
  'a mutation by GET': () => ({
    ...{ method: 'GET', headers: [by('merchant')] },
    target: `/graphql?query=${encodeURIComponent('mutation { cancelOrder(input: { orderId: "ord_0" }) { __typename } }')}`,
  }),
  'a PUT': () => ({ method: 'PUT', headers: [json], body: '{"query":"{ __typename }"}' }),
  'an OPTIONS': () => ({ method: 'OPTIONS' }),
  'parameters in the address': () => ({ ...asked('{ __typename }'), target: '/graphql?query=%7Bnothing%7D' }),
  'a full address': () => ({ ...asked('{ __typename }'), target: 'http://127.0.0.1/graphql' }),
  'a slash at the end': () => ({ ...asked('{ __typename }'), target: '/graphql/' }),
  'a form': () => ({ headers: ['content-type: application/x-www-form-urlencoded'], body: 'query=%7B__typename%7D' }),
  'application/graphql': () => ({
    headers: ['content-type: application/graphql', by('merchant')],
    body: '{ __typename }',
  }),
  'application/graphql+json': () => ({
    ...asked('{ __typename }'),
    headers: ['content-type: application/graphql+json', by('merchant')],
  }),
  'a charset': () => ({
    ...asked('{ __typename }'),
    headers: ['content-type: application/json;charset=utf-8', by('merchant')],
  }),
  'another charset': () => ({
    ...asked('{ __typename }'),
    headers: ['content-type: application/json;charset=gbk', by('merchant')],
  }),
  'no content type': () => ({ ...asked('{ __typename }'), headers: [by('merchant')] }),
  'a compressed body': () => asked('{ __typename }', {}, 'content-encoding: gzip'),
};

const persisted = (text: string) => ({
  extensions: { persistedQuery: { version: 1, sha256Hash: documentHashOf(text) } },
});

test.each([
  ...['a syntax error', 'an unknown field', 'a missing variable', 'a variable of the wrong type'],
  ...['neither of two operations', 'an unknown operation'],
])('%s cannot be executed, which its status says', async (name) => {
  const request = requests[name]?.() ?? {};
  for (const accept of ['application/json', 'application/graphql-response+json']) {
    const answer = await expectSame({ ...request, headers: [...(request.headers ?? []), `accept: ${accept}`] });
    // By the older media type, an invalid document was answered like a valid one.
    const isOld = /^a syntax|^an unknown field/.test(name) && accept === 'application/json';
    expect(answer).toMatchObject({ status: isOld ? 200 : 400 });
    const body = JSON.parse((answer as { readonly body: string }).body);
    expect(body).not.toHaveProperty('data');
    const at = { line: expect.any(Number), column: expect.any(Number) };
    if (!name.includes('operation')) expect(body.errors).toMatchObject([{ locations: [at] }]);
  }
});

test.each(Object.entries(requests))('%s gets the same answer on both ways', async (_name, request) => {
  await expectSame(request());
});

test('JSON that is null is a mistake of the client, also where documents are trusted', async () => {
  expect(await expectSame(requests['JSON that is null']?.() ?? {})).toMatchObject({ status: 400 });
});

test.each<[boolean, string, { type?: string; accept?: string; url?: string; body?: string }]>([
  [true, 'no accept header', {}],
  [true, 'the accept header of a browser', { accept: '*/*' }],
  [true, 'the accept header of Apollo Client', { accept: 'application/graphql-response+json, application/json' }],
  [true, 'text beyond ASCII that is escaped', { body: '{"query":"{ a }","variables":{"name":"\\u4ef7"}}' }],
  [false, 'a stream that is accepted', { accept: 'application/json, text/event-stream' }],
  [false, 'a subscription', { body: '{"query":"subscription { a }"}' }],
  [false, 'a subscription whose letters are escaped', { body: '{"query":"\\u0073ubscription { a }"}' }],
  [false, 'a hash', { body: '{"extensions":{"persistedQuery":{"sha256Hash":"a"}}}' }],
  [false, 'a hash whose letters are escaped', { body: '{"extensions":{"persisted\\u0051uery":{"sha256Hash":"a"}}}' }],
  [false, 'another type', { type: 'application/graphql' }],
  [false, 'parameters in the address', { url: '/graphql?a=1' }],
])('%s: a post with %s takes the short way', (isPlain, _what, post) => {
  const { type = 'application/json', accept, url = '/graphql', body = '{"query":"{ a }"}' } = post;
  expect(isPlainPost({ method: 'POST', url, headers: { 'content-type': type, accept }, body })).toBe(isPlain);
});

const acceptable = [
  ...['application/json', 'application/graphql-response+json', 'application/*', '*/*', '*', 'text/*', 'text/html'],
  ...['text/event-stream', 'multipart/mixed', 'multipart/*', 'application/xml', 'application/json;charset=utf-8'],
  ...['application/json;charset=latin1', 'Application/JSON', ''],
];

test('any request with any accept header gets the same answer on both ways', async () => {
  const accept = fc
    .array(fc.tuple(fc.constantFrom(...acceptable), fc.constantFrom('', ';q=1', ';q=0.5', '; q=0', ';q=x')), {
      maxLength: 4,
    })
    .map((ranges) => (ranges.length === 0 ? [] : [`accept: ${ranges.map((range) => range.join('')).join(', ')}`]));
  const cases = fc.record({ name: fc.constantFrom(...Object.keys(requests)), accept });
  await fc.assert(
    fc.asyncProperty(cases, async ({ name, accept }) => {
      const request = requests[name]?.() ?? {};
      await expectSame({
        ...request,
        headers: [...(request.headers ?? []).filter((text) => !text.startsWith('accept')), ...accept],
      });
    }),
    searchOf(300),
  );
});

/** Values that JSON parsers, or checks of types, may read in different ways. */
const oddValue = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, -0, 1e300, '', ' ', 'A', [], ['A'], {}, { id: 'ord_0' }, { id: null }, [{}]),
  fc.jsonValue({ maxDepth: 2 }),
);
const parameters = fc.record(
  {
    query: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom<unknown>(...documents()) },
      { weight: 1, arbitrary: oddValue },
    ),
    variables: fc.oneof(
      { weight: 2, arbitrary: fc.constant<unknown>({ id: 'ord_0' }) },
      { weight: 1, arbitrary: oddValue },
    ),
    operationName: fc.oneof(fc.constantFrom<unknown>('A', 'B', 'C'), oddValue),
    extensions: oddValue,
    id: oddValue,
    constructor: oddValue,
  },
  { requiredKeys: ['query'] },
);

function documents(): string[] {
  return [
    ...[
      '{ __typename }',
      'query A { a: __typename } query B { b: __typename }',
      '{ a: __typename a: __schema { __typename } }',
    ],
    ...[
      'query A($id: ID!) { order(id: $id) { id } }',
      'query B($id: ID = "ord_0") { order(id: $id) { id } }',
      '{ nothing }',
    ],
    ...[
      'mutation A { cancelOrder(input: { orderId: "ord_0" }) { __typename } }',
      'fragment F on Query { __typename }',
      '{',
    ],
    ...[
      'query A($a: Boolean = true) { __typename @skip(if: $a) b: __typename }',
      '{ merchant { id } order(id: "x") { id } }',
    ],
    'query A { orders(first: 0) { nodes { id } } } mutation B { cancelOrder(input: { orderId: "" }) { __typename } }',
  ];
}

test('any parameters get the same answer on both ways', async () => {
  const cases = fc.record({
    given: parameters,
    role: fc.constantFrom<keyof typeof tokens>('merchant', 'merchant', 'buyer', 'wrong'),
    accept: fc.constantFrom(
      'application/json',
      'application/graphql-response+json',
      '*/*',
      'application/graphql-response+json, application/json',
    ),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ given, role, accept }) => {
      await expectSame(post(JSON.stringify(given), by(role), `accept: ${accept}`));
    }),
    searchOf(300),
  );
});

describe('with limits', () => {
  const none = { perSecond: 0.001, burst: 1 };
  test.each<[string, Partial<Limits>, string, number]>([
    ['queries', { queries: none }, '{ __typename }', 429],
    ['mutations', { mutations: none }, 'mutation { cancelOrder(input: { orderId: "ord_0" }) { __typename } }', 429],
    ['unauthenticated', { unauthenticated: none }, '{ __typename }', 429],
    ['places', { operationsInFlight: 0, operationsQueued: 0 }, '{ __typename }', 503],
  ])('a caller over the limit of %s is refused on both ways', async (name, limits, query, status) => {
    const limited = await startWays({ config: { limits: { ...unlimited, ...limits } } });
    const headers = name === 'unauthenticated' ? [] : [`authorization: Bearer ${limited.short.token}`];
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const request = post(JSON.stringify({ query }), `accept: ${accept}`, ...headers);
      await Promise.all([answerOf(limited.short, request), answerOf(limited.whole, request)]);
      const refused = [await answerOf(limited.short, request), await answerOf(limited.whole, request)];
      // The time to wait goes on between the two.
      const [short, whole] = refused.map((answer) =>
        JSON.parse(JSON.stringify(answer).replaceAll(/(retry-after":"|retryAfterMs\\":)\d+/g, '$1')),
      );
      expect(short).toEqual(whole);
      expect(short).toMatchObject({ status });
    }
    await limited.close();
  });
});
