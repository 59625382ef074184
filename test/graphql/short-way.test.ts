import { createSchema, YogaServer } from 'graphql-yoga';
import { expect, test } from 'vitest';
import type { GraphqlContext, RequestContext } from '../../src/graphql/context.ts';
import { createKnownDocuments } from '../../src/graphql/known-documents.ts';
import { PlainAnswer } from '../../src/graphql/plain-post.ts';
import { strictParams } from '../../src/graphql/request-params.ts';
import { createShortWay, takeEnding } from '../../src/graphql/short-way.ts';

/** A server with one field, which counts its executions, and the requests that take Yoga's whole way before they are executed. */
function openServer(resolve: () => unknown) {
  const counts = { executed: 0, whole: 0 };
  const known = createKnownDocuments();
  const engine = new YogaServer<RequestContext, GraphqlContext>({
    schema: createSchema({
      typeDefs: 'type Query { a: Int } type Mutation { a: Int }',
      resolvers: {
        Query: {
          a() {
            counts.executed += 1;
            return resolve();
          },
        },
      },
    }) as never,
    logging: false,
    context: ({ authorization }: { readonly authorization: string | null }) => {
      if (authorization === 'refused') throw new Error('Refused.');
      return {} as GraphqlContext;
    },
    parserAndValidationCache: { documentCache: known.documentCache },
    plugins: [
      {
        onParams({ context }) {
          if (!('ending' in context)) counts.whole += 1;
        },
      },
      strictParams(),
      known.plugin,
      takeEnding(),
    ],
    fetchAPI: { Response: PlainAnswer as unknown as typeof Response },
  });
  const answer = createShortWay(engine, known);
  return {
    counts,
    async post(parameters: object, authorization: string | null = null) {
      const headers = { 'content-type': 'application/json' };
      const post = { method: 'POST', url: '/graphql', headers, body: JSON.stringify(parameters) };
      const context = { requestId: '', authorization, origin: null, address: '', socket: null, lastEventId: null };
      const answered = await answer(post, context);
      return 'jsonText' in answered ? answered.jsonText : `${answered.status} ${answered.body}`;
    },
  };
}

test('a document takes the whole way until it is known', async () => {
  const { counts, post } = openServer(() => 1);
  expect(await post({ query: '{ a }' })).toBe('200 {"data":{"a":1}}');
  expect(await post({ query: '{ a }' })).toBe('{"data":{"a":1}}');
  expect(counts).toEqual({ executed: 2, whole: 1 });
});

test.each<[string, object]>([
  ['another parameter', { id: 1 }],
  ['extensions', { extensions: {} }],
  ['variables that are no object', { variables: [] }],
  ['a name that is no text', { operationName: 1 }],
  ['the name of no operation', { operationName: 'B' }],
])('a known document with %s takes the whole way', async (_what, more) => {
  const { counts, post } = openServer(() => 1);
  await post({ query: '{ a }' });
  expect(await post({ query: '{ a }', ...more })).toMatch(/^\d{3} /);
  expect(counts.whole).toBe(2);
});

test('an invalid document is never known', async () => {
  const { counts, post } = openServer(() => 1);
  for (const query of ['{ b }', '{ b }', '{', '{']) expect(await post({ query })).toMatch(/^[24]00 .*"errors"/);
  expect(counts).toEqual({ executed: 0, whole: 4 });
});

test('an operation that ends with an error is executed once', async () => {
  const { counts, post } = openServer(() => {
    throw new Error('Secret.');
  });
  const first = await post({ query: '{ a }' });
  expect(first).toContain('Unexpected error.');
  expect(await post({ query: '{ a }' })).toBe(first);
  expect(counts).toEqual({ executed: 2, whole: 1 });
});

test('a caller who is refused gets the same answer on both ways', async () => {
  const { counts, post } = openServer(() => 1);
  const first = await post({ query: '{ a }' }, 'refused');
  expect(first).toContain('Unexpected error.');
  expect(await post({ query: '{ a }' }, 'refused')).toBe(first);
  expect(counts).toEqual({ executed: 0, whole: 1 });
});
