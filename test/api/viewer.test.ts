import { afterAll, beforeAll, expect, test } from 'vitest';
import { testMasterKeys } from '../support/merchants.ts';
import { createOrder } from '../support/orders.ts';
import { createMinter } from '../support/principals.ts';
import { startTestApp, type TestApp, withToken } from '../support/test-app.ts';

let app: TestApp;
let merchantId: string;
let orderId: string;
let buyer: TestApp;
const nodes = new Map<string, TestApp>();

beforeAll(async () => {
  app = await startTestApp({ config: { masterKeys: testMasterKeys } });
  const answer = await app.client.request<{ updateMerchant: { id: string } }>(
    'mutation { updateMerchant(name: "Tea house", brandColor: "#0A7D4B") { ... on Merchant { id } } }',
  );
  merchantId = answer.updateMerchant.id;
  orderId = (await createOrder(app, { customerId: 'alice' })).id;
  const { order } = await app.client.request<{ order: { clientToken: string } }>(
    `{ order(id: "${orderId}") { clientToken } }`,
  );
  buyer = withToken(app, order.clientToken);
  const mint = await createMinter(app, merchantId);
  for (const [role, subject] of [
    ['OPERATOR', 'olga'],
    ['VIEWER', 'vera'],
    ['CUSTOMER', 'alice'],
  ] as const) {
    nodes.set(role, withToken(app, await mint(role, subject)));
  }
  nodes.set('BUYER', buyer).set('MERCHANT', app);
});
afterAll(() => app.close());

test.each([
  ['MERCHANT', 'API_KEY', 'development'],
  ['OPERATOR', 'JWT', 'olga'],
  ['VIEWER', 'JWT', 'vera'],
  ['CUSTOMER', 'JWT', 'alice'],
])('a %s learns from `viewer` who it is', async (role, kind, id) => {
  const merchant = { id: merchantId, name: 'Tea house', brandColor: '#0a7d4b' };
  const answer = await nodes
    .get(role)
    ?.client.request('{ viewer { role kind id merchant { id name brandColor } order { id } } }');
  expect(answer).toEqual({ viewer: { role, kind, id, merchant, order: null } });
});

test('a client token finds its order by `viewer`', async () => {
  const answer = await buyer.client.request('{ viewer { role kind id order { id total { decimal } } } }');
  const order = { id: orderId, total: { decimal: '25.00' } };
  expect(answer).toEqual({ viewer: { role: 'BUYER', kind: 'CLIENT_TOKEN', id: orderId, order } });
});

test('everyone who reads an order sees the name and the colour of its merchant, and buyers nothing else of it', async () => {
  for (const [role, node] of nodes) {
    const read = (fields: string) =>
      node.client.rawRequest(`{ order(id: "${orderId}") { merchant { ${fields} } } }`).then(
        ({ data }) => data,
        ({ response }: { response: { errors: { extensions: { code: string } }[] } }) =>
          response.errors[0]?.extensions.code,
      );
    expect(await read('name brandColor'), role).toEqual({
      order: { merchant: { name: 'Tea house', brandColor: '#0a7d4b' } },
    });
    for (const field of ['latePaymentPolicy', 'returnOrigins', 'webOrigins', 'refundLimits { currency }']) {
      const isHidden = role === 'CUSTOMER' || role === 'BUYER';
      expect(await read(field), `${field} as ${role}`).toEqual(isHidden ? 'FORBIDDEN' : expect.any(Object));
    }
  }
});

test.each(['red', '#12345', '#1234567', 'url(//evil.example)'])('the colour %s is refused', async (brandColor) => {
  const answer = await app.client.request(
    'mutation($brandColor: String) { updateMerchant(brandColor: $brandColor) { ... on InvalidInputError { issues { path } } } }',
    { brandColor },
  );
  expect(answer).toEqual({ updateMerchant: { issues: [{ path: 'brandColor' }] } });
});
