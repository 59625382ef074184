import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Clock } from '../../sandbox/clock.ts';
import { Ledger } from '../../sandbox/ledger.ts';

type Jar = { readonly id: string; readonly coins: number };

test('a failed transaction changes nothing and calls no listener', () => {
  const ledger = new Ledger(null);
  const jars = ledger.table<Jar>('jars');
  const told: string[] = [];
  ledger.transact(() => jars.put({ id: 'a', coins: 1 }));
  const failing = (): void =>
    ledger.transact(() => {
      ledger.afterCommit(() => told.push('failed'));
      jars.put({ id: 'a', coins: 2 });
      jars.put({ id: 'b', coins: 9 });
      throw new Error('no');
    });
  expect(failing).toThrow('no');
  expect([...jars.all()]).toEqual([{ id: 'a', coins: 1 }]);
  expect(told).toEqual([]);
});

test('a change outside a transaction is refused', () => {
  const jars = new Ledger(null).table<Jar>('jars');
  expect(() => jars.put({ id: 'a', coins: 1 })).toThrow('outside of Ledger.transact');
});

test('a journal with many more changes than rows is compacted at start, and numbers continue', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sandbox-ledger-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const before = new Ledger(dir);
  const jars = before.table<Jar>('jars');
  for (let coins = 0; coins < 1500; coins += 1) {
    before.transact(() => jars.put({ id: coins % 2 === 0 ? 'a' : 'b', coins: before.nextNumber() }));
  }
  before.transact(() => jars.delete('b'));
  before.close();
  const file = join(dir, 'ledger.jsonl');
  const grownBytes = statSync(file).size;
  const rewritten = new Ledger(dir);
  rewritten.transact(() => rewritten.table<Jar>('jars').put({ id: 'c', coins: rewritten.nextNumber() }));
  rewritten.close();
  expect(statSync(file).size).toBeLessThan(grownBytes / 100);
  const after = new Ledger(dir);
  onTestFinished(() => after.close());
  expect([...after.table<Jar>('jars').all()]).toEqual([
    { id: 'a', coins: 1499 },
    { id: 'c', coins: 1501 },
  ]);
});

test('the clock runs due tasks in order, including tasks that are scheduled on the way', async () => {
  const clock = new Clock();
  onTestFinished(() => clock.close());
  const story: string[] = [];
  const start = clock.nowMs();
  clock.at(start + 60_000, () => void story.push('second'));
  clock.at(start + 30_000, async () => {
    await Promise.resolve();
    story.push('first');
    clock.at(clock.nowMs() + 60_000, () => void story.push('third'));
  });
  clock.at(start + 500_000, () => void story.push('later'));
  await clock.advance(120_000);
  expect(story).toEqual(['first', 'second', 'third']);
  expect(clock.nowMs()).toBeGreaterThanOrEqual(start + 120_000);
});
