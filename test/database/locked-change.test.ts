import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Database, OverloadedError } from '../../src/database/database.ts';
import { RefusedBatchError } from '../../src/database/gatherer.ts';
import { RowTypes } from '../../src/database/row-types.ts';
import { openServerPool } from '../../src/database/server.ts';
import { type LockedChange, runLockedChange } from '../../src/database/transaction.ts';
import { createTestDatabaseUrl, openTestDatabase } from '../support/database.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
  await database.pool.query('CREATE TABLE counts (id int PRIMARY KEY, value int NOT NULL CHECK (value < 100))');
});
afterAll(async () => {
  await database.pool.query('DROP TABLE counts');
  await database.close();
});
beforeEach(() => database.pool.query('INSERT INTO counts VALUES (1, 0) ON CONFLICT (id) DO UPDATE SET value = 0'));

const valueNow = async () => (await database.pool.query('SELECT value FROM counts')).rows[0]?.value;
const valueIn = (rows: readonly unknown[]) => (rows as readonly { value: number }[])[0]?.value ?? 0;

/** Adds to the count, which it locks. */
function adding(more: number, parts: Partial<LockedChange> = {}): LockedChange {
  return {
    lock: 'SELECT pg_advisory_xact_lock(77, 1); SELECT 5 AS held',
    load: { name: 'load count', text: 'SELECT value FROM counts WHERE id = $1', values: [1] },
    decide: (_locked, loaded) => ({
      name: 'write count',
      text: 'UPDATE counts SET value = $1 RETURNING value',
      values: [valueIn(loaded) + more],
    }),
    beforeCommit: () => undefined,
    ...parts,
  };
}

test('it decides from the last rows of the lock and the loaded rows, and returns the written rows after the commit', async () => {
  const seen: unknown[] = [];
  const decide: LockedChange['decide'] = (locked, loaded) => {
    seen.push(...locked, ...loaded);
    return adding(3).decide(locked, loaded);
  };
  expect(await database.changeLocked(adding(3, { decide }))).toEqual([{ value: 3 }]);
  expect(seen).toEqual([{ held: 5 }, { value: 0 }]);
  expect(await valueNow()).toBe(3);
});

test('changes that wait for the same lock each load what the one before has committed', async () => {
  await Promise.all(Array.from({ length: 20 }, () => database.changeLocked(adding(1))));
  expect(await valueNow()).toBe(20);
});

test('the lock and the load are sent together, and so are the write and the commit', async () => {
  const steps: string[] = [];
  const client = await database.writes.connect();
  expect(client).toMatchObject({ pipeline: true });
  const query = async (statement: string | pg.QueryConfig) => {
    const name = typeof statement === 'string' ? (statement.split(' ')[0] ?? '') : (statement.name ?? '');
    steps.push(`${name} sent`);
    const result = await client.query(statement as pg.QueryConfig);
    steps.push(`${name} answered`);
    return result;
  };
  const pool = { connect: async () => ({ query, release: () => client.release() }) };
  await runLockedChange(pool as unknown as pg.Pool, adding(1));
  expect(steps).toEqual([
    ...['BEGIN sent', 'load count sent', 'BEGIN answered', 'load count answered'],
    ...['write count sent', 'COMMIT sent', 'write count answered', 'COMMIT answered'],
  ]);
});

test('a decision to write nothing ends the transaction', async () => {
  expect(await database.changeLocked(adding(1, { decide: () => null }))).toEqual([]);
  expect(await database.changeLocked(adding(2))).toEqual([{ value: 2 }]);
});

const failing = { name: 'failing', text: 'SELECT 1 / $1::int', values: [0] };
const unparsable = { name: 'unparsable', text: 'SELECT nothing', values: [] };
test.each<[what: string, parts: Partial<LockedChange>, cause: string]>([
  ['the lock', { lock: 'SELECT 1 / 0' }, 'division by zero'],
  ['the load', { load: failing }, 'division by zero'],
  ['the write', { decide: () => failing }, 'division by zero'],
  ['a load that cannot be parsed', { load: unparsable }, 'column "nothing" does not exist'],
  ['a write that cannot be parsed', { decide: () => unparsable }, 'column "nothing" does not exist'],
  [
    'the write, before the commit may be sent',
    { decide: () => failing, beforeCommit: () => new Promise(setImmediate) },
    'division by zero',
  ],
  [
    'a rule',
    { decide: () => ({ text: 'UPDATE counts SET value = 100' }) },
    'new row for relation "counts" violates check constraint "counts_value_check"',
  ],
  [
    'the decision',
    {
      decide: () => {
        throw new Error('no');
      },
    },
    'no',
  ],
])('an error of %s refuses the change: nothing is written, and the connection works', async (_what, parts, message) => {
  const error = await database.changeLocked(adding(1, parts)).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RefusedBatchError);
  expect(error).toMatchObject({ cause: { message } });
  expect(await valueNow()).toBe(0);
  expect(await database.changeLocked(adding(1))).toEqual([{ value: 1 }]);
});

test('the commit waits for what beforeCommit returns, and its error rolls the change back', async () => {
  const paused = database.changeLocked(adding(1, { beforeCommit: () => Promise.reject(new Error('stopped')) }));
  await expect(paused).rejects.toThrow('stopped');
  expect(await valueNow()).toBe(0);
});

test.runIf(process.env.DATABASE_URL)(
  'a connection that breaks while the commit is held back is not a refusal',
  async () => {
    const killAll = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()`;
    const kill = async () => {
      // The write may still be on its way.
      while ((await database.pool.query(killAll)).rowCount === 0);
    };
    const outcome = database.changeLocked(adding(1, { beforeCommit: kill }));
    await expect(outcome).rejects.toBeInstanceOf(OverloadedError);
    expect(await database.changeLocked(adding(2))).toEqual([{ value: 2 }]);
  },
);

/** A way to the server that delivers everything up to the first COMMIT, swallows the answers to it, and then ends with an error of its own. */
async function openBreakingLine(url: string, end: 'fatal error' | 'reset') {
  let hasCommitted = () => {};
  const committed = new Promise<void>((resolve) => {
    hasCommitted = resolve;
  });
  const server = createServer((near) => {
    const { hostname, port } = new URL(url);
    const far = connect(Number(port), hostname);
    let isCommitting = false;
    near.on('data', (chunk) => {
      isCommitting ||= chunk.includes('COMMIT\0');
      far.write(chunk);
    });
    far.on('data', (chunk) => {
      if (!isCommitting) return void near.write(chunk);
      if (!chunk.includes('COMMIT\0')) return;
      hasCommitted();
      if (end === 'reset') return void near.resetAndDestroy();
      const fields = Buffer.from('SFATAL\0VFATAL\0CXX000\0Mlost the server\0\0');
      const length = Buffer.alloc(4);
      length.writeInt32BE(fields.length + 4);
      near.end(Buffer.concat([Buffer.from('E'), length, fields]));
    });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.on('error', () => other.destroy());
      socket.on('close', () => other.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const lineUrl = new URL(url);
  lineUrl.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url: lineUrl.href, committed, close: () => server.close() };
}

test.runIf(process.env.DATABASE_URL).each(['fatal error', 'reset'] as const)(
  'a change that was committed before the line broke is not refused, so that it is not made again: %s',
  async (end) => {
    const url = (await createTestDatabaseUrl()) ?? '';
    const direct = openServerPool(url, new RowTypes(), { max: 1, isByKey: false });
    await direct.query('CREATE TABLE counts (id int PRIMARY KEY, value int NOT NULL)');
    await direct.query('INSERT INTO counts VALUES (1, 0)');
    const line = await openBreakingLine(url, end);
    const pool = openServerPool(line.url, new RowTypes(), { max: 1, isByKey: true });
    const error = await runLockedChange(pool, adding(1)).catch((reason: unknown) => reason);
    await line.committed;
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(RefusedBatchError);
    expect((await direct.query('SELECT value FROM counts')).rows).toEqual([{ value: 1 }]);
    await Promise.all([pool.end(), direct.end()]);
    line.close();
  },
);
