import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openTestDatabase } from '../support/database.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

test.each<[sql: string, value: unknown]>([
  [`9007199254740993::int8`, 9007199254740993n],
  [`ARRAY[1, NULL]::int8[]`, [1n, null]],
  [`count(*)`, 1n],
  [`7::int4`, 7],
  [`'2026-01-01T00:00:00.123Z'::timestamptz`, new Date('2026-01-01T00:00:00.123Z')],
  [`'{"a": [1, null]}'::jsonb`, { a: [1, null] }],
  [`'\\x00ff'::bytea`, Buffer.from([0x00, 0xff])],
  [`ARRAY['SURPLUS', 'LATE_PAYMENT']::"ReviewReason"[]`, ['SURPLUS', 'LATE_PAYMENT']],
  [`'{}'::"ReviewReason"[]`, []],
])('the pool reads %s with its type', async (sql, value) => {
  const { rows } = await database.pool.query(`SELECT ${sql} AS value`);
  expect(rows).toEqual([{ value }]);
});

test('bigint and Date are written as they are read', async () => {
  const values = [2n ** 63n - 1n, new Date('2026-06-30T23:59:59.999Z')];
  const { rows } = await database.pool.query('SELECT $1::int8 AS amount, $2::timestamptz AS instant', values);
  expect(rows).toEqual([{ amount: values[0], instant: values[1] }]);
});

test('Prisma and the pool write and read the same rows, including times', async () => {
  const createdAt = new Date('2026-01-01T00:00:00.000Z');
  await database.prisma.merchant.create({ data: { id: 'mch_prisma', name: 'Tea', returnOrigins: ['*'], createdAt } });
  const { rows } = await database.pool.query(
    `SELECT name, return_origins, created_at, extract(epoch FROM created_at)::int8 AS seconds FROM merchants WHERE id = 'mch_prisma'`,
  );
  // The database computes the seconds: in another session time zone they would be hours off.
  const seconds = BigInt(createdAt.getTime() / 1000);
  expect(rows).toEqual([{ name: 'Tea', return_origins: ['*'], created_at: createdAt, seconds }]);

  await database.pool.query(
    `INSERT INTO merchants (id, name, return_origins, created_at) VALUES ('mch_pool', 'Cup', '{}', $1)`,
    [createdAt],
  );
  expect(await database.prisma.merchant.findUnique({ where: { id: 'mch_pool' } })).toEqual({
    ...{ id: 'mch_pool', name: 'Cup', latePaymentPolicy: 'ACCEPT', returnOrigins: [], createdAt },
    ...{ usesEnvironmentAccounts: false, refundLimits: null, webOrigins: [], brandColor: null },
  });
});

test('every session is in UTC', async () => {
  const zones = await Promise.all(
    Array.from({ length: 4 }, () => database.pool.query(`SELECT current_setting('TimeZone') AS zone`)),
  );
  expect(zones.map(({ rows }) => rows)).toEqual(Array.from({ length: 4 }, () => [{ zone: 'UTC' }]));
});
