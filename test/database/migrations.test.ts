import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Database, DatabaseOpenError } from '../../src/database/database.ts';
import { readMigrationFiles } from '../../src/database/migration-files.ts';
import { applyMigrations, requireMigrated } from '../../src/database/migrations.ts';
import { openTestDatabase } from '../support/database.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

// Each test migrates its own schema, which behaves like an empty database.
let dir: string;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'paystream-migrations-'));
  await database.pool.query('CREATE SCHEMA scratch');
});
afterEach(async () => {
  rmSync(dir, { recursive: true });
  await database.pool.query('DROP SCHEMA scratch CASCADE');
});

function writeMigration(name: string, sql: string): void {
  mkdirSync(join(dir, name), { recursive: true });
  writeFileSync(join(dir, name, 'migration.sql'), sql);
}

async function inScratch<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await database.pool.connect();
  try {
    await client.query('SET search_path = scratch');
    return await work(client);
  } finally {
    await client.query('RESET search_path');
    client.release();
  }
}

const migrate = () => inScratch((client) => applyMigrations(client, dir));

async function readHistory(): Promise<unknown[]> {
  const { rows } = await database.pool.query(
    `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished, applied_steps_count AS steps
     FROM scratch._prisma_migrations ORDER BY migration_name`,
  );
  return rows;
}

test('pending migrations are applied in the order of their names, once', async () => {
  writeMigration('2_second', 'ALTER TABLE a ADD COLUMN b int; INSERT INTO a (b) VALUES (1)');
  writeMigration('1_first', 'CREATE TABLE a (id serial)');
  expect(await migrate()).toEqual(['1_first', '2_second']);
  expect(await migrate()).toEqual([]);
  writeMigration('3_third', 'INSERT INTO a (b) VALUES (2)');
  expect(await migrate()).toEqual(['3_third']);
  expect((await database.pool.query('SELECT b FROM scratch.a ORDER BY b')).rows).toEqual([{ b: 1 }, { b: 2 }]);
});

test('the history has the format of Prisma', async () => {
  writeMigration('1_first', 'CREATE TABLE a ()');
  await migrate();
  const [file] = await readMigrationFiles(dir);
  expect(file?.checksum).toMatch(/^[0-9a-f]{64}$/);
  expect(await readHistory()).toEqual([{ name: '1_first', checksum: file?.checksum, finished: true, steps: 1 }]);
});

test('a migration that was edited after it was applied is refused by name', async () => {
  writeMigration('1_first', 'CREATE TABLE a ()');
  await migrate();
  writeMigration('1_first', 'CREATE TABLE a () -- edited');
  await expect(migrate()).rejects.toThrow(/^Migration 1_first was changed after it was applied\./);
  await expect(migrate()).rejects.toBeInstanceOf(DatabaseOpenError);
});

test('a migration that fails leaves nothing behind and may be corrected', async () => {
  writeMigration('1_first', 'CREATE TABLE a (); SELECT 1 / 0');
  await expect(migrate()).rejects.toThrow('Migration 1_first failed: division by zero');
  expect(await readHistory()).toEqual([]);
  writeMigration('1_first', 'CREATE TABLE a ()');
  expect(await migrate()).toEqual(['1_first']);
});

test('a half-applied migration is refused until an operator resolves it', async () => {
  writeMigration('1_first', '-- no-transaction\nSELECT 1 / 0');
  await expect(migrate()).rejects.toThrow('Migration 1_first failed: division by zero');
  await expect(migrate()).rejects.toThrow(/^Migration 1_first started at 20.+Z and never finished\./);
  await database.pool.query('UPDATE scratch._prisma_migrations SET rolled_back_at = now()');
  writeMigration('1_first', '-- no-transaction\nSELECT 1');
  expect(await migrate()).toEqual(['1_first']);
});

test('a migration without a transaction may create an index concurrently', async () => {
  writeMigration('1_first', 'CREATE TABLE a (id int)');
  writeMigration('2_index', '-- no-transaction\nCREATE INDEX CONCURRENTLY a_id ON a (id)');
  expect(await migrate()).toEqual(['1_first', '2_index']);
});

test('an unknown migration of a newer version is accepted', async () => {
  writeMigration('1_first', 'CREATE TABLE a ()');
  writeMigration('2_newer', 'CREATE TABLE b ()');
  await migrate();
  rmSync(join(dir, '2_newer'), { recursive: true });
  expect(await migrate()).toEqual([]);
});

test('processes that start at the same time apply each migration once', async () => {
  writeMigration('1_first', 'CREATE TABLE a (); SELECT pg_sleep(0.05)');
  const applied = await Promise.all(Array.from({ length: 4 }, migrate));
  expect(applied.flat()).toEqual(['1_first']);
});

test('a process that must not migrate refuses a database that lacks migrations', async () => {
  writeMigration('1_first', 'CREATE TABLE a ()');
  const check = () => inScratch((client) => requireMigrated(client, dir));
  await expect(check()).rejects.toThrow('The database lacks migrations: 1_first.');
  await migrate();
  await check();
  writeMigration('2_second', 'CREATE TABLE b ()');
  await expect(check()).rejects.toThrow('The database lacks migrations: 2_second.');
});
