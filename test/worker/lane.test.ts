import { expect, test } from 'vitest';
import { createLane, createLaneByAccount } from '../../src/worker/lane.ts';

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

/** Accounts with queues of their own, as one lane. */
function accountsOn(queues: Readonly<Record<string, string[]>>) {
  const sides = new Map(Object.entries(queues).map(([name, queue]) => [name, laneOn(queue, 2)]));
  const side = (name: string) => {
    const found = sides.get(name);
    if (found === undefined) throw new Error(`There is no account ${name}.`);
    return found;
  };
  const due = async () =>
    new Map(Object.keys(queues).flatMap((name) => (queues[name]?.length ? [[name, name] as const] : [])));
  return { lane: createLaneByAccount('pieces', due, (name) => side(name).lane), side };
}

test('an account that hangs does not delay another one, and gets no more than its places', async () => {
  const { lane, side } = accountsOn({ slow: ['a', 'b', 'c'], quick: ['d'] });
  expect(await lane.runOnce()).toEqual({ taken: 2, isFull: false });
  await expect.poll(() => [side('slow').underWay(), side('quick').underWay()]).toEqual([['a', 'b'], ['d']]);
  expect(await lane.runOnce()).toEqual({ taken: 0, isFull: false });
  expect(side('slow').underWay()).toEqual(['a', 'b']);
  side('slow').end('a');
  await expect.poll(side('slow').underWay).toEqual(['b', 'c']);
});

test('an account that is added later gets a lane when it has work', async () => {
  const queues: Record<string, string[]> = { first: ['a'], second: [] };
  const { lane, side } = accountsOn(queues);
  await lane.runOnce();
  queues.second?.push('b');
  await lane.runOnce();
  await expect.poll(side('second').underWay).toEqual(['b']);
});

test('a claim that fails is thrown by the next round, and the round after it tries again', async () => {
  let fails = true;
  const lane = createLaneByAccount(
    'pieces',
    async () => new Map([['one', 'one']]),
    () =>
      createLane(
        'pieces of one',
        1,
        async () => (fails ? Promise.reject(new Error('away')) : []),
        async () => {},
      ),
  );
  await lane.runOnce();
  await lane.idle();
  await expect(lane.runOnce()).rejects.toThrow('away');
  fails = false;
  expect(await lane.runOnce()).toMatchObject({ taken: 1 });
  await lane.idle();
  await lane.runOnce();
});

test('once it is idle, no account goes on by itself', async () => {
  const { lane, side } = accountsOn({ one: ['a', 'b', 'c'] });
  await lane.runOnce();
  await expect.poll(side('one').underWay).toEqual(['a', 'b']);
  const stopped = lane.idle();
  side('one').end('a');
  side('one').end('b');
  await stopped;
  expect(side('one').underWay()).toEqual([]);
});
