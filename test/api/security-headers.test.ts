import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const get = (path: string, accept = 'text/html') =>
  fetch(app.app.url + path, { headers: { accept }, redirect: 'manual' });

test.each<[string, string, string?]>([
  ['GraphiQL', '/graphql'],
  ['the return page', '/return'],
  ['the answer to a query', '/graphql?query=%7B__typename%7D', 'application/json'],
  ['a refused query', '/graphql?query=%7B', 'application/json'],
  ['an unknown path', '/admin'],
  ['the redirect to GraphiQL', '/'],
  ['the health check', '/healthz'],
  ['a webhook route', '/webhooks/stripe'],
])('%s cannot be framed, guessed at, or named to other sites', async (_what, path, accept) => {
  const { headers } = await get(path, accept);
  expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect(headers.get('x-frame-options')).toBe('DENY');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  expect(headers.get('strict-transport-security')).toBeNull();
});

test('GraphiQL runs only the scripts of its page', async () => {
  const page = await (await get('/graphql')).text();
  const [, policy = ''] = /<head><meta http-equiv="content-security-policy" content="([^"]+)">/.exec(page) ?? [];
  const [, nonce] = /script-src 'nonce-([\w-]{22})'/.exec(policy) ?? [];
  expect(policy).toMatch(/^default-src 'none'; .*connect-src 'self'$/);
  expect(policy).not.toMatch(/script-src[^;]*unsafe/);
  // One is in a text of the page, not a tag of it.
  expect(page.split('<script').length - 1).toBe(3);
  expect(page.split(`<script nonce="${nonce}">`).length - 1).toBe(2);
  expect(await (await get('/graphql')).text()).not.toContain(`nonce-${nonce}`);
});

test('in production browsers use https from then on, and neither GraphiQL nor introspection is there', async () => {
  const production = await startTestApp({ database: app.database, config: { isProduction: true } });
  const ask = (query: string) =>
    fetch(`${production.app.url}/graphql?${new URLSearchParams({ query })}`, {
      headers: { accept: 'application/json' },
    });
  const answer = await ask('{ __schema { queryType { name } } }');
  expect(answer.headers.get('strict-transport-security')).toMatch(/^max-age=31536000/);
  expect(await answer.json()).toMatchObject({
    errors: expect.arrayContaining([expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' } })]),
  });
  expect(await (await ask('{ __type(name: "Order") { name } }')).json()).toHaveProperty('errors');
  expect(await (await ask('{ __typename }')).json()).toEqual({ data: { __typename: 'Query' } });
  expect((await fetch(`${production.app.url}/graphql`, { headers: { accept: 'text/html' } })).status).toBe(406);
  await production.close();
});

test('in production GraphiQL and introspection can be turned on, without a token', async () => {
  const config = { isProduction: true, hasGraphiql: true, hasIntrospection: true };
  const production = await startTestApp({ database: app.database, config });
  const page = await (await fetch(`${production.app.url}/graphql`, { headers: { accept: 'text/html' } })).text();
  expect(page.includes('YogaGraphiQL')).toBe(true);
  expect(page.includes(production.token)).toBe(false);
  const query = encodeURIComponent('{ __schema { queryType { name } } }');
  const answer = await fetch(`${production.app.url}/graphql?query=${query}`);
  expect(await answer.json()).toMatchObject({ data: { __schema: { queryType: { name: 'Query' } } } });
  await production.close();
});
