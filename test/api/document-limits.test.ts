import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentLimits } from '../../src/graphql/document-limits.ts';
import { orderInput } from '../support/orders.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { answersOf, type Transport, transports } from '../support/transports.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const times = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index)).join(' ');
const { aliases, directives, mutationFields, tokens } = documentLimits;

const cancel = (index: number) => `f${index}: cancelOrder(input: { orderId: "ord_0" }) { __typename }`;
const includes = (count: number) => times(count, () => '@include(if: true)');

describe.each<[Transport]>(transports.map((transport) => [transport]))('over %s', (transport) => {
  test.each<[what: string, query: string, code: string, message: string]>([
    ['aliases', `{ ${times(aliases + 1, (index) => `a${index}: __typename`)} }`, 'QUERY_TOO_COMPLEX', '50 aliases'],
    [
      'directives',
      `{ ${times(directives + 1, () => '__typename @include(if: true)')} }`,
      'QUERY_TOO_COMPLEX',
      '50 directives',
    ],
    ['mutations', `mutation { ${times(mutationFields + 1, cancel)} }`, 'QUERY_TOO_COMPLEX', '10 fields at its root'],
    [
      'mutations, some of them in fragments,',
      `mutation { ...F ... { ${times(6, cancel)} } } fragment F on Mutation { ${times(6, (index) => cancel(index + 6))} }`,
      'QUERY_TOO_COMPLEX',
      '10 fields at its root',
    ],
    ['tokens', `{ ${times(tokens, () => '__typename')} }`, 'BAD_USER_INPUT', '4000 tokens'],
  ])('a document with too many %s is refused', async (_what, query, code, message) => {
    const [answer] = await answersOf(app, transport, { query });
    expect(answer).toMatchObject({
      errors: expect.arrayContaining([expect.objectContaining({ extensions: { code } })]),
    });
    expect(JSON.stringify(answer)).toContain(message);
  });

  test('a document that has exactly the allowed numbers is executed', async () => {
    const query = `{ ${times(aliases, (index) => `a${index}: __typename`)} ... ${includes(1)} { __typename } }`;
    expect((await answersOf(app, transport, { query }))[0]).toMatchObject({ data: { a0: 'Query' } });
  });

  test('a mutation with too many fields at its root has no effect', async () => {
    const input = orderInput({ number: `limits-${transport}` });
    const query = `mutation($input: CreateOrderInput!) {
      ${times(mutationFields + 1, (index) => `f${index}: createOrder(input: $input) { __typename }`)} }`;
    expect(JSON.stringify(await answersOf(app, transport, { query, variables: { input } }))).toContain(
      'fields at its root',
    );
    const { rows } = await app.database.pool.query('select 1 from orders where number = $1', [input.number]);
    expect(rows).toEqual([]);
  });
});

const nested = (levels: number, inner: string) =>
  `${'order { ...F events(first: 100) { nodes { '.repeat(levels)}${inner}${' } } }'.repeat(levels)}`;

describe.each<[Transport]>([['SSE'], ['WebSocket']])('a subscription over %s', (transport) => {
  test.each<[what: string, selected: string]>([
    ['depth', nested(6, 'id')],
    ['breadth', times(8, (index) => `o${index}: order { ...F }`)],
    ['complexity', nested(3, 'id')],
  ])('that exceeds the limit of its %s is refused when it begins, not event by event', async (what, selected) => {
    const query = `query Other { __typename }
      subscription Events { merchantEvents { ${selected} } }
      fragment F on Order { ${times(50, () => 'id')} }`;
    const operation = { query, operationName: 'Events' };
    const answers = await answersOf(app, transport, operation);
    expect(answers).toMatchObject([
      { errors: [{ message: expect.stringContaining(`its ${what}`), extensions: { code: 'QUERY_TOO_COMPLEX' } }] },
    ]);
  });
});
