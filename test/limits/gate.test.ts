import { expect, test } from 'vitest';
import { createGate } from '../../src/limits/gate.ts';

test('work beyond the limit waits in order, and beyond the queue it is refused', async () => {
  const gate = createGate(1, 2);
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
