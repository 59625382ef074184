import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { WebSocket } from 'ws';
import type { Outlet } from '../../src/http/deliveries.ts';
import { backlogBytesMax } from '../../src/http/limits.ts';
import { SocketOutlet } from '../../src/http/socket-outlet.ts';

const timeoutMs = 30_000;
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Its parent says what is written, and when it has drained. */
class SlowConnection extends Duplex {
  override _read(): void {}
}

/** A socket whose client reads when the test says so. */
class SlowSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  readonly sent: string[] = [];
  closeCode: number | null = null;
  readonly connection = new SlowConnection();

  send(text: string): void {
    expect(this.connection.writableCorked).toBe(1);
    this.sent.push(text);
    this.bufferedAmount += text.length;
  }

  close(code: number): void {
    this.closeCode = code;
    this.readyState = 2;
  }

  drain(): void {
    this.bufferedAmount = 0;
    this.connection.emit('drain');
  }
}

/** A subscription with these results, of which it keeps those that are not sent. */
function subscriptionOf(results: string[]) {
  let outlet: Outlet | null = null;
  let end = () => {};
  const advance = () => {
    while (results[0] !== undefined && outlet?.send(results[0], 'a cursor')) results.shift();
  };
  return {
    results,
    advance,
    end: () => end(),
    onEnd(act: () => void) {
      end = act;
    },
    deliverTo(given: Outlet) {
      outlet = given;
      advance();
    },
  };
}

const open = () => {
  const socket = new SlowSocket();
  const { connection } = socket;
  const outlet = new SocketOutlet(socket as unknown as WebSocket, connection, timeoutMs);
  return { socket, outlet };
};

/** A result that makes a backlog by itself. */
const large = (name: string) => JSON.stringify(name.padEnd(backlogBytesMax + 1, '.'));

test('a result is sent as the message of its operation', () => {
  const { socket, outlet } = open();
  outlet.deliver(subscriptionOf(['{"data":1}']), 'a "name"');
  expect(socket.sent.map((text) => JSON.parse(text))).toEqual([{ id: 'a "name"', type: 'next', payload: { data: 1 } }]);
});

test('the results of one turn leave in one write', async () => {
  const { socket, outlet } = open();
  outlet.deliver(subscriptionOf(['1', '2']), 'a');
  outlet.deliver(subscriptionOf(['3']), 'b');
  expect(socket.connection.writableCorked).toBe(1);
  await new Promise<void>((resolve) => process.nextTick(resolve));
  expect(socket.connection.writableCorked).toBe(0);
  expect(socket.sent).toHaveLength(3);
});

test('nothing more is handed to a socket with a backlog, and its subscriptions take turns when it has drained', () => {
  const { socket, outlet } = open();
  const subscriptions = ['a', 'b'].map((name) => subscriptionOf([1, 2, 3].map((each) => large(`${name}${each}`))));
  for (const [index, subscription] of subscriptions.entries()) outlet.deliver(subscription, String(index));
  const names = () => socket.sent.map((text) => String(JSON.parse(text).payload).replaceAll('.', ''));
  expect(names()).toEqual(['a1']);
  for (let read = 0; read < 5; read += 1) socket.drain();
  expect(names().toSorted()).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b3']);
  expect(names().slice(0, 3)).toContain('b1');
  expect(names().filter((name) => name.startsWith('b'))).toEqual(['b1', 'b2', 'b3']);
});

test('a socket that reads nothing of its backlog for a while is closed with 1013, one that reads goes on', () => {
  const { socket, outlet } = open();
  outlet.deliver(subscriptionOf([large('1'), large('2'), large('3')]), '1');
  vi.advanceTimersByTime(timeoutMs - 1);
  socket.drain();
  vi.advanceTimersByTime(timeoutMs - 1);
  socket.bufferedAmount -= 1; // it has read a little
  vi.advanceTimersByTime(1);
  expect(socket.closeCode).toBeNull();
  vi.advanceTimersByTime(timeoutMs);
  expect(socket.closeCode).toBe(1013);
  expect(socket.sent).toHaveLength(2);
});

test('a slow socket for which no event waits is not closed', () => {
  const { socket, outlet } = open();
  outlet.deliver(subscriptionOf([large('1')]), '1');
  vi.advanceTimersByTime(10 * timeoutMs);
  expect(socket.closeCode).toBeNull();
});

test('a subscription that has ended does not go on when its socket has drained', () => {
  const { socket, outlet } = open();
  const subscription = subscriptionOf([large('1'), large('2')]);
  outlet.deliver(subscription, '1');
  subscription.end();
  socket.drain();
  expect(socket.sent).toHaveLength(1);
});

test('a client that goes on sending without reading is disconnected', () => {
  const { socket, outlet } = open();
  socket.bufferedAmount = 1024 * 1024;
  outlet.requireReader();
  expect(socket.closeCode).toBeNull();
  socket.bufferedAmount += 1;
  outlet.requireReader();
  expect(socket.closeCode).toBe(1013);
});
