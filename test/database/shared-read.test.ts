import { expect, test } from 'vitest';
import { shareReads } from '../../src/database/shared-read.ts';

/** A value that changes, and reads of it that end when the test lets them. */
function createSource() {
  const running: { readonly finish: () => void; readonly fail: () => void }[] = [];
  let value = 0;
  const read = shareReads(
    (_name: string) =>
      new Promise<number>((resolve, reject) => {
        const seen = value;
        running.push({ finish: () => resolve(seen), fail: () => reject(new Error('away')) });
      }),
    (name) => name,
  );
  const next = () => running.shift() ?? expect.fail('No read is under way.');
  return {
    read,
    running,
    next,
    change() {
      value += 1;
    },
  };
}

test('callers who come during a read share the next one, and nobody gets what was read before they asked', async () => {
  const { read, running, next, change } = createSource();
  const first = read('a');
  change();
  const later = [read('a'), read('a'), read('a')];
  expect(running).toHaveLength(1);
  next().finish();
  expect(await first).toBe(0);
  await new Promise(setImmediate);
  expect(running).toHaveLength(1);
  change();
  const last = read('a');
  next().finish();
  expect(await Promise.all(later)).toEqual([1, 1, 1]);
  await new Promise(setImmediate);
  next().finish();
  expect(await last).toBe(2);
});

test('reads of different names do not wait for each other', () => {
  const { read, running } = createSource();
  void read('a');
  void read('b');
  expect(running).toHaveLength(2);
});

test('a read that fails fails for those who share it, and the next one is a new one', async () => {
  const { read, next } = createSource();
  const first = read('a');
  const shared = [read('a'), read('a')];
  next().fail();
  await expect(first).rejects.toThrow('away');
  await new Promise(setImmediate);
  next().finish();
  expect(await Promise.all(shared)).toEqual([0, 0]);
  const again = read('a');
  next().finish();
  expect(await again).toBe(0);
});
