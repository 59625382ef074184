import { expect, test } from 'vitest';
import { OverloadedError, overloadedOr, overloadIn } from '../../src/database/errors.ts';
import { createKeyedQueue, queueLengthMax } from '../../src/database/keyed-queue.ts';

/** Work that ends on request. */
function heldWork() {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { end, work: () => ended };
}

test('work with the same key runs in order of arrival, one at a time; other keys do not wait', async () => {
  const { run } = createKeyedQueue();
  const done: string[] = [];
  const first = heldWork();
  const all = ['a', 'b', 'c'].map((name, index) =>
    run('order', async () => {
      if (index === 0) await first.work();
      done.push(name);
    }),
  );
  await run('another order', async () => done.push('other'));
  expect(done).toEqual(['other']);
  first.end();
  await Promise.all(all);
  expect(done).toEqual(['other', 'a', 'b', 'c']);
});

test('failed work does not affect later work', async () => {
  const { run } = createKeyedQueue();
  const failing = run('order', async () => {
    throw new Error('mine');
  });
  const following = run('order', async () => 'done');
  await expect(failing).rejects.toThrow('mine');
  expect(await following).toBe('done');
  expect(await run('order', async () => 'later')).toBe('later');
});

test('work beyond the limit is refused at once, and the rest runs', async () => {
  const { run } = createKeyedQueue();
  const first = heldWork();
  const holding = run('order', first.work);
  const waiting = Array.from({ length: queueLengthMax }, () => run('order', async () => 'done'));
  await expect(run('order', async () => 'done')).rejects.toBeInstanceOf(OverloadedError);
  first.end();
  await holding;
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['done']));
});

test('work that waits too long is refused and never starts', async () => {
  const { run } = createKeyedQueue(1);
  const first = heldWork();
  const holding = run('order', first.work);
  let isBegun = false;
  const waiting = run('order', async () => {
    isBegun = true;
  });
  await expect(waiting).rejects.toBeInstanceOf(OverloadedError);
  first.end();
  await holding;
  expect(await run('order', async () => isBegun)).toBe(false);
});

const reported = (code: string, severity: string) => Object.assign(new Error('x'), { code, severity });

test.each(['57P01', '57P02', '57P03', '53300', '08006', '08P01'])('what ends a connection will pass: %s', (code) => {
  expect(overloadedOr(reported(code, 'FATAL'))).toMatchObject({ keepsConnection: false, retryAfterMs: 1000 });
});

test.each(['55P03', '57014', '40P01', '40001', '25006'])('what ends a statement will pass: %s', (code) => {
  expect(overloadedOr(reported(code, 'ERROR'))).toMatchObject({ keepsConnection: true });
});

test.each<[Error]>([
  [Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })],
  [new AggregateError([Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })])],
  [new Error('Connection terminated unexpectedly')],
  [new Error('Connection terminated due to connection timeout')],
  [new Error('timeout exceeded when trying to connect')],
  [new Error('Client has encountered a connection error and is not queryable')],
])('a broken or failed connection is temporary: %s', (error) => {
  expect(overloadIn(new Error('a layer above', { cause: overloadedOr(error) }))).toBeInstanceOf(OverloadedError);
});

test.each(['P1001', 'P1017', 'P2024', 'P2034'])('so will what Prisma says by itself: %s', (code) => {
  expect(overloadIn(Object.assign(new Error('x'), { code, clientVersion: '7' }))).toBeInstanceOf(OverloadedError);
});

test.each<[Error]>([
  [reported('23505', 'ERROR')],
  [reported('08P01', 'ERROR')],
  [reported('28P01', 'FATAL')],
  [Object.assign(new Error('x'), { code: 'P2002', clientVersion: '7' })],
  [new TypeError('x is not a function')],
])('a permanent error is unchanged: %s', (error) => {
  expect(overloadedOr(error)).toBe(error);
  expect(overloadIn(error)).toBeNull();
});

test('an unreachable provider is not reported as a database overload', () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  expect(overloadIn(new Error('the provider did not answer', { cause }))).toBeNull();
});
