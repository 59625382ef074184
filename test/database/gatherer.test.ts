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
  /** Ends the oldest batch under way and waits until its outcomes have been passed on and the next batch is under way. */
  const end = async () => {
    ends.shift()?.();
    await started();
  };
  return {
    ...gatherer,
    runs,
    end,
    /** Runs the first item, and the others while its batch is under way. */
    async runAll(items: readonly string[]): Promise<{ readonly results: readonly Promise<string>[] }> {
      const [first, ...others] = items.map((item) => () => gatherer.run(item));
      const running = first?.();
      await started();
      return { results: [...(running === undefined ? [] : [running]), ...others.map((run) => run())] };
    },
    endAll: async () => {
      while (ends.length > 0) await end();
    },
  };
}

/** Resolves when the items that have arrived, if no batch is under way, form one. */
async function started(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise(setImmediate);
}

const done = (item: string): Outcome<string> => ({ kind: 'done', result: `${item} done` });
const batchesOf = ({ runs }: { readonly runs: readonly Run[] }) => runs.map(({ items }) => items.join(' '));

test('the next batch is under way before the callers of this one go on', async () => {
  const held = heldGatherer();
  const { results } = await held.runAll(['a', 'b']);
  const runsWhenTold = results[0]?.then(() => batchesOf(held));
  await held.end();
  expect(await runsWhenTold).toEqual(['a', 'b']);
  await held.endAll();
});

test('items that arrive together form a batch at once; those that arrive meanwhile form the next ones', async () => {
  const held = heldGatherer();
  const results = ['a', 'b'].map(held.run);
  await started();
  expect(batchesOf(held)).toEqual(['a b']);
  results.push(...['c', 'd', 'e', 'f', 'g'].map(held.run));
  await held.end();
  expect(batchesOf(held)).toEqual(['a b', 'c d e f']);
  await held.endAll();
  expect(batchesOf(held)).toEqual(['a b', 'c d e f', 'g']);
  expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((item) => `${item} done`));
});

test('items with the same key are never in one batch and keep their order', async () => {
  const held = heldGatherer();
  const { results } = await held.runAll(['x', 'a/1', 'a/2', 'b/1', 'a/3']);
  await held.endAll();
  expect(batchesOf(held)).toEqual(['x', 'a/1 b/1', 'a/2', 'a/3']);
  expect(await Promise.all(results)).toEqual(['x', 'a/1', 'a/2', 'b/1', 'a/3'].map((item) => `${item} done`));
});

test('an item that fails has its own error, and its neighbours their own results', async () => {
  const held = heldGatherer((item) => (item === 'b' ? { kind: 'failed', error: new Error('mine') } : done(item)));
  const running = await held.runAll(['x', 'a', 'b', 'c']);
  const results = Promise.allSettled(running.results);
  await held.endAll();
  const told = (await results).map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason)));
  expect(told).toEqual(['x done', 'a done', 'Error: mine', 'c done']);
  expect(batchesOf(held)).toEqual(['x', 'a b c']);
});

test('the items of a refused batch are taken one by one, in their order and before later ones, so that only the guilty fails', async () => {
  const held = heldGatherer((item, { items }) =>
    items.includes('b') ? new RefusedBatchError('refused', { cause: new Error('guilty') }) : done(item),
  );
  const running = await held.runAll(['x', 'a', 'b', 'c', 'd', 'e']);
  const results = Promise.allSettled(running.results);
  await held.endAll();
  const told = (await results).map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason)));
  expect(told).toEqual(['x done', 'a done', 'Error: guilty', 'c done', 'd done', 'e done']);
  expect(batchesOf(held)).toEqual(['x', 'a b c d', 'a', 'b', 'c', 'd', 'e']);
});

test('after an error that leaves open what was written, nothing is repeated', async () => {
  const held = heldGatherer((_item, { items }) => (items.length > 1 ? new Error('unheard') : done('x')));
  const running = await held.runAll(['x', 'a', 'b']);
  const results = Promise.allSettled(running.results);
  await held.endAll();
  expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  expect(batchesOf(held)).toEqual(['x', 'a b']);
});

test('an item that another node holds waits without the others; later items with its key wait for it', async () => {
  const held = heldGatherer((item, { mayWait }) => (item.startsWith('b') && !mayWait ? { kind: 'busy' } : done(item)));
  const { results } = await held.runAll(['x', 'a', 'b/1', 'b/2']);
  await held.end();
  await held.end();
  expect(held.runs.at(-1)).toEqual({ items: ['b/1'], mayWait: true });
  const other = held.run('c');
  await started();
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
    await started();
    const waiting = Array.from({ length: gatheredMax }, (_, index) => held.run(`item ${index}`));
    const settled = Promise.allSettled(waiting);
    await expect(held.run('one too many')).rejects.toThrow(OverloadedError);
    await vi.advanceTimersByTimeAsync(gatheredWaitMsMax);
    const reasons = (await settled).map((each) => each.status === 'rejected' && each.reason instanceof OverloadedError);
    expect(reasons.every(Boolean)).toBe(true);
    await held.endAll();
    expect(await first).toBe('first done');
    const next = held.run('next');
    await started();
    await held.endAll();
    expect(await next).toBe('next done');
  } finally {
    vi.useRealTimers();
  }
});
