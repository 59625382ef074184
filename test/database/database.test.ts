import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { waitingCountMax } from '../../src/database/bounded-pool.ts';
import { type Database, OverloadedError, openDatabase, readLogState } from '../../src/database/database.ts';
import { makeCluster } from '../../src/database/embedded.ts';
import { createTestDatabaseUrl, makeTestDataDir, openTestDatabase } from '../support/database.ts';

const { server } = inject('testRun');

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
  await database.pool.query('CREATE TABLE notes (id int PRIMARY KEY)');
});
afterAll(async () => {
  await database.pool.query('DROP TABLE notes');
  await database.close();
});

const readNotes = async () => (await database.pool.query('SELECT id FROM notes ORDER BY id')).rows.map(({ id }) => id);
const addNote = (queryable: pg.Pool | pg.ClientBase, id: number) =>
  queryable.query('INSERT INTO notes VALUES ($1)', [id]);

test('a READ COMMITTED transaction resolves with the result of its work after the commit', async () => {
  const level = await database.transaction(async (tx) => {
    await addNote(tx, 1);
    return (await tx.query('SHOW transaction_isolation')).rows;
  });
  expect(level).toEqual([{ transaction_isolation: 'read committed' }]);
  expect(await readNotes()).toContain(1);
});

test('a transaction whose work throws is rolled back and throws the same error', async () => {
  const thrown = new Error('no');
  const outcome = database.transaction(async (tx) => {
    await addNote(tx, 2);
    throw thrown;
  });
  await expect(outcome).rejects.toBe(thrown);
  expect(await readNotes()).not.toContain(2);
});

test('a transaction whose work swallows a failed statement is not reported as committed', async () => {
  const outcome = database.transaction(async (tx) => {
    await addNote(tx, 3);
    await tx.query('SELECT 1 / 0').catch(() => {});
  });
  await expect(outcome).rejects.toThrow('rolled back');
  expect(await readNotes()).not.toContain(3);
});

test('concurrent transactions, on the pool and through Prisma, are isolated', async () => {
  const ids = Array.from({ length: 40 }, (_, index) => 100 + index);
  await Promise.all([
    ...ids.map((id) => database.transaction((tx) => addNote(tx, id))),
    ...ids.map(() => database.prisma.$transaction([database.prisma.merchant.count(), database.prisma.order.count()])),
    ...ids.map((id) =>
      expect(database.transaction((tx) => tx.query('SELECT 1 / 0', []).then(() => id))).rejects.toThrow(),
    ),
  ]);
  expect(await readNotes()).toEqual(expect.arrayContaining(ids));
});

test('a database error keeps its connection usable', async () => {
  await addNote(database.pool, 200);
  const before = database.pool.totalCount;
  const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => addNote(database.pool, 200)));
  expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual(
    Array(50).fill('23505'),
  );
  expect(database.pool.totalCount).toBeGreaterThanOrEqual(before);
  expect(await readNotes()).toContain(200);
});

test.each(['pool', 'writes'] as const)(
  'when too many callers wait for a connection of the %s, the next is refused at once, and the rest are served',
  async (name) => {
    const bounded = database[name];
    const held = await Promise.all(Array.from({ length: bounded.options.max }, () => bounded.connect()));
    const waiting = Array.from({ length: waitingCountMax }, () => bounded.connect().then((client) => client.release()));
    await expect(bounded.query('SELECT 1')).rejects.toBeInstanceOf(OverloadedError);
    for (const client of held) client.release();
    await Promise.all(waiting);
  },
);

test('transactions wait for none of the queries on PostgreSQL, and with them on PGlite', async () => {
  const held = await Promise.all(Array.from({ length: database.pool.options.max }, () => database.pool.connect()));
  const done: string[] = [];
  const transaction = database.transaction(async () => done.push('transaction'));
  if (server !== null) await transaction;
  done.push('released');
  for (const client of held) client.release();
  await transaction;
  expect(done).toEqual(server === null ? ['released', 'transaction'] : ['transaction', 'released']);
});

test('maintenance returns its steps', async () => {
  expect(await database.maintain()).toEqual(server === null ? ['CHECKPOINT', 'VACUUM ANALYZE'] : []);
});

test('a closed database may be closed again, and reopens with all its data', async () => {
  const dataDir = makeTestDataDir();
  const databaseUrl = await createTestDatabaseUrl();
  const first = await openDatabase({ databaseUrl, dataDir });
  await first.pool.query('CREATE TABLE notes (id int PRIMARY KEY)');
  await addNote(first.pool, 1);
  const state = await readLogState(first.pool);
  await first.close();
  await first.close();

  // As if the tables had been dumped and loaded into another directory; a server tells its clusters apart by itself.
  const moved = server === null ? { epoch: state.epoch + 1, systemIdentifier: 'another' } : {};
  if (server === null) writeFileSync(join(dataDir, 'pglite', 'cluster-id'), 'another');
  const second = await openDatabase({ databaseUrl, dataDir, migrate: false });
  expect((await second.pool.query('SELECT id FROM notes')).rows).toEqual([{ id: 1 }]);
  expect(await readLogState(second.pool)).toEqual({ ...state, ...moved });
  await second.close();
});

test.each<[databaseUrl: string, reason: RegExp]>([
  ['mysql://root:s3cret@127.0.0.1/x', /^DATABASE_URL is not a PostgreSQL URL/],
  ['root:s3cret', /^DATABASE_URL is not a PostgreSQL URL/],
  // Port 1 is nobody's: reserved, and below what a program may take without being root.
  [
    'postgresql://root:s3cret@127.0.0.1:1/x',
    /^Cannot use the PostgreSQL database at root@127\.0\.0\.1:1\/x: .*ECONNREFUSED/,
  ],
])('an unusable DATABASE_URL is refused with the reason and without the password: %s', async (databaseUrl, reason) => {
  const error: unknown = await openDatabase({ databaseUrl, dataDir: tmpdir() }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ message: expect.stringMatching(reason) });
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('s3cret');
});

const onPostgresql = test.runIf(server !== null);

test('a new cluster is complete, whatever a crash left in its place', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'paystream-cluster-'));
  writeFileSync(join(dir, 'pglite.partial'), 'what a crash left behind');
  await makeCluster(join(dir, 'pglite'));
  expect(readdirSync(dir)).toEqual(['pglite']);
  expect(readFileSync(join(dir, 'pglite', 'PG_VERSION'), 'utf8')).toMatch(/^\d+\n$/);
  rmSync(dir, { recursive: true });
});

onPostgresql('sessions are in UTC whatever the database and the URL ask for', async () => {
  const databaseUrl = new URL((await createTestDatabaseUrl()) ?? '');
  databaseUrl.searchParams.set('options', '-c timezone=Asia/Tokyo -c work_mem=5MB');
  const options = { databaseUrl: databaseUrl.href, dataDir: tmpdir() };
  const abroad = await openDatabase(options);
  const { rows } = await abroad.pool.query(
    `SELECT current_setting('TimeZone') AS zone, current_setting('work_mem') AS memory,
       current_setting('statement_timeout') AS statement`,
  );
  expect(rows).toEqual([{ zone: 'UTC', memory: '5MB', statement: '15s' }]);
  const createdAt = new Date('2026-01-01T00:00:00Z');
  await abroad.prisma.merchant.create({ data: { id: 'mch_1', name: 'Tea', createdAt, returnOrigins: [] } });
  const seconds = await abroad.pool.query('SELECT extract(epoch FROM created_at)::int AS seconds FROM merchants');
  expect(seconds.rows).toEqual([{ seconds: createdAt.getTime() / 1000 }]);
  await abroad.close();
});

onPostgresql('a connection lost inside a transaction fails that transaction and nothing else', async () => {
  const outcome = database.transaction(async (tx) => {
    const { rows } = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await database.pool.query('SELECT pg_terminate_backend($1, 5000)', [rows[0]?.pid]);
    await addNote(tx, 300);
  });
  await expect(outcome).rejects.toThrow();
  expect(await readNotes()).not.toContain(300);
});

onPostgresql('idle connections that the server ends do not end the process', async () => {
  await Promise.all(Array.from({ length: 3 }, () => database.pool.query('SELECT pg_sleep(0.01)')));
  await database.transaction((tx) =>
    tx.query(
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
    ),
  );
  await expect.poll(readNotes).toContain(1);
});
