import { expect, test, vi } from 'vitest';
import { OverloadedError } from '../../src/database/errors.ts';
import {
  aloneMax,
  createGatherer,
  gatheredMax,
  gatheredWaitMsMax,
  type Outcome,
  RefusedBatchError,
} from '../../src/database/gatherer.ts';

type Run = { readonly items: readonly string[]; readonly mayWait: boolean };

/** A gatherer whose batches end on request. Items are named `key` or `key/name`. */
function heldGatherer(outcomeOf: (item: string, run: Run) => Outcome<string> | Error = (item) => done(item)) {
  const runs: Run[] = [];
  const ends: (() => void)[] = [];
  const gatherer = createGatherer<string, string>({
    name: 'test',
    sizeMax: 4,
    keysOf: (item) => [item.split('/')[0] ?? item],
    async run(items, mayWait) {
      const run = { items, mayWait };
      runs.push(run);
      await new Promise<void>((resolve) => ends.push(resolve));
      const outcomes = items.map((item) => outcomeOf(item, run));
      const refused = outcomes.find((outcome) => outcome instanceof Error);
      if (refused !== undefined) throw refused;
      return outcomes as Outcome<string>[];
    },
  });
  /** Ends the oldest batch under way and waits until its outcomes have been passed on. */
  const end = async () => {
    ends.shift()?.();
    await new Promise(setImmediate);
  };
  return {
    ...gatherer,
    runs,
    end,
    endAll: async () => {
      while (ends.length > 0) await end();
    },
  };
}

const done = (item: string): Outcome<string> => ({ kind: 'done', result: `${item} done` });
const batchesOf = ({ runs }: { readonly runs: readonly Run[] }) => runs.map(({ items }) => items.join(' '));

test('a single item is processed at once; those that arrive meanwhile form the next batches', async () => {
  const held = heldGatherer();
  const results = ['a', 'b', 'c', 'd', 'e', 'f'].map(held.run);
  expect(batchesOf(held)).toEqual(['a']);
  await held.end();
  expect(batchesOf(held)).toEqual(['a', 'b c d e']);
  await held.endAll();
  expect(batchesOf(held)).toEqual(['a', 'b c d e', 'f']);
  expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd', 'e', 'f'].map((item) => `${item} done`));
});

test('items with the same key are never in one batch and keep their order', async () => {
  const held = heldGatherer();
  const results = ['x', 'a/1', 'a/2', 'b/1', 'a/3'].map(held.run);
  await held.endAll();
  expect(batchesOf(held)).toEqual(['x', 'a/1 b/1', 'a/2', 'a/3']);
  expect(await Promise.all(results)).toEqual(['x', 'a/1', 'a/2', 'b/1', 'a/3'].map((item) => `${item} done`));
});

test('an item that fails has its own error, and its neighbours their own results', async () => {
  const held = heldGatherer((item) => (item === 'b' ? { kind: 'failed', error: new Error('mine') } : done(item)));
  const results = Promise.allSettled(['x', 'a', 'b', 'c'].map(held.run));
  await held.endAll();
  const told = (await results).map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason)));
  expect(told).toEqual(['x done', 'a done', 'Error: mine', 'c done']);
  expect(batchesOf(held)).toEqual(['x', 'a b c']);
});

test('the items of a refused batch are taken one by one, in their order and before later ones, so that only the guilty fails', async () => {
  const held = heldGatherer((item, { items }) =>
    items.includes('b') ? new RefusedBatchError('refused', { cause: new Error('guilty') }) : done(item),
  );
  const results = Promise.allSettled(['x', 'a', 'b', 'c', 'd', 'e'].map(held.run));
  await held.endAll();
  const told = (await results).map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason)));
  expect(told).toEqual(['x done', 'a done', 'Error: guilty', 'c done', 'd done', 'e done']);
  expect(batchesOf(held)).toEqual(['x', 'a b c d', 'a', 'b', 'c', 'd', 'e']);
});

test('after an error that leaves open what was written, nothing is repeated', async () => {
  const held = heldGatherer((_item, { items }) => (items.length > 1 ? new Error('unheard') : done('x')));
  const results = Promise.allSettled(['x', 'a', 'b'].map(held.run));
  await held.endAll();
  expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  expect(batchesOf(held)).toEqual(['x', 'a b']);
});

test('an item that another node holds waits without the others; later items with its key wait for it', async () => {
  const held = heldGatherer((item, { mayWait }) => (item.startsWith('b') && !mayWait ? { kind: 'busy' } : done(item)));
  const results = ['x', 'a', 'b/1', 'b/2'].map(held.run);
  await held.end();
  await held.end();
  expect(held.runs.at(-1)).toEqual({ items: ['b/1'], mayWait: true });
  const other = held.run('c');
  expect(held.runs.at(-1)).toEqual({ items: ['c'], mayWait: false });
  await held.endAll();
  expect(await Promise.all([...results, other])).toEqual(['x', 'a', 'b/1', 'b/2', 'c'].map((item) => `${item} done`));
});

test('a bounded number of items waits for other nodes at the same time', async () => {
  let alone = 0;
  let aloneAtMost = 0;
  const { run } = createGatherer<string, string>({
    name: 'test',
    sizeMax: 4,
    keysOf: (item) => [item],
    async run(items, mayWait) {
      if (!mayWait) return items.map(() => ({ kind: 'busy' }));
      alone += 1;
      aloneAtMost = Math.max(alone, aloneAtMost);
      await new Promise(setImmediate);
      alone -= 1;
      return items.map(done);
    },
  });
  const items = Array.from({ length: 5 * aloneMax }, (_, index) => `item ${index}`);
  expect(await Promise.all(items.map(run))).toEqual(items.map((item) => `${item} done`));
  expect(aloneAtMost).toBe(aloneMax);
});

test('the queue is bounded in length and in time', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  try {
    const held = heldGatherer();
    const first = held.run('first');
    const waiting = Array.from({ length: gatheredMax }, (_, index) => held.run(`item ${index}`));
    const settled = Promise.allSettled(waiting);
    await expect(held.run('one too many')).rejects.toThrow(OverloadedError);
    await vi.advanceTimersByTimeAsync(gatheredWaitMsMax);
    const reasons = (await settled).map((each) => each.status === 'rejected' && each.reason instanceof OverloadedError);
    expect(reasons.every(Boolean)).toBe(true);
    await held.endAll();
    expect(await first).toBe('first done');
    const next = held.run('next');
    await held.endAll();
    expect(await next).toBe('next done');
  } finally {
    vi.useRealTimers();
  }
});
