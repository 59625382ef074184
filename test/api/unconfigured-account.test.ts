import { afterAll, beforeAll, expect, test } from 'vitest';
import { chineseSetups, testKeys } from '../support/chinese-providers.ts';
import { createOrder, payOrder, requestRefund, sweepUntil } from '../support/orders.ts';
import { advanceSandbox, control, startTestApp, type TestApp } from '../support/test-app.ts';

const weekSeconds = 604_800;

let app: TestApp;
/** A server on the same database without WeChat Pay in its configuration. */
let without: TestApp;
let alipayId: string;

beforeAll(async () => {
  app = await startTestApp();
  await control(app.sandboxUrl, 'faults', { fault: 'drop', match: { type: '*' }, times: 1000 });
  await start('WECHAT_PAY', weekSeconds);
  const paid = await start('WECHAT_PAY', weekSeconds);
  await control(app.sandboxUrl, `wechatpay/buyer/${paid.paymentId}`, { action: 'pay' });
  await sweepUntil(app, paid.orderId, ({ status }) => status === 'CONFIRMED', 5000);
  await requestRefund(app, { paymentId: paid.paymentId });
  alipayId = (await start('ALIPAY', 300)).paymentId;
  await advanceSandbox(app, 5000);
  without = await startTestApp({
    ...{ database: app.database, clock: app.clock },
    config: { providers: chineseSetups(app.sandboxUrl).filter(({ name }) => name === 'ALIPAY') },
  });
});
afterAll(async () => {
  await without.close();
  await app.close();
});

async function start(method: 'ALIPAY' | 'WECHAT_PAY', expiresInSeconds: number) {
  const { id: orderId } = await createOrder(app, { currency: 'CNY', expiresInSeconds });
  const { id: paymentId } = await payOrder(app, orderId, { method, flow: 'QR_CODE' });
  return { orderId, paymentId };
}

async function rowsOf(sql: string) {
  const { rows } = await app.database.pool.query(sql);
  return rows;
}

const plannedSql = `
  select p.id, p.status, p.check_at, p.leased_until, r.id as refund, r.check_at as refund_at, r.leased_until as refund_until
  from payments p left join refunds r on r.payment_id = p.id where p.provider = 'WECHATPAY' order by p.id`;

const complaints = () => without.logged.filter(({ level }) => level === 'error');

test('the start logs once which account is not configured, and its work in progress', () => {
  const { mchId } = testKeys().wechatpay;
  expect(complaints()).toEqual([
    {
      level: 'error',
      fields: { provider: 'WECHATPAY', account: mchId, live: 1, watched: 1, refunds: 1, callbacks: 0 },
      message: expect.stringContaining('not configured'),
    },
  ]);
  expect(app.logged.filter(({ message }) => message.includes('not configured'))).toEqual([]);
});

test('its work is skipped without log lines, however often it is due, and does not block other work', async () => {
  const before = await rowsOf(plannedSql);
  for (let round = 0; round < 20; round += 1) {
    app.clock.advance(6 * 60 * 60_000);
    await without.app.rounds.sweep();
  }
  expect(complaints()).toHaveLength(1);
  expect(await rowsOf(plannedSql)).toEqual(before);
  expect(await rowsOf(`select status from payments where id = '${alipayId}'`)).toEqual([{ status: 'EXPIRED' }]);
});

test('a node where it is configured continues its work', async () => {
  app.clock.advance(24 * 60 * 60_000);
  for (let round = 0; round < 3; round += 1) await app.app.rounds.sweep();
  const planned = await rowsOf(plannedSql);
  for (const { check_at, leased_until } of planned) {
    expect(check_at.getTime()).toBeGreaterThan(app.clock.now().getTime());
    expect(leased_until).toBeNull();
  }
  expect(await rowsOf('select status from refunds')).toEqual([{ status: 'SUCCEEDED' }]);
});
