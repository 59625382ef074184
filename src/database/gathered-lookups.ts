import { createGatherer } from './gatherer.ts';

/** The maximum number of keys in one statement. */
const batchMax = 500;

/**
 * Gathers lookups: while one statement is under way, further lookups wait, and the next statement answers them all. A lookup is never
 * answered by a statement that began before it, so it sees everything that was committed before.
 *
 * @param find resolves to the results in the order of the keys.
 * @returns a lookup. It throws the errors of `find`, and {OverloadedError} when too many wait.
 */
export function gatherLookups<Key, Found>(
  find: (keys: readonly Key[]) => Promise<readonly Found[]>,
): (key: Key) => Promise<Found> {
  const { run } = createGatherer<Key, Found>({
    name: 'lookups',
    sizeMax: batchMax,
    keysOf: () => [],
    run: async (keys) => (await find(keys)).map((result) => ({ kind: 'done', result })),
  });
  return run;
}
