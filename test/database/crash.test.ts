import { expect, test } from 'vitest';
import { openDatabase } from '../../src/database/database.ts';
import { createTestDatabaseUrl, makeTestDataDir } from '../support/database.ts';
import { nextLine, startScript } from './child-process.ts';

test('kill -9 in the middle of writing loses nothing that was acknowledged', async () => {
  const dataDir = makeTestDataDir();
  const databaseUrl = await createTestDatabaseUrl();
  const writer = startScript('write-until-killed.ts', databaseUrl === null ? [dataDir] : [dataDir, databaseUrl]);
  const acknowledged: string[] = [];
  while (acknowledged.length < 100) acknowledged.push(await nextLine(writer));
  await writer.kill();

  const database = await openDatabase({ databaseUrl, dataDir });
  const { rows } = await database.pool.query<{ id: string }>('SELECT id FROM merchants ORDER BY id');
  await database.close();
  expect(rows.map(({ id }) => id)).toEqual(expect.arrayContaining(acknowledged));
});
