import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { BillLine } from '../../src/domain/reconciliation.ts';
import { readAlipayBill } from '../../src/providers/alipay/bill.ts';
import { BillUnreadableError } from '../../src/providers/bill.ts';
import { fileOf, linesIn, zipOf } from './bill-files.ts';

const header =
  '支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注';
const paymentId = `pay_${'1'.padStart(26, '0')}`;
const refundId = `rfd_${'1'.padStart(26, '0')}`;

type Cells = Partial<Record<'number' | 'kind' | 'name' | 'at' | 'amount' | 'refund' | 'note', string>>;
const cellsOf = ({
  number = paymentId,
  kind = '交易',
  name = '红色杯子',
  at = '2026-11-21 08:00:01',
  amount = '25.00',
  refund = '',
  note = '',
}: Cells) => [
  ...[
    '2026112122001400000000000001',
    number,
    kind,
    name,
    '2026-11-21 08:00:00',
    at,
    '',
    '',
    '',
    '',
    '张*(138****0000)',
  ],
  ...[amount, amount, '0.00', '0.00', '0.00', '0.00', '0.00', '', '0.00', '0.00', refund, '0.15', '0.00', note],
];
const row = (given: Cells = {}) =>
  cellsOf(given)
    .map((cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}\t"` : `${cell}\t`))
    .join(',');

/** As it comes from what knows of no quoting. */
const bareRow = (given: Cells) =>
  cellsOf(given)
    .map((cell) => `${cell}\t`)
    .join(',');

const head = ['#支付宝业务明细查询', '#账号：[20880000000000010156]', '#------业务明细列表------', header];
const foot = (payments: number, refunds: number) => [
  ...['#------业务明细列表结束------', `#交易合计：${payments}笔，商家实收共25.00元，商家优惠共0.00元`],
  ...[`#退款合计：${refunds}笔，商家实收退款共-7.00元，商家优惠退款共0.00元`, '#导出时间：[2026年11月22日 10:00:00]'],
];

const text = (rows: readonly string[], end: readonly string[]) => [...head, ...rows, ...end, ''].join('\r\n');
const bill = (rows: readonly string[], end = foot(rows.length, 0), namesIn?: 'utf8') =>
  fileOf(
    zipOf(
      {
        '20880000000000010156_20261121_业务明细(汇总).csv': '#支付宝业务汇总查询\r\n门店编号\r\n',
        '20880000000000010156_20261121_业务明细.csv': text(rows, end),
      },
      namesIn,
    ),
  );

const payment: BillLine = {
  ...{ kind: 'payment', merchantNumber: paymentId, paymentNumber: null, status: 'SUCCEEDED', currency: 'CNY' },
  ...{ providerPaymentId: '2026112122001400000000000001', providerRefundId: null, amountMinor: 2500n },
  at: new Date('2026-11-21T00:00:01Z'),
};

test('a payment and a refund are read from the list of the day, in Beijing’s time and to the fen', async () => {
  const refund = row({ kind: '退款', amount: '-7.01', refund: refundId, at: '2026-11-21 23:59:59' });
  const file = bill([row(), refund], foot(1, 1));
  const reading = await readAlipayBill(file);
  expect(reading.linesExpected).toBe(2);
  expect(await linesIn(Promise.resolve(reading))).toEqual([
    payment,
    {
      ...payment,
      ...{ kind: 'refund', merchantNumber: refundId, paymentNumber: paymentId, providerRefundId: refundId },
      ...{ amountMinor: 701n, at: new Date('2026-11-21T15:59:59Z') },
    },
  ]);
  expect(existsSync(file.path)).toBe(false);
});

test('names of goods and notes may hold commas, quotes, line breaks and a #', async () => {
  const rows = [row({ name: '杯子,红色', note: 'a "b", c' }), row({ name: '# 一\n行' }), row({ name: '“引号”' })];
  const lines = await linesIn(readAlipayBill(bill(rows)));
  expect(lines).toEqual([payment, payment, payment]);
});

test('a note, which stands last, may hold a line break', async () => {
  const rows = [row({ note: '一\n行' }), row({ note: '"\n' }), row()];
  expect(await linesIn(readAlipayBill(bill(rows)))).toEqual([payment, payment, payment]);
});

test.each<[where: string, cells: Cells[]]>([
  ['before a name', [{ name: '"杯子' }, {}, {}]],
  ['within a name', [{ name: '14" 杯子' }, {}, {}]],
  ['behind a name', [{ name: '杯子"' }, {}, {}]],
  ['before a name, in the last line', [{}, {}, { name: '"杯子' }]],
  ['before two names', [{ name: '"杯子' }, { name: '"杯子' }, {}]],
  ['before a name and before a note', [{ name: '"杯子', note: '"a' }, {}, {}]],
  ['before a note', [{ note: '"a' }, {}, { note: '"a' }]],
  ['alone', [{ name: '"' }, {}, { note: '"' }]],
])('where nothing is quoted, a quote %s is a character, and no rows become one', async (_, cells) => {
  const numbers = [1, 2, 3].map((number) => `pay_${String(number).padStart(26, '0')}`);
  const rows = cells.map((given, index) => bareRow({ ...given, number: numbers[index] }));
  const lines = await linesIn(readAlipayBill(bill(rows)));
  expect(lines).toEqual(numbers.map((merchantNumber) => ({ ...payment, merchantNumber })));
});

test('what cannot be read of other systems of the same merchant is left out, and what can is told', async () => {
  const foreign = [
    { kind: '转账' },
    { amount: '2e3' },
    { at: 'then' },
    { kind: '退款', amount: '-1.001', refund: 'r_1' },
  ];
  const rows = [row(), ...foreign.map((cells) => row({ number: 'shop_1', ...cells })), row({ number: 'shop_2' })];
  const lines = await linesIn(readAlipayBill(bill(rows)));
  expect(lines).toEqual([payment, { ...payment, merchantNumber: 'shop_2' }]);
});

test('a refund whose number Alipay does not tell has that of its trade', async () => {
  const rows = [row({ kind: '退款', amount: '-25.00' })];
  const [line] = await linesIn(readAlipayBill(bill(rows, foot(0, 1))));
  expect(line).toMatchObject({ kind: 'refund', merchantNumber: paymentId, providerRefundId: paymentId });
});

test('an archive that marks its names as UTF-8 is read all the same', async () => {
  expect(await linesIn(readAlipayBill(bill([row()], foot(1, 0), 'utf8')))).toEqual([payment]);
});

test('a day without trades has no lines', async () => {
  expect(await linesIn(readAlipayBill(bill([])))).toEqual([]);
});

test('columns may stand elsewhere, and others may come', async () => {
  const names = ['新列', '业务类型', '完成时间', '退款批次号/请求号', '订单金额（元）', '商户订单号', '支付宝交易号'];
  const cells = ['x', '交易', '2026-11-21 08:00:01', '', '25.00', paymentId, '2026112122001400000000000001'];
  const file = fileOf(zipOf({ 'a.csv': [names.join(','), cells.join(','), ...foot(1, 0)].join('\n') }));
  expect(await linesIn(readAlipayBill(file))).toEqual([payment]);
});

test.each<[what: string, rows: string[], end: string[], message: RegExp]>([
  ['is cut off', [row()], [], /end is missing/],
  ['has fewer lines than it says', [row()], foot(2, 0), /has 1 lines, and says that it has 2/],
  ['leaves a quote open', [row({ note: 'a,b' }).replace('\t"', '\t')], foot(1, 0), /quote in it has no end/],
])('a bill that %s tells no line at all', async (_, rows, end, message) => {
  const file = bill(rows, end);
  await expect(readAlipayBill(file)).rejects.toThrow(message);
  expect(existsSync(file.path)).toBe(false);
});

test.each<[what: string, bad: string, message: RegExp]>([
  ['an amount with three decimals', row({ amount: '25.001' }), /Line 6 .* its amount cannot be read/],
  ['an amount with an exponent', row({ amount: '2e3' }), /Line 6 .* its amount/],
  ['a payment below zero', row({ amount: '-25.00' }), /Line 6 .* its amount/],
  ['a day that there is not', row({ at: '2026-02-30 08:00:00' }), /Line 6 .* its time/],
  ['a kind of trade that is not known', row({ kind: '转账' }), /Line 6 .* neither a trade nor a refund/],
  ['a cell too many', `${row()},x`, /Line 6 .* 26 cells, and the header 25/],
])('%s stops the reading, with the number of its line', async (_, bad, message) => {
  const file = bill([row(), bad]);
  const reading = linesIn(readAlipayBill(file));
  await expect(reading).rejects.toThrow(BillUnreadableError);
  await expect(reading).rejects.toThrow(message);
  expect(existsSync(file.path)).toBe(false);
});

test('an archive that was damaged, or is none, tells no line at all', async () => {
  await expect(readAlipayBill(fileOf(Buffer.from('<html>403</html>')))).rejects.toThrow(/no archive/);
  const bytes = zipOf({ 'a.csv': text([row()], foot(1, 0)) });
  await expect(readAlipayBill(fileOf(bytes.subarray(0, 200)))).rejects.toThrow(/no archive/);
  const damaged = Buffer.from(bytes);
  damaged[damaged.indexOf('a.csv') + 60] = (damaged[damaged.indexOf('a.csv') + 60] ?? 0) ^ 0xff;
  await expect(readAlipayBill(fileOf(damaged))).rejects.toThrow(BillUnreadableError);
  await expect(readAlipayBill(fileOf(zipOf({ 'a(汇总).csv': 'x' })))).rejects.toThrow(/no list/);
});
