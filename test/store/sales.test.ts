import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { foldSales, readSales, type SalesInterval } from '../../src/store/sales-store.ts';
import { openTestDatabase } from '../support/database.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const merchantId = 'mch_sales';

async function change(quarter: string, sums: Partial<Record<'started' | 'captured', number>>, currency = 'EUR') {
  await database.pool.query(
    `insert into sales_changes (merchant_id, quarter, method, currency, started, succeeded, failed, captured_minor, refunded_minor)
     values ($1, $2, 'CARD', $3, $4, 0, 0, $5, 0)`,
    [merchantId, quarter, currency, sums.started ?? 0, sums.captured ?? 0],
  );
}

const read = async (interval: SalesInterval, from: string, before: string, timeZone = 'UTC') => {
  const range = { from: new Date(from), before: new Date(before), interval, timeZone };
  const rows = await readSales(database.pool, merchantId, range);
  return rows.map(({ start, currency, started, capturedMinor }) => [
    start.toISOString(),
    currency,
    started,
    capturedMinor,
  ]);
};

test('sums are the same before, between and after their changes are folded, and after folds at the same time', async () => {
  await change('2026-03-01T10:15:00Z', { started: 2, captured: 500 });
  await change('2026-03-01T10:45:00Z', { started: 1 });
  await change('2026-03-01T11:00:00Z', { captured: 70 }, 'JPY');
  const range = ['2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z'] as const;
  const expected = [
    ['2026-03-01T10:00:00.000Z', 'EUR', 3n, 500n],
    ['2026-03-01T11:00:00.000Z', 'JPY', 0n, 70n],
  ];
  expect(await read('HOUR', ...range)).toEqual(expected);
  expect(await foldSales(database.pool)).toEqual({ folded: 3, isFull: false });
  expect(await read('HOUR', ...range)).toEqual(expected);
  expect(await foldSales(database.pool)).toEqual({ folded: 0, isFull: false });
  for (let n = 0; n < 40; n += 1) await change('2026-03-01T10:30:00Z', { captured: 1 });
  await change('2026-03-01T11:00:00Z', { captured: -70 }, 'JPY'); // nothing is left of it
  const folds = await Promise.all([1, 2, 3].map(() => foldSales(database.pool)));
  expect(folds.reduce((sum, { folded }) => sum + folded, 0)).toBe(41);
  expect(await read('HOUR', ...range)).toEqual([['2026-03-01T10:00:00.000Z', 'EUR', 3n, 540n]]);
  expect(await read('TOTAL', ...range)).toEqual([['2026-03-01T00:00:00.000Z', 'EUR', 3n, 540n]]);
});

test('days and hours begin as they do in the time zone, also one that is not whole hours from UTC', async () => {
  await change('2026-03-28T18:15:00Z', { started: 1 }); // 00:00 in Kathmandu
  await change('2026-03-28T18:00:00Z', { started: 10 });
  await change('2026-03-29T21:45:00Z', { started: 100 }); // the 29th has 23 hours in Berlin
  const range = ['2026-03-28T12:00:00Z', '2026-03-30T00:00:00Z'] as const;
  expect(await read('DAY', ...range, 'Asia/Kathmandu')).toEqual([
    ['2026-03-27T18:15:00.000Z', 'EUR', 10n, 0n],
    ['2026-03-28T18:15:00.000Z', 'EUR', 1n, 0n],
    ['2026-03-29T18:15:00.000Z', 'EUR', 100n, 0n],
  ]);
  expect((await read('HOUR', ...range, 'Asia/Kathmandu')).map(([start]) => start)).toEqual([
    '2026-03-28T17:15:00.000Z',
    '2026-03-28T18:15:00.000Z',
    '2026-03-29T21:15:00.000Z',
  ]);
  expect((await read('DAY', ...range, 'Europe/Berlin')).map(([start]) => start)).toEqual([
    '2026-03-27T23:00:00.000Z',
    '2026-03-28T23:00:00.000Z',
  ]);
});
