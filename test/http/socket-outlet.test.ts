import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { WebSocket } from 'ws';
import type { Outlet } from '../../src/http/deliveries.ts';
import { backlogBytesMax, bytesPerPing, drainBytesMin, unreadBytesMax } from '../../src/http/limits.ts';
import { FrameWriter } from '../../src/http/result-frames.ts';
import { SocketOutlet } from '../../src/http/socket-outlet.ts';

const timeoutMs = 30_000;
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** A connection whose client reads when the test says so. It keeps what is written. */
class SlowConnection extends Duplex {
  readonly writes: Buffer[] = [];

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, written: () => void): void {
    this.writes.push(bytes);
    written();
  }
}

class SlowSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  /** The bytes that the client has read. */
  readBytes = 0;
  closeCode: number | null = null;
  readonly connection = new SlowConnection();
  /** What the pings carry that the client has not answered. */
  readonly pings: Buffer[] = [];

  get bufferedAmount(): number {
    return this.writtenBytes - this.readBytes;
  }

  get writtenBytes(): number {
    return this.connection.writes.reduce((sum, { length }) => sum + length, 0);
  }

  /** The messages that have left, in their sequence. */
  get sent(): { readonly id: string; readonly type: string; readonly payload: unknown }[] {
    return this.connection.writes.flatMap((bytes) => messagesIn(bytes)).map((text) => JSON.parse(text));
  }

  ping(payload: Buffer): void {
    this.pings.push(payload);
  }

  /** The client answers pings, as it does once it has read what was sent before them. */
  answer(...pings: readonly Buffer[]): void {
    for (const payload of pings) this.emit('pong', payload);
  }

  send(text: string, sent: () => void): void {
    this.connection.write(frameOf(text));
    sent();
  }

  close(code: number): void {
    this.closeCode = code;
    this.readyState = 2;
  }

  drain(): void {
    this.readBytes = this.writtenBytes;
    this.connection.emit('drain');
  }
}

/** A frame with eight bytes for its length. */
function frameOf(text: string): Buffer {
  const header = Buffer.from([0x81, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeBigUInt64BE(BigInt(Buffer.byteLength(text)), 2);
  return Buffer.concat([header, Buffer.from(text)]);
}

function messagesIn(bytes: Buffer): string[] {
  const messages: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const short = bytes.readUInt8(at + 1);
    const headerLength = short < 126 ? 2 : short === 126 ? 4 : 10;
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    messages.push(bytes.toString('utf8', at + headerLength, at + headerLength + length));
    at += headerLength + length;
  }
  return messages;
}

const endOfTurn = () => new Promise<void>((resolve) => process.nextTick(resolve));

/** A subscription with these results, of which it keeps those that are not sent. */
function subscriptionOf(results: string[]) {
  let outlet: Outlet | null = null;
  let end = () => {};
  const advance = () => {
    while (results[0] !== undefined && outlet?.send(Buffer.from(results[0]), 'a cursor')) results.shift();
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
  const outlet = new SocketOutlet(socket as unknown as WebSocket, connection, new FrameWriter(), timeoutMs);
  return { socket, outlet };
};

/** A result that makes a backlog by itself. */
const large = (name: string) => JSON.stringify(name.padEnd(backlogBytesMax + 1, '.'));

test('a result is sent as the message of its operation', async () => {
  const { socket, outlet } = open();
  outlet.deliver(subscriptionOf(['{"data":1}']), 'a "name"');
  await endOfTurn();
  expect(socket.sent).toEqual([{ id: 'a "name"', type: 'next', payload: { data: 1 } }]);
});

test('the results of one turn leave in one write', async () => {
  const { socket, outlet } = open();
  outlet.deliver(subscriptionOf(['1', '2']), 'a');
  outlet.deliver(subscriptionOf(['3']), 'b');
  expect(socket.connection.writes).toHaveLength(0);
  await endOfTurn();
  expect(socket.connection.writes).toHaveLength(1);
  expect(socket.sent.map(({ id, payload }) => [id, payload])).toEqual([
    ['a', 1],
    ['a', 2],
    ['b', 3],
  ]);
});

test('another message follows the results that came before it, and they leave before the socket is closed', async () => {
  const { socket, outlet } = open();
  outlet.deliver(subscriptionOf(['1']), 'a');
  await outlet.sendMessage('{"id":"a","type":"complete"}');
  outlet.deliver(subscriptionOf(['2']), 'b');
  outlet.close(1001, 'Going away');
  expect(socket.sent.map(({ id, type }) => `${id} ${type}`)).toEqual(['a next', 'a complete', 'b next']);
});

test('nothing is written after a close frame', async () => {
  const { socket, outlet } = open();
  outlet.deliver(subscriptionOf(['1']), 'a');
  socket.close(1001);
  await endOfTurn();
  await outlet.sendMessage('{"id":"a","type":"complete"}');
  expect(socket.connection.writes).toEqual([]);
});

test('nothing more is handed to a socket with a backlog, and its subscriptions take turns when it has drained', async () => {
  const { socket, outlet } = open();
  const subscriptions = ['a', 'b'].map((name) => subscriptionOf([1, 2, 3].map((each) => large(`${name}${each}`))));
  for (const [index, subscription] of subscriptions.entries()) outlet.deliver(subscription, String(index));
  const names = () => socket.sent.map(({ payload }) => String(payload).replaceAll('.', ''));
  await endOfTurn();
  expect(names()).toEqual(['a1']);
  for (let read = 0; read < 5; read += 1) {
    socket.drain();
    await endOfTurn();
  }
  expect(names().toSorted()).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b3']);
  expect(names().slice(0, 3)).toContain('b1');
  expect(names().filter((name) => name.startsWith('b'))).toEqual(['b1', 'b2', 'b3']);
});

test('a socket that reads nothing of its backlog for a while is closed with 1013, one that reads goes on', async () => {
  const { socket, outlet } = open();
  outlet.deliver(subscriptionOf([large('1'), large('2'), large('3')]), '1');
  await endOfTurn();
  vi.advanceTimersByTime(timeoutMs - 1);
  socket.drain();
  await endOfTurn();
  vi.advanceTimersByTime(timeoutMs - 1);
  socket.readBytes += 1; // it has read a little
  vi.advanceTimersByTime(1);
  expect(socket.closeCode).toBeNull();
  vi.advanceTimersByTime(timeoutMs);
  expect(socket.closeCode).toBe(1013);
  expect(socket.sent).toHaveLength(2);
});

test('a socket that stops reading while one subscription waits behind another is closed with 1013', async () => {
  const { socket, outlet } = open();
  outlet.deliver(subscriptionOf([large('1'), large('2')]), 'a');
  outlet.deliver(subscriptionOf([large('3')]), 'b');
  await endOfTurn();
  socket.drain(); // what waited first makes the next backlog
  await endOfTurn();
  expect(socket.sent.map(({ id }) => id)).toEqual(['a', 'a']);
  vi.advanceTimersByTime(timeoutMs);
  expect(socket.closeCode).toBe(1013);
});

/** A subscription with more results than a client may have to read, on a connection that takes everything at once. */
async function openUnread() {
  const { socket, outlet } = open();
  Object.defineProperty(socket, 'bufferedAmount', { value: 0 });
  const result = JSON.stringify('x'.repeat(1000));
  const subscription = subscriptionOf(Array.from({ length: (4 * unreadBytesMax) / result.length }, () => result));
  outlet.deliver(subscription, '1');
  const untilQuiet = async () => {
    for (let before = -1; before !== socket.writtenBytes; ) {
      before = socket.writtenBytes;
      await new Promise(setImmediate);
      await new Promise(setImmediate);
    }
  };
  await untilQuiet();
  return { socket, subscription, untilQuiet };
}

test('a client has a bounded number of bytes to read, also those that the systems have taken, and gets more when it answers a ping', async () => {
  const { socket, subscription, untilQuiet } = await openUnread();
  const first = socket.writtenBytes;
  expect(first).toBeGreaterThan(unreadBytesMax);
  expect(first).toBeLessThan(unreadBytesMax + 2 * backlogBytesMax);
  expect(socket.pings.length).toBeGreaterThanOrEqual(unreadBytesMax / bytesPerPing);
  socket.answer(...socket.pings.splice(0, 1));
  await untilQuiet();
  expect(socket.writtenBytes - first).toBeGreaterThan(bytesPerPing - backlogBytesMax);
  expect(socket.writtenBytes - first).toBeLessThan(bytesPerPing + 3 * backlogBytesMax);
  // A client may answer the latest ping only.
  for (let rounds = 0; rounds < 10 && subscription.results.length > 0; rounds += 1) {
    socket.answer(...socket.pings.splice(0).slice(-1));
    await untilQuiet();
  }
  expect(subscription.results).toEqual([]);
  expect(socket.closeCode).toBeNull();
});

test('answers to no ping of ours free no room, also when they are invented or repeated', async () => {
  const { socket, untilQuiet } = await openUnread();
  const [ping = Buffer.alloc(0)] = socket.pings;
  socket.answer(ping);
  await untilQuiet();
  const first = socket.writtenBytes;
  const counts = Array.from({ length: 100 }, (_, count) => {
    const payload = Buffer.alloc(ping.length);
    payload.writeUIntBE(count * 16_384, ping.length - 6, 6);
    return payload;
  });
  socket.answer(
    ping,
    Buffer.alloc(0),
    Buffer.from('pong'),
    Buffer.alloc(125, 1),
    Buffer.alloc(ping.length, 0xff),
    ...counts,
  );
  await untilQuiet();
  expect(socket.writtenBytes).toBe(first);
});

test('a client that answers no ping for a while is closed with 1013, one that answers is not', async () => {
  const { socket, untilQuiet } = await openUnread();
  for (let rounds = 0; rounds < 4; rounds += 1) {
    vi.advanceTimersByTime(timeoutMs - 1);
    socket.answer(...socket.pings.splice(0, 1));
    await untilQuiet();
    vi.advanceTimersByTime(1);
    expect(socket.closeCode).toBeNull();
  }
  vi.advanceTimersByTime(2 * timeoutMs);
  expect(socket.closeCode).toBe(1013);
});

test('a slow socket for which no event waits is not closed', () => {
  const { socket, outlet } = open();
  outlet.deliver(subscriptionOf([large('1')]), '1');
  vi.advanceTimersByTime(10 * timeoutMs);
  expect(socket.closeCode).toBeNull();
});

test('a subscription that has ended does not go on when its socket has drained', async () => {
  const { socket, outlet } = open();
  const subscription = subscriptionOf([large('1'), large('2')]);
  outlet.deliver(subscription, '1');
  await endOfTurn();
  subscription.end();
  socket.drain();
  await endOfTurn();
  expect(socket.sent).toHaveLength(1);
});

test('a client that goes on sending without reading is disconnected', () => {
  const { socket, outlet } = open();
  socket.readBytes = -1024 * 1024;
  outlet.requireReader();
  expect(socket.closeCode).toBeNull();
  socket.readBytes -= 1;
  outlet.requireReader();
  expect(socket.closeCode).toBe(1013);
});

test('a subscription that waits goes on when its connection has sent everything, as Node reports it', async () => {
  const sent: Buffer[] = [];
  let written = () => {};
  // Of the size that the sockets of the server have. It has sent a chunk when the test says so.
  const connection = new Duplex({
    highWaterMark: drainBytesMin,
    read() {},
    write(bytes: Buffer, _encoding, callback) {
      sent.push(bytes);
      written = callback;
    },
  });
  const socket = { OPEN: 1, readyState: 1, bufferedAmount: 0 };
  Object.defineProperty(socket, 'bufferedAmount', { get: () => connection.writableLength });
  const outlet = new SocketOutlet(socket as unknown as WebSocket, connection, new FrameWriter(), timeoutMs);
  const subscription = subscriptionOf(Array.from({ length: 8 }, () => JSON.stringify('x'.repeat(backlogBytesMax / 3))));
  outlet.deliver(subscription, '1');
  for (let turns = 0; turns < 10 && subscription.results.length > 0; turns += 1) {
    await new Promise(setImmediate);
    written();
  }
  expect(subscription.results).toEqual([]);
  await new Promise(setImmediate);
  expect(sent.flatMap((bytes) => messagesIn(bytes))).toHaveLength(8);
});
