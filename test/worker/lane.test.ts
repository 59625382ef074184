import { expect, test } from 'vitest';
import { createLane } from '../../src/worker/lane.ts';

/** A lane on a queue, whose pieces end when the test says so. */
function laneOn(queue: string[], placesMax: number) {
  const underWay = new Map<string, () => void>();
  const claims: number[] = [];
  let mostAtOnce = 0;
  const claim = async (limit: number) => {
    claims.push(limit);
    return queue.splice(0, limit);
  };
  const work = async (piece: string) => {
    await new Promise<void>((resolve) => underWay.set(piece, resolve));
    underWay.delete(piece);
  };
  const lane = createLane('pieces', placesMax, claim, async (piece) => {
    const working = work(piece);
    mostAtOnce = Math.max(mostAtOnce, underWay.size);
    await working;
  });
  return {
    ...{ lane, claims, underWay: () => [...underWay.keys()], mostAtOnce: () => mostAtOnce },
    end: (piece: string) => underWay.get(piece)?.(),
  };
}

test('a round claims as many as there are places, and says that there may be more', async () => {
  const { lane, claims, underWay, end } = laneOn(['a', 'b', 'c'], 2);
  const round = lane.runOnce();
  await expect.poll(underWay).toEqual(['a', 'b']);
  end('a');
  expect(await round).toEqual({ taken: 2, isFull: true });
  expect(claims).toEqual([2]);
});

test('a round that has places left does not wait for what it has begun', async () => {
  const { lane, underWay } = laneOn(['a'], 2);
  expect(await lane.runOnce()).toEqual({ taken: 1, isFull: false });
  expect(underWay()).toEqual(['a']);
});

test('a piece that hangs holds one place, and the others go on being filled', async () => {
  const { lane, claims, underWay, end, mostAtOnce } = laneOn(['hangs', 'b', 'c', 'd'], 2);
  for (const piece of ['b', 'c', 'd']) {
    const round = lane.runOnce();
    await expect.poll(underWay).toEqual(['hangs', piece]);
    end(piece);
    await round;
  }
  expect(claims).toEqual([2, 1, 1]);
  expect(await lane.runOnce()).toEqual({ taken: 0, isFull: false });
  expect(mostAtOnce()).toBe(2);
});

test('two rounds at once take no more than there are places', async () => {
  const { lane, claims, underWay, end } = laneOn(['a', 'b', 'c'], 2);
  const rounds = Promise.all([lane.runOnce(), lane.runOnce()]);
  await expect.poll(underWay).toEqual(['a', 'b']);
  expect(claims).toEqual([2]);
  end('b');
  expect(await rounds).toEqual([
    { taken: 2, isFull: true },
    { taken: 0, isFull: true },
  ]);
});

test('it is idle when the last piece has ended', async () => {
  const { lane, end } = laneOn(['a', 'b'], 3);
  await lane.runOnce();
  let isIdle = false;
  const idle = lane.idle().then(() => {
    isIdle = true;
  });
  end('a');
  await Promise.resolve();
  expect(isIdle).toBe(false);
  end('b');
  await idle;
});

test('a claim that fails gives its places back', async () => {
  let isBroken = true;
  const lane = createLane(
    'pieces',
    1,
    async () => {
      if (isBroken) throw new Error('The database is away.');
      return ['a'];
    },
    async () => {},
  );
  await expect(lane.runOnce()).rejects.toThrow('away');
  isBroken = false;
  expect(await lane.runOnce()).toEqual({ taken: 1, isFull: true });
});
