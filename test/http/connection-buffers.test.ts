import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { getDefaultHighWaterMark, setDefaultHighWaterMark } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { backlogBytesMax } from '../../src/http/limits.ts';
import { createHttpServer, type Routes } from '../../src/http/server.ts';

const ourDefault = getDefaultHighWaterMark(false);
// Node's own has grown from 16 to 64 KiB, and may grow again.
beforeAll(() => setDefaultHighWaterMark(false, 2 * backlogBytesMax));
afterAll(() => setDefaultHighWaterMark(false, ourDefault));

test('a connection that is taken over says that it has drained whenever a subscription waits for it', async () => {
  let taken = (_socket: Duplex) => {};
  const connection = new Promise<Duplex>((resolve) => {
    taken = resolve;
  });
  const server = createHttpServer({});
  server.serve({
    origins: { foreignOf: () => null, isListed: async () => false },
    webSocket: (_request: IncomingMessage, socket: Duplex) => taken(socket),
  } as unknown as Routes); // the routes that an upgrade uses
  const url = new URL(await server.listen(0, '127.0.0.1'));
  const client = connect(Number(url.port), url.hostname);
  client.write(
    'GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  const socket = await connection;
  // A subscription waits when more bytes than the backlog may have are unsent, and Node reports it from this many on.
  expect(socket.writableHighWaterMark).toBeLessThanOrEqual(backlogBytesMax);
  client.destroy();
  socket.destroy();
  await server.close();
});
