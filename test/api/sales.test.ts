import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOrder, paidOrder, payOrder, requestRefund, sweepUntil } from '../support/orders.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

type Row = { start: string; method: string; started: number; captured: { decimal: string } };
const fields =
  '{ asOf rows { start method currency started succeeded failed successRate captured { decimal } refunded { decimal } } }';
const read = async (args: string) => {
  const { salesSummary } = await app.client.request<{ salesSummary: { asOf: string; rows: Row[] } }>(
    `{ salesSummary(${args}) ${fields} }`,
  );
  return salesSummary;
};
const around = () => {
  const at = (days: number) => new Date(app.clock.now().getTime() + days * 86_400_000).toISOString();
  return `from: "${at(-10)}", before: "${at(10)}"`;
};

test('payments and refunds are counted by method and currency, at once and after the sums are folded', async () => {
  expect((await read(`${around()}, interval: TOTAL`)).rows).toEqual([]);
  const { payment } = await paidOrder(app);
  await paidOrder(app);
  const refund = await requestRefund(app, { paymentId: payment.id, amountMinor: 500 });
  expect(refund).toMatchObject({ __typename: 'Refund', status: 'SUCCEEDED' });
  const open = await createOrder(app, { currency: 'CNY' });
  await payOrder(app, open.id, { method: 'ALIPAY', flow: 'QR_CODE' });
  const cards = {
    ...{ method: 'CARD', currency: 'EUR', started: 2, succeeded: 2, failed: 0, successRate: 1 },
    ...{ captured: { decimal: '50.00' }, refunded: { decimal: '5.00' } },
  };
  const alipay = {
    ...{ method: 'ALIPAY', currency: 'CNY', started: 1, succeeded: 0, failed: 0, successRate: null },
    ...{ captured: { decimal: '0.00' }, refunded: { decimal: '0.00' } },
  };
  const byMethod = async () => (await read(`${around()}, interval: TOTAL`)).rows;
  expect(await byMethod()).toMatchObject([cards, alipay]);
  await app.app.rounds.foldSales();
  expect(await byMethod()).toMatchObject([cards, alipay]);
  await sweepUntil(app, open.id, ({ status }) => status === 'EXPIRED');
  expect(await byMethod()).toMatchObject([cards, { ...alipay, failed: 1, successRate: 0 }]);
});

test('`asOf` is a cursor after which the events are not counted yet', async () => {
  const { asOf, rows } = await read(`${around()}, interval: DAY, timeZone: "Asia/Shanghai"`);
  expect(rows.every(({ start }) => start.endsWith('T16:00:00.000Z'))).toBe(true);
  await createOrder(app);
  const { events } = await app.client.request<{ events: { nodes: object[] } }>(
    `{ events(after: "${asOf}") { nodes { type } } }`,
  );
  expect(events.nodes).toEqual([{ type: 'ORDER_CREATED' }]);
});

test.each([
  ['from: "2026-01-01T00:00:00Z", before: "2026-01-01T00:10:00Z", interval: DAY', 'before'],
  ['from: "2026-01-01T00:00:00Z", before: "2026-04-01T00:00:00Z", interval: HOUR', 'from'],
  ['from: "2020-01-01T00:00:00Z", before: "2026-01-01T00:00:00Z", interval: TOTAL', 'from'],
  ['from: "2026-01-01T00:00:00Z", before: "2026-01-02T00:00:00Z", interval: DAY, timeZone: "+08:00"', 'timeZone'],
  ['from: "2026-01-01T00:00:00Z", before: "2026-01-02T00:00:00Z", interval: DAY, timeZone: "Mars/Base"', 'timeZone'],
])('%s is refused, naming the argument', async (args, path) => {
  await expect(read(args)).rejects.toMatchObject({
    response: { errors: [{ message: expect.stringContaining(`${path}:`), extensions: { code: 'BAD_USER_INPUT' } }] },
  });
});
