import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, readLogState } from '../../src/database/database.ts';
import { claimLog } from '../../src/database/log-state.ts';
import { openTestDatabase } from '../support/database.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

test('the epoch increases only when the log moves to another cluster', async () => {
  const first = await readLogState(database.pool);
  expect(first).toEqual({
    epoch: 1,
    logId: expect.stringMatching(/^[0-9a-z]{10}$/),
    systemIdentifier: expect.any(String),
  });

  await claimLog(database.pool, first.systemIdentifier);
  expect(await readLogState(database.pool)).toEqual(first);

  // Two nodes start on the cluster to which the database was moved.
  await Promise.all([claimLog(database.pool, 'another'), claimLog(database.pool, 'another')]);
  expect(await readLogState(database.pool)).toEqual({ ...first, epoch: 2, systemIdentifier: 'another' });
});

test('Prisma reads the same state', async () => {
  expect(await database.prisma.logState.findMany()).toEqual([{ id: 1, ...(await readLogState(database.pool)) }]);
});
