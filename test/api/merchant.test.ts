import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOrder } from '../support/orders.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

type Merchant = { id: string; name: string; latePaymentPolicy: string };

test('a merchant sets the policy for late money and reads it back, also by id', async () => {
  const read = () => app.client.request<{ merchant: Merchant }>('{ merchant { id name latePaymentPolicy } }');
  const { merchant } = await read();
  expect(merchant).toMatchObject({ id: expect.stringMatching(/^mch_/), latePaymentPolicy: 'ACCEPT' });
  for (const policy of ['REFUND', 'REVIEW', 'ACCEPT']) {
    const { set } = await app.client.request<{ set: Merchant }>(
      'mutation($policy: LatePaymentPolicy!) { set: setLatePaymentPolicy(policy: $policy) { ... on Merchant { id latePaymentPolicy } } }',
      { policy },
    );
    expect(set).toEqual({ id: merchant.id, latePaymentPolicy: policy });
    expect((await read()).merchant.latePaymentPolicy).toBe(policy);
  }
  const { node } = await app.client.request<{ node: Merchant }>(
    'query($id: ID!) { node(id: $id) { id ... on Merchant { name } } }',
    { id: merchant.id },
  );
  expect(node).toEqual({ id: merchant.id, name: merchant.name });
});

test('the id of another merchant is not found', async () => {
  const { id } = await createOrder(app);
  const { node } = await app.client.request<{ node: null }>('query($id: ID!) { node(id: $id) { id } }', {
    id: id.replace('ord_', 'mch_'),
  });
  expect(node).toBeNull();
});
