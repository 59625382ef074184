import { GraphQLClient } from 'graphql-request';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { createOrder } from '../web/checkout-rig.ts';

type Paid = {
  readonly payOrder: { readonly status?: string; readonly code?: string; readonly issues?: { path: string }[] };
};

const payMutation = `mutation ($input: PayOrderInput!) { payOrder(input: $input) {
  ... on Payment { status } ... on Error { code } ... on InvalidInputError { issues { path } } } }`;

/** What the page of a buyer needs, whose merchant allows one shop. */
describe('a buyer with the token of an order', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp();
    await app.client.request('mutation { updateMerchant(returnOrigins: ["https://shop.test"]) { __typename } }');
  });
  afterAll(() => app.close());

  async function buyer() {
    const { id, link } = await createOrder(app);
    const headers = { authorization: `Bearer ${link.split('#')[1]}` };
    const client = new GraphQLClient(`${app.app.url}/graphql`, { headers });
    const pay = async (by: GraphQLClient, input: object) => {
      const variables = { input: { idempotencyKey: crypto.randomUUID(), orderId: id, ...input } };
      return (await by.request<Paid>(payMutation, variables)).payOrder;
    };
    return { id, client, pay };
  }

  test('needs no address for WeChat Pay on a phone: that of the call is taken; a server has to give its buyer’s', async () => {
    const { client, pay } = await buyer();
    const input = { method: 'WECHAT_PAY', flow: 'MOBILE_WEB' };
    expect(await pay(app.client, input)).toEqual({ code: 'INVALID_INPUT', issues: [{ path: 'buyerIp' }] });
    expect(await pay(client, input)).toEqual({ status: 'ACTION_REQUIRED' });
  });

  test.each([
    ['the checkout of this server', () => `${app.app.url}/checkout/ord_1?back`, true],
    ['a shop of the merchant', () => 'https://shop.test/thanks', true],
    ['another site', () => 'https://evil.test/', false],
    ['another port of this server', () => 'http://127.0.0.1:1/', false],
    ['a script', () => 'javascript:alert(1)', false],
    ['nothing', () => '', false],
  ])('may return to %s: %#', async (_what, url, isAllowed) => {
    const { id, client, pay } = await buyer();
    const asked = await client.request<{ order: { merchant: { allowed: boolean } } }>(
      'query ($id: ID!, $url: String!) { order(id: $id) { merchant { allowed: allowsReturnTo(url: $url) } } }',
      { id, url: url() },
    );
    expect(asked.order.merchant.allowed).toBe(isAllowed);
    const answer = await pay(client, { method: 'ALIPAY', flow: 'REDIRECT', returnUrl: url() });
    expect(answer).toEqual(
      isAllowed ? { status: 'ACTION_REQUIRED' } : { code: 'INVALID_INPUT', issues: [{ path: 'returnUrl' }] },
    );
  });

  test('gets the address of the card form only where cards are not entered at Stripe', async () => {
    const { client, id } = await buyer();
    const query = `mutation ($input: PayOrderInput!) { payOrder(input: $input) { ... on Payment { nextAction { ... on ConfirmCardAction { formUrl } } } } }`;
    const input = { idempotencyKey: crypto.randomUUID(), orderId: id, method: 'CARD', flow: 'EMBEDDED' };
    expect(await client.request(query, { input })).toEqual({ payOrder: { nextAction: { formUrl: null } } });
  });
});
