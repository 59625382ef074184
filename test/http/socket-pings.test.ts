import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { SocketPings } from '../../src/http/socket-pings.ts';

const intervalMs = 30_000;
let server: WebSocketServer;
let pings: SocketPings;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  pings = new SocketPings();
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
});
afterEach(() => {
  vi.useRealTimers();
  for (const socket of server.clients) socket.terminate();
  server.close();
});

/** A socket that is pinged, its client, and the number of pings that the client has received. */
async function connect(autoPong: boolean) {
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { autoPong });
  const [[socket]] = (await Promise.all([once(server, 'connection'), once(client, 'open')])) as unknown as [
    [WebSocket],
  ];
  pings.add(socket);
  socket.once('close', () => pings.remove(socket));
  let count = 0;
  client.on('ping', () => {
    count += 1;
  });
  return { client, socket, count: () => count };
}

const answered = (socket: WebSocket) => once(socket, 'pong');

test('a socket is pinged after each interval, and stays open while it answers', async () => {
  const { socket, count } = await connect(true);
  for (let round = 1; round <= 3; round += 1) {
    const pong = answered(socket);
    vi.advanceTimersByTime(intervalMs);
    await pong;
    expect(count()).toBe(round);
  }
  expect(socket.readyState).toBe(socket.OPEN);
});

test('a socket that does not answer is ended at its next ping, and its neighbour stays', async () => {
  const [silent, healthy] = [await connect(false), await connect(true)];
  const pong = answered(healthy.socket);
  vi.advanceTimersByTime(intervalMs);
  await pong;
  expect(silent.socket.readyState).toBe(silent.socket.OPEN);
  const closed = once(silent.client, 'close');
  vi.advanceTimersByTime(intervalMs);
  expect(await closed).toEqual([1006, expect.anything()]);
  expect(healthy.socket.readyState).toBe(healthy.socket.OPEN);
});

test('no socket is pinged earlier than nearly an interval after it came', async () => {
  vi.advanceTimersByTime(intervalMs / 3);
  const early = await connect(true);
  vi.advanceTimersByTime(intervalMs / 2);
  const late = await connect(true);
  const pong = answered(early.socket);
  vi.advanceTimersByTime(intervalMs / 2);
  await pong;
  expect([early.count(), late.count()]).toEqual([1, 0]);
});

test('without sockets there is no timer', async () => {
  const { client, socket } = await connect(true);
  expect(vi.getTimerCount()).toBe(1);
  const closed = once(socket, 'close');
  client.close();
  await closed;
  expect(vi.getTimerCount()).toBe(0);
  pings.remove(socket);
  await connect(true);
  expect(vi.getTimerCount()).toBe(1);
});
