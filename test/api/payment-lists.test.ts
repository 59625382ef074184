import { afterAll, beforeAll, expect, test } from 'vitest';
import { confirmCard, createOrder, paidOrder, payOrder, requestRefund, sweepUntil } from '../support/orders.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
/** In the order of their creation. */
const payments: string[] = [];
const refunds: string[] = [];
let declinedOrder: string;
const dayMs = 24 * 3_600_000;

beforeAll(async () => {
  app = await startTestApp();
  const lines = (unitAmountMinor: number) => [{ name: 'Cup', quantity: 1, unitAmountMinor }];
  for (const amount of [1000, 2000, 3000]) {
    const { payment } = await paidOrder(app, { lines: lines(amount) });
    payments.push(payment.id);
    const refund = await requestRefund(app, { paymentId: payment.id, amountMinor: amount / 10 });
    if (refund.__typename !== 'Refund') throw new Error('The refund was refused.');
    refunds.push(refund.id);
    app.clock.advance(dayMs);
  }
  declinedOrder = (await createOrder(app)).id;
  const declined = await payOrder(app, declinedOrder);
  await confirmCard(app, declined, 'pm_card_visa_chargeDeclined');
  payments.push(declined.id);
  const alipay = await createOrder(app, { currency: 'CNY' });
  payments.push((await payOrder(app, alipay.id, { method: 'ALIPAY', flow: 'QR_CODE' })).id);
  await app.app.idle();
});
afterAll(() => app.close());

type Page = {
  nodes: { id: string }[];
  totalCount: { value: number; isCapped: boolean };
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string };
};
const pageFields =
  '{ nodes { id order { number } } totalCount { value isCapped } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }';

async function list(field: 'payments' | 'refunds', variables: object): Promise<Page> {
  const type = field === 'payments' ? 'Payment' : 'Refund';
  const answer = await app.client.request<{ list: Page }>(
    `query($filter: ${type}Filter, $orderBy: ${type}Sort, $first: Int, $after: String, $last: Int, $before: String) {
       list: ${field}(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) ${pageFields} }`,
    variables,
  );
  return answer.list;
}
async function placesOf(field: 'payments' | 'refunds', filter: object, all: readonly string[]): Promise<number[]> {
  const { nodes, totalCount } = await list(field, { filter });
  expect(totalCount).toEqual({ value: nodes.length, isCapped: false });
  return nodes.map(({ id }) => all.indexOf(id));
}

test('payments are listed newest first, in pages in both directions', async () => {
  const whole = await list('payments', {});
  expect(whole.nodes.map(({ id }) => id)).toEqual([...payments].reverse());
  const oldest = await list('payments', { orderBy: 'OLDEST_FIRST', first: 2 });
  expect(oldest.nodes.map(({ id }) => id)).toEqual(payments.slice(0, 2));
  expect(oldest).toMatchObject({ totalCount: { value: 5 }, pageInfo: { hasNextPage: true, hasPreviousPage: false } });
  const next = await list('payments', { orderBy: 'OLDEST_FIRST', first: 2, after: oldest.pageInfo.endCursor });
  expect(next.nodes.map(({ id }) => id)).toEqual(payments.slice(2, 4));
  const back = await list('payments', { orderBy: 'OLDEST_FIRST', last: 2, before: next.pageInfo.startCursor });
  expect(back.nodes).toEqual(oldest.nodes);
});

test('payments are found by status, method, provider, currency, amount, times and the provider’s number', async () => {
  const find = (filter: object) => placesOf('payments', filter, payments);
  expect(await find({ status: ['SUCCEEDED'] })).toEqual([2, 1, 0]);
  expect(await find({ method: ['ALIPAY', 'WECHAT_PAY'] })).toEqual([4]);
  expect(await find({ provider: ['STRIPE'], status: ['ACTION_REQUIRED'] })).toEqual([3]);
  expect(await find({ provider: ['STRIPE'], method: ['ALIPAY'] })).toEqual([]);
  expect(await find({ currency: 'CNY' })).toEqual([4]);
  expect(await find({ amountMinorFrom: 1500, amountMinorTo: 2500, status: ['SUCCEEDED'] })).toEqual([1]);
  const { payment } = await app.client.request<{
    payment: { succeededAt: string; createdAt: string; providerPaymentId: string };
  }>(`{ payment: node(id: "${payments[1]}") { ... on Payment { succeededAt createdAt providerPaymentId } } }`);
  const next = new Date(Date.parse(payment.succeededAt) + 1).toISOString();
  expect(await find({ succeededFrom: payment.succeededAt })).toEqual([2, 1]);
  expect(await find({ succeededBefore: payment.succeededAt })).toEqual([0]);
  expect(await find({ succeededFrom: payment.succeededAt, succeededBefore: next })).toEqual([1]);
  expect(await find({ createdFrom: payment.createdAt, status: ['SUCCEEDED'] })).toEqual([2, 1]);
  expect(await find({ createdBefore: payment.createdAt })).toEqual([0]);
  expect(await find({ providerPaymentId: payment.providerPaymentId })).toEqual([1]);
  expect(await find({ providerPaymentId: 'pi_other' })).toEqual([]);
});

test('refunds are found by status, approval, method, currency and amount', async () => {
  const find = (filter: object) => placesOf('refunds', filter, refunds);
  expect(await find({})).toEqual([2, 1, 0]);
  expect(await find({ amountMinorFrom: 150 })).toEqual([2, 1]);
  expect(await find({ method: ['CARD'], provider: ['STRIPE'] })).toEqual([2, 1, 0]);
  expect(await find({ method: ['ALIPAY'] })).toEqual([]);
  expect(await find({ approval: ['NEEDED'] })).toEqual([]);
  expect(await find({ currency: 'EUR', status: ['SUCCEEDED', 'PENDING'] })).toEqual([2, 1, 0]);
  expect(await find({ status: ['FAILED'] })).toEqual([]);
});

test('an expired payment is found under its new status', async () => {
  await sweepUntil(app, declinedOrder, ({ status }) => status === 'EXPIRED');
  expect(await placesOf('payments', { status: ['EXPIRED'], method: ['CARD'] }, payments)).toEqual([3]);
});

test.each([
  ['payments', { first: 1, last: 1 }, 'last'],
  ['refunds', { first: 101 }, 'first'],
  ['payments', { after: Buffer.from('ord_x').toString('base64url') }, 'after'],
  ['refunds', { filter: { provider: ['x y'] } }, 'filter.provider.0'],
] as const)('%s with %j are refused, naming the argument', async (field, variables, path) => {
  await expect(list(field, variables)).rejects.toMatchObject({
    response: { errors: [{ message: expect.stringContaining(`${path}:`), extensions: { code: 'BAD_USER_INPUT' } }] },
  });
});
