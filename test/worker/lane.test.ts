import { expect, test } from 'vitest';
import { createLane } from '../../src/worker/lane.ts';

/** A lane on a queue. Each piece ends when the test calls `end`. */
function laneOn(queue: string[], concurrencyMax: number) {
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
  const lane = createLane('pieces', concurrencyMax, claim, async (piece) => {
    const working = work(piece);
    mostAtOnce = Math.max(mostAtOnce, underWay.size);
    await working;
  });
  return {
    ...{ lane, claims, underWay: () => [...underWay.keys()], mostAtOnce: () => mostAtOnce },
    end: (piece: string) => underWay.get(piece)?.(),
  };
}

test('a round claims as many pieces as there are places, and reports that more may be due', async () => {
  const { lane, claims, underWay, end } = laneOn(['a', 'b', 'c'], 2);
  const round = lane.runOnce();
  await expect.poll(underWay).toEqual(['a', 'b']);
  end('a');
  expect(await round).toEqual({ taken: 2, isFull: true });
  expect(claims).toEqual([2]);
});

test('a round with free places left does not wait for the pieces that it has started', async () => {
  const { lane, underWay } = laneOn(['a'], 2);
  expect(await lane.runOnce()).toEqual({ taken: 1, isFull: false });
  expect(underWay()).toEqual(['a']);
});

test('a piece that hangs blocks one place, and the other places are refilled', async () => {
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

test('two concurrent rounds start no more pieces than there are places', async () => {
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

test('a lane is idle when the last piece has ended', async () => {
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

test('a claim that fails frees its places', async () => {
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
