import { expect, test, vi } from 'vitest';
import type { LoggedEvent } from '../../src/events/log.ts';
import type { Slices, Step } from '../../src/events/slices.ts';
import { createSharedFrames } from '../../src/graphql/shared-frames.ts';

const atOnce: Slices = {
  add(steps) {
    for (const step of steps) step.advance();
  },
};
const eventOf = (id: string) => ({ id }) as LoggedEvent;
const idOf = ({ id }: LoggedEvent) => id;

test('a group executes an event once, another group for itself', () => {
  const frames = createSharedFrames(atOnce);
  const made: string[] = [];
  const makeAs = (name: string) => (event: LoggedEvent) => {
    made.push(`${name} ${event.id}`);
    return `${name} ${event.id}`;
  };
  const [one, two, other] = [
    frames.enter('a', makeAs('first'), idOf),
    frames.enter('a', makeAs('second'), idOf),
    frames.enter('b', makeAs('other'), idOf),
  ];
  expect([one, two, other].map((group) => group.frameOf(eventOf('1')).result?.toString())).toEqual([
    'first 1',
    'first 1',
    'other 1',
  ]);
  expect(two.frameOf(eventOf('2')).result?.toString()).toBe('first 2');
  expect(made).toEqual(['first 1', 'other 1', 'first 2']);
  for (const group of [one, two, other]) group.leave();
  expect(frames.groupCount).toBe(0);
});

test('those who wait for a result go on when it is there', async () => {
  const frames = createSharedFrames(atOnce);
  let resolve = (_text: string) => {};
  const made = new Promise<string>((done) => {
    resolve = done;
  });
  const group = frames.enter('a', () => made, idOf);
  const frame = group.frameOf(eventOf('1'));
  const heard: (string | undefined)[] = [];
  const waiting: Step = { advance: () => void heard.push(group.frameOf(eventOf('1')).result?.toString()) };
  frame.waiting.push(waiting, waiting);
  resolve('text');
  await Promise.resolve();
  expect(heard).toEqual(['text', 'text']);
});

test('a result that cannot be made is told to those who wait, and made anew for those who return', async () => {
  const frames = createSharedFrames(atOnce);
  const results: (string | null)[] = [null, 'text'];
  const group = frames.enter('a', async () => results.shift() ?? null, idOf);
  const frame = group.frameOf(eventOf('1'));
  const told: unknown[] = [];
  frame.waiting.push({ advance: () => void told.push([frame.isFailed, frame.result]) });
  await expect.poll(() => told).toEqual([[true, null]]);
  const again = group.frameOf(eventOf('1'));
  await expect.poll(() => again.result?.toString()).toBe('text');
});

test('a result is no longer wanted when the last one has left its group', () => {
  const frames = createSharedFrames(atOnce);
  let isWanted = () => false;
  const make = (_event: LoggedEvent, isWantedNow: () => boolean) => {
    isWanted = isWantedNow;
    return new Promise<string>(() => {});
  };
  const groups = [frames.enter('a', make, idOf), frames.enter('a', make, idOf)];
  groups[0]?.frameOf(eventOf('1'));
  groups[0]?.leave();
  expect(isWanted()).toBe(true);
  groups[1]?.leave();
  expect(isWanted()).toBe(false);
});

test('a result is shared for a moment, and made again for a subscriber that takes the event later', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const frames = createSharedFrames(atOnce);
    let version = 0;
    const group = frames.enter(
      'a',
      () => {
        version += 1;
        return String(version);
      },
      idOf,
    );
    expect(group.frameOf(eventOf('1')).result?.toString()).toBe('1');
    vi.advanceTimersByTime(900);
    expect(group.frameOf(eventOf('1')).result?.toString()).toBe('1');
    vi.advanceTimersByTime(200);
    expect(group.frameOf(eventOf('1')).result?.toString()).toBe('2');
  } finally {
    vi.useRealTimers();
  }
});

test('results beyond the memory for them are forgotten, the oldest first', () => {
  const frames = createSharedFrames(atOnce);
  const made: string[] = [];
  const group = frames.enter(
    'a',
    ({ id }) => {
      made.push(id);
      return 'x'.repeat(20 * 1024 * 1024);
    },
    idOf,
  );
  for (const id of ['1', '2', '2', '1']) group.frameOf(eventOf(id));
  expect(made).toEqual(['1', '2', '1']);
});
