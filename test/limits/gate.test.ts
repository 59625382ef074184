import { expect, test } from 'vitest';
import { createGate } from '../../src/limits/gate.ts';

test('work beyond the limit waits in order, and beyond the queue it is refused', async () => {
  const gate = createGate({ inFlightMax: 1, queuedMax: 2 });
  const entered: number[] = [];
  const first = await gate.enter();
  const waiting = [1, 2].map(async (number) => {
    const leave = await gate.enter();
    entered.push(number);
    return leave;
  });
  expect(await gate.enter()).toBeNull();
  first?.();
  first?.(); // a second time has no effect
  const second = await waiting[0];
  expect(entered).toEqual([1]);
  second?.();
  const third = await waiting[1];
  expect(entered).toEqual([1, 2]);
  third?.();
  expect(await gate.enter()).not.toBeNull();
});

test('work that waits for a provider leaves its place to other work, and takes none when it goes on', async () => {
  const gate = createGate({ inFlightMax: 1, queuedMax: 1 });
  const first = await gate.enter();
  const waiting = gate.enter();
  expect(await gate.enter()).toBeNull();
  const resume = gate.pause();
  const second = await waiting;
  resume();
  let hasEntered = false;
  const third = gate.enter().then((leave) => {
    hasEntered = true;
    return leave;
  });
  second?.();
  await new Promise(setImmediate);
  expect(hasEntered).toBe(false);
  first?.();
  expect(await third).not.toBeNull();
});

test('calls of providers by background work make no more places than there is work', async () => {
  const gate = createGate({ inFlightMax: 1, queuedMax: 0 });
  gate.pause();
  gate.pause();
  expect(await gate.enter()).not.toBeNull();
  expect(await gate.enter()).not.toBeNull(); // the first one may be the one that waits
  expect(await gate.enter()).not.toBeNull();
  expect(await gate.enter()).toBeNull();
});

test('when everything is late, nothing waits', async () => {
  let isLate = false;
  const gate = createGate({ inFlightMax: 1, queuedMax: 1, isLate: () => isLate });
  const first = await gate.enter();
  isLate = true;
  expect(await gate.enter()).toBeNull();
  first?.();
  expect(await gate.enter()).not.toBeNull();
});

test('of many that arrive together, those that are refused know it before most of the others begin', async () => {
  const gate = createGate({ inFlightMax: 100, queuedMax: 50 });
  const order: string[] = [];
  for (let arrival = 0; arrival < 200; arrival += 1) {
    void gate.enter().then((leave) => order.push(leave === null ? 'refused' : 'begun'));
  }
  expect(gate.refuses()).toBe(true);
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  // 32 begin at once, the others after those that have no place; 50 wait for a place.
  expect(order.lastIndexOf('refused')).toBe(32 + 50 - 1);
  expect(order.filter((each) => each === 'begun')).toHaveLength(100);
  expect(order.filter((each) => each === 'refused')).toHaveLength(50);
});
