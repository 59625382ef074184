import { expect, test } from 'vitest';
import { OverloadedError } from '../../src/database/errors.ts';
import { gatherLookups } from '../../src/database/gathered-lookups.ts';
import { gatheredMax } from '../../src/database/gatherer.ts';

/** A table whose statements read at once and answer when the test lets them. */
function openTable() {
  const rows = new Map<string, string>();
  const statements: { readonly keys: readonly string[]; answer(): void; fail(error: Error): void }[] = [];
  const lookUp = gatherLookups<string, string | null>((keys) => {
    const read = keys.map((key) => rows.get(key) ?? null);
    return new Promise((resolve, reject) => {
      statements.push({ keys, answer: () => resolve(read), fail: reject });
    });
  });
  return { rows, statements, lookUp };
}
/** Resolves when answers are passed on, and the lookups that wait have their statement. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise(setImmediate);
}

test('lookups that wait for a statement are answered together by the next one, each with its own result', async () => {
  const { rows, statements, lookUp } = openTable();
  rows.set('a', 'A').set('b', 'B');
  const first = lookUp('a');
  await settled();
  const others = ['b', 'a', 'c'].map(lookUp);
  expect(statements.map(({ keys }) => keys)).toEqual([['a']]);
  statements[0]?.answer();
  expect(await first).toBe('A');
  await settled();
  expect(statements[1]?.keys).toEqual(['b', 'a', 'c']);
  statements[1]?.answer();
  expect(await Promise.all(others)).toEqual(['B', 'A', null]);
});

test('a lookup sees what was removed before it, even while an earlier statement has not been answered', async () => {
  const { rows, statements, lookUp } = openTable();
  rows.set('a', 'A');
  const before = lookUp('a');
  await settled();
  rows.delete('a');
  const after = lookUp('a');
  statements[0]?.answer();
  await settled();
  statements[1]?.answer();
  expect(await Promise.all([before, after])).toEqual(['A', null]);
});

test('an error reaches the lookups of its statement, and not those of the next one', async () => {
  const { rows, statements, lookUp } = openTable();
  rows.set('a', 'A');
  const first = lookUp('a').catch((error: Error) => error.message);
  await settled();
  const second = lookUp('a');
  statements[0]?.fail(new Error('away'));
  await settled();
  statements[1]?.answer();
  expect(await Promise.all([first, second])).toEqual(['away', 'A']);
});

test('when too many wait, the next one is refused at once', async () => {
  const { statements, lookUp } = openTable();
  const first = lookUp('a');
  await settled();
  const waiting = Array.from({ length: gatheredMax }, () => lookUp('a'));
  await expect(lookUp('a')).rejects.toThrow(OverloadedError);
  for (let answered = 0; answered < statements.length; answered += 1) {
    statements[answered]?.answer();
    await settled();
  }
  expect(await Promise.all([first, ...waiting])).toHaveLength(gatheredMax + 1);
});
