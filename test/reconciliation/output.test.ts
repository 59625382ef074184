import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import type { Finding } from '../../src/reconciliation/finding.ts';
import { printJson, saveJson } from '../../src/reconciliation/json-report.ts';
import { readOptions, UsageError } from '../../src/reconciliation/options.ts';
import { tableOf } from '../../src/reconciliation/table.ts';
import { createTally } from '../../src/reconciliation/tally.ts';

const at = new Date('2026-11-21T04:00:00Z');
const finding: Finding = {
  ...{ kind: 'MISSING_HERE', subject: 'payment', at, orderId: 'ord_1', paymentId: 'pay_1', refundId: null },
  ...{ merchantNumber: 'pay_1', providerPaymentId: '4200', providerRefundId: null, action: 'APPLIED' },
  here: { amountMinor: 2500n, currency: 'CNY', status: 'ACTION_REQUIRED' },
  there: { amountMinor: 2500n, currency: 'CNY', status: 'SUCCEEDED' },
};
const head = {
  ...{ provider: 'ALIPAY', account: '2021', date: '2026-11-21', dryRun: false },
  ...{ from: new Date('2026-11-20T16:00:00Z'), until: new Date('2026-11-21T16:00:00Z') },
};

test('a valid command line is parsed, and an invalid one is a usage error', () => {
  expect(readOptions(['--provider', 'alipay', '--date', '2026-11-21', '--dry-run'])).toEqual({
    ...{
      account: { provider: 'ALIPAY' },
      date: '2026-11-21',
      output: null,
      json: false,
      dryRun: true,
      askAboutAll: false,
    },
  });
  expect(readOptions(['--help'])).toBeNull();
  for (const args of [
    ['--date', '2026-11-21'],
    ['--provider', 'alipay'],
    ['--provider', 'alipay', '--account', 'pac_1', '--date', '2026-11-21'],
    ['--provider', 'alipay', '--date', '2026-02-30'],
    ['--provider', 'alipay', '--date', 'yesterday'],
    ['--provider', 'alipay', '--date', '2026-11-21', '--all'],
    ['--provider', 'alipay', '--date', '2026-11-21', 'more'],
  ]) {
    expect(() => readOptions(args)).toThrow(UsageError);
  }
});

test('the table shows the sums of every kind and lists the differences', () => {
  const tally = createTally();
  for (let n = 0; n < 3; n += 1) tally.matched({ kind: 'payment', currency: 'CNY', amountMinor: 1050n });
  tally.matched({ kind: 'payment', currency: 'JPY', amountMinor: 1050n });
  tally.found(finding);
  tally.found({ ...finding, kind: 'FOREIGN', orderId: null, paymentId: null, here: null, action: 'NONE' });
  expect(tableOf({ ...head, lines: 6 }, tally)).toMatchInlineSnapshot(`
    "ALIPAY (2021), 2026-11-21: 2026-11-20T16:00:00.000Z to 2026-11-21T16:00:00.000Z, 6 lines

                      payments                     refunds
    matched           3 (31.50 CNY), 1 (1050 JPY)  0
    missing here      1 (25.00 CNY)                0
    missing there     0                            0
    different amount  0                            0
    listed twice      0                            0
    foreign           1 (25.00 CNY)                0
    near border       0                            0

    missing here  here                       there                order  our number  provider’s number  action
    payment       25.00 CNY ACTION_REQUIRED  25.00 CNY SUCCEEDED  ord_1  pay_1       4200               applied

    foreign  here  there                order  our number  provider’s number  action
    payment  -     25.00 CNY SUCCEEDED  -      pay_1       4200               none"
  `);
  expect(tally.differences()).toBe(1);
});

test('the table lists the first hundred findings of a kind and the number of the others', () => {
  const tally = createTally();
  for (let n = 0; n < 130; n += 1) tally.found(finding);
  const table = tableOf({ ...head, lines: 130 }, tally);
  expect(table.split('\n').filter((line) => line.startsWith('payment'))).toHaveLength(100);
  expect(table).toContain('… and 30 more; --output FILE lists them all');
});

test('the JSON file contains every difference, with amounts as strings, and appears only when it is complete', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'paystream-test-report-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'report.json');
  const tally = createTally();
  const report = await saveJson(path, head);
  const told = Array.from({ length: 500 }, (_, n) => ({ ...finding, paymentId: `pay_${n}` }));
  await Promise.all(
    told.map((one) => {
      tally.found(one);
      return report.add(one);
    }),
  );
  expect(readdirSync(dir)).toEqual(['report.json.partial']);
  await report.finish(700, tally);
  expect(readdirSync(dir)).toEqual(['report.json']);
  const written = JSON.parse(readFileSync(path, 'utf8'));
  expect(written).toMatchObject({
    ...{ provider: 'ALIPAY', date: '2026-11-21', from: '2026-11-20T16:00:00.000Z', dryRun: false, lines: 700 },
    ...{ result: 'DIFFERENCES', foreign: [], nearBorder: [] },
    sums: [{ kind: 'MISSING_HERE', subject: 'payment', currency: 'CNY', count: 500, amountMinor: '1250000' }],
  });
  expect(written.differences.map(({ paymentId }: Finding) => paymentId)).toEqual(
    told.map(({ paymentId }) => paymentId),
  );
  expect(written.differences[0].there).toEqual({ amountMinor: '2500', currency: 'CNY', status: 'SUCCEEDED' });
});

test('an abandoned report leaves no file', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'paystream-test-report-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const report = await saveJson(join(dir, 'report.json'), head);
  await report.add(finding);
  await report.abandon();
  expect(readdirSync(dir)).toEqual([]);
});

test('printed JSON is complete, and waits for a slow reader', async () => {
  const to = new PassThrough({ highWaterMark: 64 });
  const reading = text(to);
  const report = await printJson(to, head);
  const tally = createTally();
  await report.finish(0, tally);
  to.end();
  expect(JSON.parse(await reading)).toMatchObject({ differences: [], result: 'NO_DIFFERENCES', lines: 0 });
});

test('a report whose file cannot be created is an error', async () => {
  await expect(saveJson('/nowhere/at/all/report.json', head)).rejects.toThrow(/ENOENT/);
});
