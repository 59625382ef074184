import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AlipayRequestError } from 'alipay-sdk';
import { expect, test } from 'vitest';
import { startSandbox } from '../../sandbox/server.ts';
import {
  type AlipayRig,
  close,
  offer,
  openAlipayRig,
  paid,
  precreate,
  query,
  refund,
  subCode,
  tea,
} from './alipay-rig.ts';

const ofRig = { out_trade_no: 'pay_rig' };
const twoBack = { ...ofRig, out_request_no: 'rfd_1', refund_amount: '2.00' };
const onRefund = { operation: refund, contains: 'rfd_1' };

/** The error of the SDK, with the raw response. */
async function thrown(call: Promise<unknown>): Promise<AlipayRequestError> {
  const outcome = await call.then(
    () => null,
    (error: unknown) => error,
  );
  if (outcome instanceof AlipayRequestError) return outcome;
  throw new Error('The call was expected to end with an AlipayRequestError.', { cause: outcome });
}

function refundedFen(rig: AlipayRig): number | undefined {
  return rig.ledger().totals.pay_rig?.refunded;
}

test.each<[fault: string, says: string, refunded: number]>([
  ['error_500_before', 'status: 500', 0],
  ['error_500_after', 'status: 500', 200],
  ['timeout_before', 'status: 599', 0],
  ['timeout_after', 'status: 599', 200],
  ['delay', 'status: 599', 0],
  ['malformed', 'Response 格式错误', 200],
  ['bad_signature', '验签失败', 200],
  ['reset_before', 'HttpClient Request error', 0],
  ['reset_after', 'HttpClient Request error', 200],
])('with the fault %s the SDK reports "%s", and %i fen are refunded', async (fault, says, refunded) => {
  const rig = await openAlipayRig();
  await paid(rig);
  const times = fault.startsWith('reset') ? 2 : 1; // the SDK's client retries once
  await rig.fault({ fault, target: 'request', match: onRefund, ms: 5000, times });
  expect((await thrown(rig.exec(refund, twoBack))).message).toContain(says);
  expect(refundedFen(rig)).toBe(refunded);
  await rig.sandbox.advance(5000); // a delayed request has been executed by now
  expect(await rig.exec(refund, twoBack)).toMatchObject({ code: '10000', refund_fee: '2.00' });
  expect(refundedFen(rig)).toBe(200);
});

test('after a reset connection the SDK retries, and the response says that the retry moved no money', async () => {
  const rig = await openAlipayRig();
  await paid(rig);
  await rig.fault({ fault: 'reset_after', match: onRefund });
  expect(await rig.exec(refund, twoBack)).toMatchObject({ code: '10000', fund_change: 'N', refund_fee: '2.00' });
  expect(refundedFen(rig)).toBe(200);
});

test('with the fault unsigned the request is executed and the response has no signature', async () => {
  const rig = await openAlipayRig();
  await paid(rig);
  await rig.fault({ fault: 'unsigned', match: onRefund });
  await expect(rig.exec(refund, twoBack)).rejects.toThrow();
  expect(refundedFen(rig)).toBe(200);
  await rig.fault({ fault: 'unsigned', match: { operation: query } });
  const unchecked = await rig.sdk.exec(query, { timestamp: rig.timestamp(), biz_content: ofRig });
  expect(unchecked).toMatchObject({ trade_status: 'TRADE_SUCCESS' }); // without verification the SDK does not notice
});

test.each<[fault: string, node: string, code: string, subCode: string, refunded: number]>([
  ['system_error', 'error_response', '20000', 'isp.unknow-error', 200],
  ['rate_limit', 'error_response', '40005', 'isv.app-call-limited', 0],
])('the fault %s appears in %s as %s %s, and %i fen are refunded', async (fault, node, code, sub, refunded) => {
  const rig = await openAlipayRig();
  await paid(rig);
  await rig.fault({ fault, match: onRefund });
  const { responseDataRaw } = await thrown(rig.exec(refund, twoBack));
  expect(JSON.parse(String(responseDataRaw))).toMatchObject({
    [node]: { code, sub_code: sub },
    sign: expect.any(String),
  });
  expect(refundedFen(rig)).toBe(refunded);
});

test('the fault lock_timeout is a business refusal with a system error, and the request is not executed', async () => {
  const rig = await openAlipayRig();
  await paid(rig);
  await rig.fault({ fault: 'lock_timeout', match: onRefund });
  expect(await subCode(rig.exec(refund, twoBack))).toBe('ACQ.SYSTEM_ERROR');
  expect(refundedFen(rig)).toBe(0);
});

test('a late response says how late it would be', async () => {
  const rig = await openAlipayRig();
  await rig.fault({ fault: 'delay_after', ms: 4000, match: { operation: precreate } });
  expect(await rig.exec(precreate, tea('pay_rig'))).toMatchObject({ code: '10000' });
});

test('a rule for one payment does not affect others', async () => {
  const rig = await openAlipayRig();
  await rig.fault({ fault: 'lock_timeout', match: { contains: 'pay_unlucky' }, times: 2 });
  expect(await subCode(rig.exec(precreate, tea('pay_lucky')))).toBeUndefined();
  expect(await subCode(rig.exec(precreate, tea('pay_unlucky')))).toBe('ACQ.SYSTEM_ERROR');
  expect(await subCode(rig.exec(precreate, tea('pay_unlucky')))).toBe('ACQ.SYSTEM_ERROR');
  expect(await subCode(rig.exec(precreate, tea('pay_unlucky')))).toBeUndefined();
});

test('a closed trade can be paid afterwards', async () => {
  const rig = await openAlipayRig();
  await rig.fault({ fault: 'success_after_close', ms: 5000, match: { contains: 'pay_rig' } });
  await offer(rig, 'wap', 'pay_rig');
  await rig.buyer('pay_rig', 'decline');
  expect(await rig.exec(close, ofRig)).toMatchObject({ code: '10000' });
  await rig.sandbox.advance(5000);
  expect(await rig.exec(query, ofRig)).toMatchObject({ trade_status: 'TRADE_SUCCESS' });
  await rig.sandbox.advance(0);
  expect(rig.received.map(({ fields }) => fields.trade_status)).toEqual(['TRADE_CLOSED', 'TRADE_SUCCESS']);
  expect(rig.received.at(-1)?.fields).not.toHaveProperty('gmt_close');
});

test('an unopened trade, which cannot be closed, can be paid afterwards', async () => {
  const rig = await openAlipayRig();
  await rig.fault({ fault: 'success_after_close', ms: 5000 });
  await offer(rig, 'qr', 'pay_rig');
  expect(await subCode(rig.exec(close, ofRig))).toBe('ACQ.TRADE_NOT_EXIST');
  await rig.sandbox.advance(5000);
  expect(rig.ledger().totals.pay_rig).toMatchObject({ trades: 1, charges: 1, captured: 1234 });
});

test('the console pays pending, closed and unopened trades, each only once', async () => {
  const rig = await openAlipayRig();
  for (const number of ['pay_1', 'pay_2', 'pay_3']) await offer(rig, 'page', number);
  await rig.buyer('pay_2', 'scan');
  await rig.buyer('pay_3', 'scan');
  await rig.control('/trades/pay_3/close');
  for (const number of ['pay_1', 'pay_2', 'pay_3', 'pay_3']) {
    expect(await rig.control(`/trades/${number}/succeed`)).toMatchObject({ status: 'TRADE_SUCCESS', charges: 1 });
  }
  await expect(rig.control('/trades/pay_1/close')).rejects.toThrow('TRADE_STATUS_ERROR');
  await expect(rig.control('/trades/pay_4/succeed')).rejects.toThrow('There is no payment');
  await expect(rig.control('/buyer/pay_1', { action: 'steal' })).rejects.toThrow('scan, pay, decline');
});

test('scheduled tasks and notifications survive a restart', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sandbox-alipay-'));
  try {
    const first = await openAlipayRig({ dataDir });
    first.answerWith = { status: 500, body: '' };
    await paid(first, 'wap', 'pay_rig');
    await offer(first, 'wap', 'pay_2', { timeout_express: '5m' });
    await first.buyer('pay_2', 'decline');
    await first.sandbox.close();
    const second = await openAlipayRig({ dataDir });
    await second.sandbox.advance(5 * 60_000);
    const seen = second.received.map(({ fields }) => `${fields.out_trade_no} ${fields.trade_status}`);
    expect(seen).toEqual(['pay_rig TRADE_SUCCESS', 'pay_2 TRADE_CLOSED']);
    expect(second.received[0]?.fields.notify_id).toBe(first.received[0]?.fields.notify_id);
    expect(second.ledger().totals.pay_rig).toMatchObject({ captured: 1234 });
    await second.sandbox.close();
  } finally {
    rmSync(dataDir, { recursive: true });
  }
});

test('without Alipay, its paths do not exist', async () => {
  const rig = await openAlipayRig();
  const stripe = { secretKey: 'sk_test_x', publishableKey: 'pk_test_x', webhookSecret: 'whsec_x', webhookUrl: null };
  const other = await startSandbox({ port: null, dataDir: null, stripe, virtualTime: { startsAt: rig.sandbox.now() } });
  expect(await other.request({ method: 'POST', path: '/gateway.do' })).toMatchObject({ status: 404 });
  expect(other.ledger()).not.toHaveProperty('alipay');
  await other.close();
});
