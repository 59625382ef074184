import { expect, test } from 'vitest';
import { merge, mergeInto } from '../../packages/client/src/merge.ts';

const copy = (version: number, note = '') => ({ id: 'ord_1', version, note });

test('copies may come in any order: the newest stays', () => {
  const copies = [copy(3), copy(1), copy(2)];
  expect(merge(null, ...copies)).toBe(copies[0]);
  expect(merge(copies[1], copies[0] ?? copy(0))).toBe(copies[0]);
  const held = copy(5);
  expect(merge(held, ...copies)).toBe(held);
});

test('of two copies of one version the later one stays', () => {
  expect(merge(copy(2, 'old'), copy(2, 'new')).note).toBe('new');
});

test('copies of two orders are not merged', () => {
  expect(() => merge(copy(1), { ...copy(2), id: 'ord_2' })).toThrow('ord_2 is not a copy of order ord_1');
  expect(() => merge(null)).toThrow('there is no copy');
});

test('a list changes only by a newer copy of an order that it has', () => {
  const orders = [copy(2), { ...copy(7), id: 'ord_2' }];
  expect(mergeInto(orders, copy(1))).toBe(orders);
  expect(mergeInto(orders, { ...copy(1), id: 'ord_3' })).toBe(orders);
  expect(mergeInto(orders, copy(3))).toEqual([copy(3), orders[1]]);
});
