import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Database, openDatabase, overloadIn } from '../../src/database/database.ts';
import { gatherLookups } from '../../src/database/gathered-lookups.ts';
import { RowTypes } from '../../src/database/row-types.ts';
import { openServerPool } from '../../src/database/server.ts';
import { createTestDatabaseUrl } from '../support/database.ts';
import { type FragileLine, openFragileLine } from '../support/fragile-line.ts';

const sleep = 'SELECT 1 AS slept FROM pg_sleep(300)';

/** Every way in which the product sends a statement. */
const ways: readonly [name: string, ask: (database: Database) => Promise<unknown>][] = [
  ['a query', ({ pool }) => pool.query(sleep)],
  ['a query that calls back', ({ pool }) => calledBack((done) => pool.query(sleep, done))],
  ['the read of a subscription', ({ follows }) => follows.query({ name: 'sleep', text: sleep })],
  ['a statement of a command', ({ writes }) => writes.query(sleep, [])],
  ['a gathered lookup', ({ writes }) => gatherLookups(async () => (await writes.query(sleep)).rows)('key')],
  ['a transaction', ({ transaction }) => transaction((tx) => tx.query(sleep))],
  ['the lock of a change', ({ changeLocked }) => changeLocked({ ...change, lock: sleep })],
  ['the write of a change', ({ changeLocked }) => changeLocked({ ...change, decide: () => ({ text: sleep }) })],
  ['a query of Prisma', ({ prisma }) => prisma.$queryRawUnsafe(sleep)],
  ['a transaction of Prisma', ({ prisma }) => prisma.$transaction((tx) => tx.$queryRawUnsafe(sleep))],
];

const change = {
  lock: 'SELECT 1',
  load: { text: 'SELECT 1' },
  decide: () => ({ text: 'SELECT 1' }),
  beforeCommit: () => undefined,
};

function calledBack(ask: (done: (error: Error | undefined) => void) => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => ask((error) => (error ? reject(error) : resolve(null))));
}

describe.runIf(process.env.DATABASE_URL)('a connection that breaks under a statement', () => {
  let stranger: pg.Client;
  let line: FragileLine;
  let database: Database;
  beforeAll(async () => {
    const url = new URL((await createTestDatabaseUrl()) ?? '');
    stranger = new pg.Client({ connectionString: url.href });
    await stranger.connect();
    const server = url.href;
    line = await openFragileLine(() => server);
    url.host = new URL(line.url).host;
    database = await openDatabase({ databaseUrl: url.href, dataDir: tmpdir() });
  });
  afterAll(async () => {
    await database.close();
    await stranger.end();
    await line.close();
  });

  const sleeping = `FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;
  const terminate = () => stranger.query(`SELECT pg_terminate_backend(pid, 5000) ${sleeping}`);
  const breaks = {
    'by the server': terminate,
    'on the way': async () => {
      line.cut();
      await terminate(); // the server would sleep on
    },
  };

  describe.each(Object.entries(breaks))('%s', (_how, cut) => {
    test.each(ways)('is an overload for %s', async (_way, ask) => {
      const outcome = ask(database).catch((error: unknown) => error);
      await expect.poll(async () => (await stranger.query(`SELECT ${sleeping}`)).rowCount).toBe(1);
      await cut();
      const error = await outcome;
      expect(error).toBeInstanceOf(Error);
      expect(overloadIn(error), String(error)).toMatchObject({ keepsConnection: false });
      expect((await database.pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    });
  });
});

describe.runIf(process.env.DATABASE_URL)('a connection that breaks before its first statement is an overload', () => {
  test.each([
    ['while it is made', 'application_name'],
    ['while its session is set up', 'TimeZone'],
  ])('%s', async (_when, marker) => {
    const server = new URL((await createTestDatabaseUrl()) ?? '');
    const line = createServer((near) => {
      const far = connect(Number(server.port), server.hostname);
      near.on('data', (chunk) => (chunk.includes(marker) ? near.resetAndDestroy() : far.write(chunk)));
      far.pipe(near);
      for (const end of [near, far]) end.on('error', () => {});
      near.on('close', () => far.destroy());
    }).listen(0, '127.0.0.1');
    await once(line, 'listening');
    const url = new URL(server);
    url.host = `127.0.0.1:${(line.address() as AddressInfo).port}`;
    const pool = openServerPool(url.href, new RowTypes(), { max: 1, isByKey: true });
    onTestFinished(async () => {
      await pool.end();
      line.close();
    });
    for (const ask of [() => pool.query('SELECT 1'), () => pool.connect()]) {
      expect(overloadIn(await ask().catch((error: unknown) => error))).toMatchObject({ keepsConnection: false });
    }
  });
});
