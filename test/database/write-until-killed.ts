// Started by crash.test.ts: writes merchants, one per transaction, and prints each id after the commit.
import { openDatabase } from '../../src/database/database.ts';

const [dataDir = '', databaseUrl = null] = process.argv.slice(2);
const database = await openDatabase({ databaseUrl, dataDir });
for (let count = 1; ; count++) {
  const id = `mch_${String(count).padStart(8, '0')}`;
  await database.transaction((tx) =>
    tx.query(`INSERT INTO merchants (id, name, return_origins, created_at) VALUES ($1, 'Tea', '{}', now())`, [id]),
  );
  process.stdout.write(`${id}\n`);
}
