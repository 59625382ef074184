import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockDataDir } from '../../src/database/data-dir-lock.ts';
import { DatabaseOpenError, openDatabase } from '../../src/database/database.ts';
import { processStartOf } from '../../src/database/process-identity.ts';
import { type Child, nextLine, startScript } from './child-process.ts';

let dataDir: string;
let children: Child[];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'paystream-lock-'));
  children = [];
});
afterEach(async () => {
  await Promise.all(children.map((child) => child.kill()));
  rmSync(dataDir, { recursive: true });
});

function startHolder(): Child {
  const child = startScript('hold-lock.ts', [dataDir]);
  children.push(child);
  return child;
}

function writeLock(owner: object): void {
  const ours = { token: 'other', pid: process.pid, processStart: processStartOf(process.pid), host: hostname() };
  writeFileSync(join(dataDir, 'lock'), JSON.stringify({ ...ours, since: '2026-01-01T00:00:00.000Z', ...owner }));
}

test('a second process is refused at once with the holder and the start time', async () => {
  const holder = startHolder();
  expect(await nextLine(holder)).toBe('locked');
  const sentence = `The data directory is in use by process ${holder.process.pid} since 20`;
  expect(() => lockDataDir(dataDir)).toThrow(sentence);
  await expect(openDatabase({ databaseUrl: null, dataDir })).rejects.toThrow(sentence);
  expect(readdirSync(dataDir)).toEqual(['lock']); // the database was not opened
});

test('the same process is refused too', () => {
  const lock = lockDataDir(dataDir);
  expect(() => lockDataDir(dataDir)).toThrow(DatabaseOpenError);
  lock.release();
});

test('a released directory is free and empty', () => {
  const lock = lockDataDir(dataDir);
  lock.release();
  lock.release();
  expect(readdirSync(dataDir)).toEqual([]);
  lockDataDir(dataDir).release();
});

test('the lock of a killed process is taken over', async () => {
  const holder = startHolder();
  expect(await nextLine(holder)).toBe('locked');
  await holder.kill();
  const lock = lockDataDir(dataDir);
  expect(readFileSync(join(dataDir, 'lock'), 'utf8')).toContain(`"pid":${process.pid}`);
  lock.release();
});

test('a process that reuses the pid of the dead holder does not keep the lock', () => {
  writeLock({ processStart: '1' });
  // When process starts cannot be read, any live pid counts.
  if (processStartOf(process.pid) === null) expect(() => lockDataDir(dataDir)).toThrow(DatabaseOpenError);
  else lockDataDir(dataDir).release();
});

test('a holder on another host is never considered dead', () => {
  writeLock({ host: 'elsewhere', pid: 2 ** 30 });
  expect(() => lockDataDir(dataDir)).toThrow(
    `in use by process ${2 ** 30} on host elsewhere since 2026-01-01T00:00:00.000Z`,
  );
});

test.each(['', 'null', '{"pid":"1"}', 'not ours'])('a lock file that holds %j is left alone', (text) => {
  writeFileSync(join(dataDir, 'lock'), text);
  expect(() => lockDataDir(dataDir)).toThrow(/is not a lock of this program/);
  expect(readFileSync(join(dataDir, 'lock'), 'utf8')).toBe(text);
});

test('a killed takeover does not block the next one', () => {
  writeLock({ pid: 2 ** 30 });
  writeFileSync(join(dataDir, 'lock.takeover'), readFileSync(join(dataDir, 'lock')));
  const lock = lockDataDir(dataDir);
  expect(readdirSync(dataDir)).toEqual(['lock']);
  lock.release();
});

test('of four processes that find the lock of a dead process, exactly one gets it', async () => {
  writeLock({ pid: 2 ** 30 });
  const answers = await Promise.all(Array.from({ length: 4 }, () => nextLine(startHolder())));
  expect(answers.filter((answer) => answer === 'locked')).toHaveLength(1);
  expect(answers.filter((answer) => answer.includes('is in use by process'))).toHaveLength(3);
});
