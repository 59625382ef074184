import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentHashOf } from '../../src/graphql/trusted-documents.ts';
import { testMasterKeys } from '../support/merchants.ts';
import { createOrder } from '../support/orders.ts';
import { wsClient } from '../support/subscriber.ts';
import { startTestApp, type TestApp, withToken } from '../support/test-app.ts';

const listed = 'query Status($id: ID!) { order(id: $id) { status } }';
const other = 'query Status($id: ID!) { order(id: $id) { status number } }';

let app: TestApp;
let browser: TestApp;
let id: string;

beforeAll(async () => {
  const trustedDocuments = new Map([[documentHashOf(listed), listed]]);
  app = await startTestApp({ config: { masterKeys: testMasterKeys, trustedDocuments } });
  id = (await createOrder(app)).id;
  const { order } = await app.client.request<{ order: { clientToken: string } }>(
    `{ order(id: "${id}") { clientToken } }`,
  );
  browser = withToken(app, order.clientToken);
});
afterAll(() => app.close());

async function post(token: string, body: object, accept = 'application/json'): Promise<string> {
  const response = await fetch(`${app.app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, authorization: `Bearer ${token}` },
    body: JSON.stringify({ ...body, variables: { id } }),
  });
  return response.text();
}

test('a browser may send a listed document, or its hash', async () => {
  const answer = '{"data":{"order":{"status":"OPEN"}}}';
  expect(await post(browser.token, { query: listed })).toBe(answer);
  const persisted = (sha256Hash: string) => ({ extensions: { persistedQuery: { version: 1, sha256Hash } } });
  expect(await post(browser.token, persisted(documentHashOf(listed)))).toBe(answer);
  expect(await post(browser.token, persisted(documentHashOf(other)))).toContain('"FORBIDDEN"');
});

test.each(['application/json', 'text/event-stream'])(
  'another document of a browser is FORBIDDEN as %s',
  async (accept) => {
    expect(await post(browser.token, { query: other }, accept)).toContain('"FORBIDDEN"');
    const subscription = 'subscription Follow($id: ID!) { orderEvents(orderId: $id) { type } }';
    expect(await post(browser.token, { query: subscription }, 'text/event-stream')).toContain('"FORBIDDEN"');
  },
);

test('so it is over a WebSocket', async () => {
  const client = wsClient(browser);
  const results: unknown[] = [];
  for (const query of [listed, other]) {
    for await (const result of client.iterate({ query, variables: { id } })) results.push(result);
  }
  await client.dispose();
  expect(results).toMatchObject([
    { data: { order: { status: 'OPEN' } } },
    { errors: [{ extensions: { code: 'FORBIDDEN' } }] },
  ]);
});

test('a merchant’s server may send any document', async () => {
  expect(await post(app.token, { query: other })).toContain('"status":"OPEN"');
});
