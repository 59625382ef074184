import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { BillLine } from '../../src/domain/reconciliation.ts';
import { BillUnreadableError } from '../../src/providers/bill.ts';
import { readWechatpayBill } from '../../src/providers/wechatpay/bill.ts';
import { fileOf, linesIn } from './bill-files.ts';

const header =
  '交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注';
const totals = '总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额';
const paymentId = `pay_${'1'.padStart(26, '0')}`;
const refundId = `rfd_${'1'.padStart(26, '0')}`;

type Cells = Partial<
  Record<
    'number' | 'at' | 'state' | 'refundNumber' | 'refundState' | 'name' | 'total' | 'refunded' | 'currency',
    string
  >
>;
const row = ({
  number = paymentId,
  at = '2026-11-21 08:00:01',
  state = 'SUCCESS',
  refundNumber = '0',
  refundState = '',
  name = '红色杯子',
  total = '25.00',
  refunded = '0.00',
  currency = 'CNY',
}: Cells = {}) =>
  [
    ...[at, 'wx0000000000000001', '1900000001', '0', '', '4200000001202611210000000001', number, 'oUpF8'],
    // A coupon paid a part: what the order costs is what counts, and not what is settled.
    ...['NATIVE', state, 'OTHERS', currency, '20.00', '5.00', '50000000012026112100000001', refundNumber],
    ...['0.00', '0.00', 'ORIGINAL', refundState, name, '', '0.15000', '0.60%', total, refunded, ''],
  ]
    .map((cell) => `\`${cell}`)
    .join(',');
const refundRow = (cells: Cells = {}) =>
  row({ state: 'REFUND', refundNumber: refundId, refundState: 'SUCCESS', total: '0.00', refunded: '7.01', ...cells });

const end = [totals, '`9,`25.00,`7.01,`0.00,`0.15000,`25.00,`7.01'];
const textOf = (rows: readonly string[], last = end) => `\uFEFF${[header, ...rows, ...last, ''].join('\r\n')}`;
const sha1 = (text: string) => createHash('sha1').update(text).digest('hex');
const read = (text: string, hash = sha1(text)) => {
  const file = fileOf(gzipSync(text));
  return { file, reading: readWechatpayBill(file, hash) };
};

const payment: BillLine = {
  ...{ kind: 'payment', merchantNumber: paymentId, paymentNumber: null, status: 'SUCCEEDED', currency: 'CNY' },
  ...{ providerPaymentId: '4200000001202611210000000001', providerRefundId: null, amountMinor: 2500n },
  at: new Date('2026-11-21T00:00:01Z'),
};
const refund: BillLine = {
  ...payment,
  ...{ kind: 'refund', merchantNumber: refundId, paymentNumber: paymentId, amountMinor: 701n },
  providerRefundId: '50000000012026112100000001',
};

test('payments and refunds are read in Beijing’s time, to the fen, whatever coupons paid', async () => {
  const { file, reading } = read(textOf([row(), refundRow()]));
  expect((await reading).linesExpected).toBe(2);
  expect(await linesIn(reading)).toEqual([payment, refund]);
  expect(existsSync(file.path)).toBe(false);
});

test('commas in the name of goods begin no cell, and neither does a back-tick', async () => {
  const { reading } = read(textOf([row({ name: 'Tea, green, "loose"' }), row({ name: '茶`叶' })]));
  expect(await linesIn(reading)).toEqual([payment, payment]);
});

test('a refund that is under way is told as such, one that was given up is not, and one of the console by its own number', async () => {
  const { reading } = read(
    textOf([
      refundRow({ refundState: 'PROCESSING' }),
      ...['FAIL', 'CLOSED', 'CHANGE', 'ABNORMAL'].map((refundState) => refundRow({ refundState })),
      refundRow({ refundNumber: 'console_1' }),
    ]),
  );
  expect(await linesIn(reading)).toEqual([
    { ...refund, status: 'PENDING' },
    { ...refund, merchantNumber: 'console_1', providerRefundId: 'console_1' },
  ]);
});

test('what cannot be read of other systems of the same merchant is left out, and what can is told', async () => {
  const number = 'till_00042';
  const { reading } = read(
    textOf([
      row(),
      ...[{ state: 'REVOKED' }, { currency: 'HKD' }, { total: '1.001' }, { at: 'then' }].map((cells) =>
        row({ number, ...cells }),
      ),
      refundRow({ number, refundNumber: 'till_00042_1', refundState: 'MAYBE' }),
      row({ number }),
    ]),
  );
  expect(await linesIn(reading)).toEqual([payment, { ...payment, merchantNumber: number }]);
});

test('a refund of ours is read strictly, whatever its payment is called', async () => {
  const { reading } = read(textOf([refundRow({ number: 'till_00042', refundState: 'MAYBE' })]));
  await expect(linesIn(reading)).rejects.toThrow(/Line 2 .* not known/);
});

test.each<[what: string, text: string, hash: string | undefined, message: RegExp]>([
  ['whose SHA-1 is another’s', textOf([row()]), sha1('x'), /SHA-1 differs/],
  [
    'that was changed by one digit on its way',
    textOf([row()]),
    sha1(textOf([row({ total: '25.01' })])),
    /SHA-1 differs/,
  ],
])('a file %s tells no line at all', async (_, text, hash, message) => {
  const { file, reading } = read(text, hash);
  await expect(reading).rejects.toThrow(message);
  expect(existsSync(file.path)).toBe(false);
});

test('a file that was cut off, or is not compressed, tells no line at all', async () => {
  const text = textOf([row()]);
  const packed = gzipSync(text);
  for (const bytes of [packed.subarray(0, packed.length - 20), Buffer.from('<html>')]) {
    await expect(readWechatpayBill(fileOf(bytes), sha1(text))).rejects.toThrow(BillUnreadableError);
  }
});

test('the SHA-1 is that of the text, and upper case is as good', async () => {
  const text = textOf([row()]);
  expect(await linesIn(read(text, sha1(text).toUpperCase()).reading)).toHaveLength(1);
  await expect(read(text, sha1(gzipSync(text).toString('latin1'))).reading).rejects.toThrow(/SHA-1/);
});

test.each<[what: string, bad: string, message: RegExp]>([
  ['an amount with three decimals', row({ total: '25.001' }), /Line 3 .* its amount/],
  ['an instant that there is not', row({ at: '2026-11-21 24:00:00' }), /Line 3 .* its time/],
  ['a state that is not known', row({ state: 'REVOKED' }), /Line 3 .* neither a payment/],
  ['a refund in a state that is not known', refundRow({ refundState: 'MAYBE' }), /Line 3 .* not known/],
  ['another currency', row({ currency: 'USD' }), /Line 3 .* not CNY/],
  ['a cell too few', row().replace(',`CNY', ''), /Line 3 .* 26 cells, and the header 27/],
  ['no back-tick', row().slice(1), /Line 3 .* back-tick/],
])('%s stops the reading, with the number of its line', async (_, bad, message) => {
  const { file, reading } = read(textOf([row(), bad]));
  await expect(linesIn(reading)).rejects.toThrow(message);
  expect(existsSync(file.path)).toBe(false);
});

test('a bill without its totals was cut off before it was signed', async () => {
  await expect(linesIn(read(textOf([row()], [])).reading)).rejects.toThrow(/totals are missing/);
});

test('reading that is left half way leaves no file', async () => {
  const { file, reading } = read(textOf([row(), row()]));
  for await (const _ of (await reading).lines) break;
  expect(existsSync(file.path)).toBe(false);
});
