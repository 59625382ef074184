import { expect, test } from 'vitest';
import { SocketOperations } from '../../src/http/socket-operations.ts';

/** A socket, and a protocol that has done with an operation when the test says so. */
function open(inProgressMax: number) {
  const passed: string[] = [];
  const ends = new Map<string, () => void>();
  const socket = {
    ...{ OPEN: 1, readyState: 1, isPaused: false },
    pause() {
      socket.isPaused = true;
    },
    resume() {
      socket.isPaused = false;
    },
  };
  const operations = new SocketOperations(socket as never, inProgressMax, (text) => {
    const { type, id } = JSON.parse(text) as { type: string; id: string };
    passed.push(`${type} ${id}`);
    return type === 'subscribe' ? new Promise((resolve) => ends.set(id, resolve)) : Promise.resolve();
  });
  const receive = (type: string, id: string) => operations.receive(JSON.stringify({ type, id }));
  return { operations, passed, socket, receive, end: (id: string) => ends.get(id)?.() };
}

test('a socket is not read while as many of its operations are in progress as may be', async () => {
  const { operations, passed, socket, receive, end } = open(2);
  for (const id of ['a', 'b', 'c', 'd']) receive('subscribe', id);
  receive('complete', 'a');
  expect(passed).toEqual(['subscribe a', 'subscribe b']);
  expect(socket.isPaused).toBe(true);
  operations.get('a').settle(); // a subscription that runs is no longer in progress
  expect(passed.slice(2)).toEqual(['subscribe c']);
  end('b');
  await expect.poll(() => passed.slice(3)).toEqual(['subscribe d', 'complete a']);
  expect(socket.isPaused).toBe(false);
});

test('an operation in progress keeps its place when its client has completed it', () => {
  const { passed, receive } = open(2);
  for (const id of ['a', 'b', 'c']) {
    receive('subscribe', id);
    receive('complete', id);
  }
  expect(passed).toEqual(['subscribe a', 'complete a', 'subscribe b', 'complete b']);
});
