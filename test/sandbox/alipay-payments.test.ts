import { expect, test } from 'vitest';
import {
  type AlipayRig,
  appId,
  close,
  dayMs,
  type Fields,
  hourMs,
  minuteMs,
  offer,
  onPage,
  onPhone,
  openAlipayRig,
  pagePay,
  paid,
  precreate,
  query,
  refund,
  returnUrl,
  sellerId,
  subCode,
  tea,
  verifyByHand,
  wapPay,
} from './alipay-rig.ts';

const pay1 = { out_trade_no: 'pay_1' };
const products = ['page', 'wap', 'qr'] as const;

test.each(products)('%s: query and close find no trade until the buyer acts', async (product) => {
  const rig = await openAlipayRig();
  await offer(rig, product, 'pay_1');
  expect(await subCode(rig.exec(query, pay1))).toBe('ACQ.TRADE_NOT_EXIST');
  expect(await subCode(rig.exec(close, pay1))).toBe('ACQ.TRADE_NOT_EXIST');
  await rig.buyer('pay_1', 'pay'); // the close closed nothing
  expect(await rig.exec(query, pay1)).toMatchObject({ trade_status: 'TRADE_SUCCESS' });
});

test.each<[product: 'page' | 'qr' | 'wap', button: string, absent: string]>([
  ['page', 'Log in', 'value="pay"'],
  ['qr', 'Scan this code', 'value="pay"'],
  ['wap', 'Pay CN¥12.34', 'value="scan"'],
])('%s: the cashier first offers "%s"', async (product, button, absent) => {
  const rig = await openAlipayRig();
  const link = await linkOf(rig, product);
  const shown = await rig.browse(link);
  const page = shown.location === null ? shown : await rig.browse(new URL(shown.location, rig.sandbox.url).href);
  expect(page.status).toBe(200);
  expect(page.text).toContain(button);
  expect(page.text).toContain('茶 Tea');
  expect(page.text).not.toContain(absent);
});

/** Where the buyer goes: the code's address, or the signed link. */
async function linkOf(rig: AlipayRig, product: 'page' | 'wap' | 'qr', more: Fields = {}): Promise<string> {
  if (product === 'qr') return (await rig.exec(precreate, tea('pay_1', more))).qr_code;
  if (product === 'page') return rig.pageUrl(pagePay, tea('pay_1', { ...onPage, ...more }));
  return rig.pageUrl(wapPay, tea('pay_1', { ...onPhone, ...more }));
}

test('a scanned trade waits for payment, can be declined, retried and paid', async () => {
  const rig = await openAlipayRig();
  const link = await linkOf(rig, 'page');
  await rig.browse(link, 'scan');
  const waiting = await rig.exec(query, pay1);
  expect(waiting).toMatchObject({ trade_status: 'WAIT_BUYER_PAY', total_amount: '12.34', buyer_pay_amount: '0.00' });
  expect(waiting.trade_no).toMatch(/^20300110\d{20}$/);
  expect(waiting).not.toHaveProperty('send_pay_date');
  const declined = await rig.browse(link, 'decline');
  const again = await rig.browse(new URL(declined.location ?? '', rig.sandbox.url).href);
  expect(again.text).toContain('role="alert"');
  await rig.browse(link, 'pay');
  expect(await rig.exec(query, pay1)).toMatchObject({
    trade_no: waiting.trade_no,
    trade_status: 'TRADE_SUCCESS',
    buyer_pay_amount: '12.34',
    send_pay_date: '2030-01-10 12:00:00',
  });
});

test('after payment the buyer returns to the shop with signed parameters beside the shop’s own', async () => {
  const rig = await openAlipayRig();
  const { location } = await rig.browse(await linkOf(rig, 'wap'), 'pay');
  const url = new URL(location ?? '');
  const { order, ...fields } = Object.fromEntries(url.searchParams);
  expect(`${url.origin}${url.pathname}?order=${order}`).toBe(returnUrl);
  expect(fields).toMatchObject({ out_trade_no: 'pay_1', total_amount: '12.34', app_id: appId, seller_id: sellerId });
  expect(fields.method).toBe('alipay.trade.wap.pay.return');
  expect(verifyByHand(fields)).toBe(true);
  expect(rig.sdk.checkNotifySignV2(fields)).toBe(true);
});

test('a buyer who leaves returns without signed parameters', async () => {
  const rig = await openAlipayRig();
  expect((await rig.browse(await linkOf(rig, 'page'), 'leave')).location).toBe(returnUrl);
  expect(await subCode(rig.exec(query, pay1))).toBe('ACQ.TRADE_NOT_EXIST');
});

test('a reopened link shows the payment, that it is paid, and its refunds', async () => {
  const rig = await openAlipayRig();
  const link = await linkOf(rig, 'page');
  const first = await rig.browse(link);
  expect((await rig.browse(link)).location).toBe(first.location);
  await rig.browse(link, 'pay');
  const shown = async () => {
    const { location } = await rig.browse(link);
    expect(location).toBe(first.location);
    return rig.browse(new URL(location ?? '', rig.sandbox.url).href);
  };
  const paid = await shown();
  expect(paid).toMatchObject({ status: 200, text: expect.stringContaining('<h1>Paid</h1>') });
  expect(paid.text).toContain('Back to the shop');
  expect(paid.text).toContain('pay_1');
  await rig.exec(refund, { ...pay1, refund_amount: '2.34', out_request_no: 'rfd_1' });
  expect((await shown()).text).toContain('Partly refunded');
  await rig.exec(refund, { ...pay1, refund_amount: '10.00', out_request_no: 'rfd_2' });
  expect((await shown()).text).toContain('<h1>Refunded</h1>');
  expect(rig.ledger().totals.pay_1).toMatchObject({ charges: 1, captured: 1234 });
});

test('other terms for the same number are refused only once the trade exists', async () => {
  const rig = await openAlipayRig();
  await rig.exec(precreate, tea('pay_1'));
  expect(await subCode(rig.exec(precreate, tea('pay_1', { total_amount: '9.99' })))).toBeUndefined();
  await rig.exec(precreate, tea('pay_1'));
  await rig.buyer('pay_1', 'scan');
  expect(await subCode(rig.exec(precreate, tea('pay_1')))).toBeUndefined();
  const changes: Fields[] = [{ total_amount: '9.99' }, { subject: 'Coffee' }];
  const codes = changes.map((change) => subCode(rig.exec(precreate, tea('pay_1', change))));
  expect(await Promise.all(codes)).toEqual(['ACQ.CONTEXT_INCONSISTENT', 'ACQ.CONTEXT_INCONSISTENT']);
  await rig.buyer('pay_1', 'pay');
  expect(await subCode(rig.exec(precreate, tea('pay_1')))).toBe('ACQ.TRADE_HAS_SUCCESS');
  expect(rig.ledger().trades).toHaveLength(1);
});

test('two codes of one number make one trade, whose amount cannot change', async () => {
  const rig = await openAlipayRig();
  const { qr_code: cheap } = await rig.exec(precreate, tea('pay_1', { total_amount: '0.01' }));
  await rig.exec(precreate, tea('pay_1'));
  await rig.buyer('pay_1', 'scan');
  const shown = await rig.browse(cheap, 'pay');
  expect(shown).toMatchObject({ status: 409, text: expect.stringContaining('ACQ.CONTEXT_INCONSISTENT') });
  expect(rig.ledger().totals.pay_1).toMatchObject({ trades: 1, captured: 0 });
});

test('only a pending trade can be closed, by either number; trade_no takes precedence', async () => {
  const rig = await openAlipayRig();
  await offer(rig, 'qr', 'pay_1');
  const { tradeNo } = await rig.buyer('pay_1', 'scan');
  expect(await rig.exec(close, { trade_no: tradeNo, out_trade_no: 'pay_other' })).toMatchObject({
    ...{ trade_no: tradeNo, out_trade_no: 'pay_1' },
  });
  expect(await subCode(rig.exec(close, pay1))).toBe('ACQ.TRADE_STATUS_ERROR');
  expect(await subCode(rig.exec(precreate, tea('pay_1')))).toBe('ACQ.TRADE_HAS_CLOSE');
  const closed = await rig.exec(query, pay1);
  expect(closed).toMatchObject({ trade_status: 'TRADE_CLOSED' });
  expect(closed).not.toHaveProperty('send_pay_date');
  await paid(rig, 'page', 'pay_2');
  expect(await subCode(rig.exec(close, { out_trade_no: 'pay_2' }))).toBe('ACQ.TRADE_STATUS_ERROR');
  expect(await subCode(rig.exec(close, {}))).toBe('ACQ.INVALID_PARAMETER');
});

test.each<[how: string, biz: Fields, afterMs: number]>([
  ['time_expire', { time_expire: '2030-01-10 12:30:00' }, 30 * minuteMs],
  ['timeout_express', { timeout_express: '90m' }, 90 * minuteMs],
  ['timeout_express of the same day', { timeout_express: '1c' }, 12 * hourMs],
  ['no expiry', {}, 15 * dayMs],
])('a trade with %s closes when it expires', async (_how, biz, afterMs) => {
  const rig = await openAlipayRig();
  await offer(rig, 'page', 'pay_1', biz);
  await rig.buyer('pay_1', 'scan');
  await rig.sandbox.advance(afterMs - 1);
  expect(rig.ledger().trades).toMatchObject([{ status: 'WAIT_BUYER_PAY' }]);
  await rig.sandbox.advance(1);
  expect(await rig.exec(query, pay1)).toMatchObject({ trade_status: 'TRADE_CLOSED' });
  await expect(rig.buyer('pay_1', 'pay')).rejects.toThrow('ACQ.TRADE_HAS_CLOSE');
});

test.each(products)('%s: the page of an unopened, expired offer says so, and no trade exists', async (product) => {
  const rig = await openAlipayRig();
  const link = await linkOf(rig, product, { time_expire: '2030-01-10 12:30:00' });
  const { location } = await rig.browse(link);
  await rig.sandbox.advance(30 * minuteMs);
  const page = await rig.browse(new URL(location ?? link, rig.sandbox.url).href);
  expect(page.text).toContain('has expired');
  expect((await rig.browse(link, 'pay')).status).toBe(409);
  expect(await subCode(rig.exec(query, pay1))).toBe('ACQ.TRADE_NOT_EXIST');
});

test('a QR code can be scanned for two hours; a new request then returns another', async () => {
  const rig = await openAlipayRig();
  const first = await rig.exec(precreate, tea('pay_1'));
  expect((await rig.exec(precreate, tea('pay_1'))).qr_code).toBe(first.qr_code);
  await rig.sandbox.advance(2 * hourMs);
  expect((await rig.browse(first.qr_code)).text).toContain('has expired');
  const second = await rig.exec(precreate, tea('pay_1'));
  expect(second.qr_code).not.toBe(first.qr_code);
  await rig.browse(second.qr_code, 'pay');
  expect(rig.ledger().totals.pay_1).toMatchObject({ captured: 1234 });
});

test("the cashier's first page lists a payment until it is paid", async () => {
  const rig = await openAlipayRig();
  await offer(rig, 'qr', 'pay_1');
  await offer(rig, 'page', 'pay_2');
  const list = async (): Promise<string> => (await rig.browse(`${rig.sandbox.url}/cashier`)).text;
  expect(await list()).toMatch(/\/cashier\/alipay\/.*pay_2.*\/cashier\/alipay-qr\/.*pay_1/s);
  await rig.buyer('pay_1', 'pay');
  expect(await list()).not.toContain('pay_1');
});

test('the same seed and requests produce the same numbers and the same bytes', async () => {
  const courses = await Promise.all(
    [7, 7, 8].map(async (seed) => {
      const rig = await openAlipayRig({ seed });
      await paid(rig, 'qr', 'pay_1');
      return rig.received.map(({ body }) => body).join();
    }),
  );
  expect(courses[0]).toBe(courses[1]);
  expect(courses[0]).not.toBe(courses[2]);
});
