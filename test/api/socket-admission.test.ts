import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { OverloadedError } from '../../src/database/errors.ts';
import { type SocketCaller, serveWebSocket, type WebSocketParts } from '../../src/http/websocket.ts';
import { createGate } from '../../src/limits/gate.ts';

const log = { info() {}, warn() {}, error() {} };
const unused = () => {
  throw new Error('No operation is sent here.');
};

/** A caller whose token does not end, and those who wait for it. */
function callerWithWaiting(): { readonly caller: SocketCaller; readonly waiting: Set<() => void> } {
  const waiting = new Set<() => void>();
  const onEnd = (act: () => void) => {
    waiting.add(act);
    return () => waiting.delete(act);
  };
  const revoked = { isOver: false, onEnd };
  return { waiting, caller: { revoked, webOrigins: [], merchantId: 'mch_1', role: 'MERCHANT', id: 'key_1' } };
}

let end = async () => {};
afterEach(() => end());

/** The WebSocket entrance with this authentication; resolves to a client that has sent `connection_init`. */
async function initSocket(authenticate: WebSocketParts['authenticate']): Promise<WebSocket> {
  const entrance = serveWebSocket({
    ...{ operationsPerSocket: 1, operations: createGate({ inFlightMax: 1, queuedMax: 0 }) },
    ...{ getEnveloped: unused, authenticate, log },
    ...{ mayCallFrom: () => true, foreignOriginOf: () => null, addressOf: () => '203.0.113.7' },
    ...{ principalOf: ({ id }) => id, admission: { open: () => ({ admit: () => null, release: () => {} }) } },
  });
  const server = createServer().on('upgrade', (request, socket, head) => entrance.open(request, socket, head));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  end = async () => {
    await entrance.close(0);
    server.close();
  };
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const client = new WebSocket(`ws://127.0.0.1:${port}`, 'graphql-transport-ws');
  await once(client, 'open');
  client.send(JSON.stringify({ type: 'connection_init', payload: { authorization: 'Bearer key' } }));
  return client;
}

test('a socket that closes while its key is looked up does not wait for the end of the key', async () => {
  const { caller, waiting } = callerWithWaiting();
  let asked = () => {};
  const lookup = new Promise<void>((resolve) => {
    asked = resolve;
  });
  let answer = (_caller: SocketCaller) => {};
  const client = await initSocket(() => {
    asked();
    return new Promise((resolve) => {
      answer = resolve;
    });
  });
  await lookup;
  client.close();
  await once(client, 'close'); // the server has closed its side by then
  answer(caller);
  await new Promise(setImmediate);
  expect(waiting.size).toBe(0);
});

test('an open socket waits once for the end of its key, and no more once it is closed', async () => {
  const { caller, waiting } = callerWithWaiting();
  const client = await initSocket(async () => caller);
  await once(client, 'message');
  expect(waiting.size).toBe(1);
  client.close();
  await once(client, 'close');
  await expect.poll(() => waiting.size).toBe(0);
});

test('a socket whose key cannot be looked up because the database is busy is closed with 1013', async () => {
  const client = await initSocket(async () => {
    throw new OverloadedError('The database is busy.', 'busy', true);
  });
  const [code] = await once(client, 'close');
  expect(code).toBe(1013);
});
