import { once } from 'node:events';
import { getDefaultHighWaterMark, setDefaultHighWaterMark } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { backlogBytesMax, drainBytesMin, httpLimits, unreadBytesMax } from '../../src/http/limits.ts';
import { createOrder } from '../support/orders.ts';
import { untilSettled } from '../support/settled.ts';
import { wsClient } from '../support/subscriber.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

/** The default of Node 22 and later. */
const laterDefault = 64 * 1024;
const ourDefault = getDefaultHighWaterMark(false);

let app: TestApp;
beforeAll(async () => {
  setDefaultHighWaterMark(false, laterDefault);
  // The orders may take a machine longer than a client may take to read.
  app = await startTestApp({ httpLimits: { ...httpLimits, backlogTimeoutMs: 600_000 } });
});
afterAll(async () => {
  setDefaultHighWaterMark(false, ourDefault);
  await app.close();
});

test('a subscriber gets all of a burst, however many bytes Node buffers before it says that a connection has drained', async () => {
  expect(drainBytesMin).toBeLessThan(backlogBytesMax);
  await untilSettled(app.database.pool);
  const { orders } = await app.client.request<{ orders: { eventCursor: string } }>('{ orders { eventCursor } }');
  const count = 90;
  for (let made = 0; made < count; made += 1) await createOrder(app);
  await untilSettled(app.database.pool);
  // About a kilobyte for each event, so that the burst is between the two sizes.
  const wide = Array.from({ length: 5 }, (_, number) => `${'a'.repeat(150)}${number}: cursor`).join(' ');
  const query = `subscription($after: EventCursor!) { event: merchantEvents(after: $after) { ${wide} } }`;
  const client = wsClient(app);
  const heard: unknown[] = [];
  for await (const { data } of client.iterate({ query, variables: { after: orders.eventCursor } })) {
    heard.push(data);
    if (heard.length === count) break;
  }
  await client.dispose();
  const bytes = Buffer.byteLength(JSON.stringify(heard));
  expect(bytes).toBeGreaterThan(backlogBytesMax);
  expect(bytes).toBeLessThan(2 * laterDefault);
});

test('a client that has stopped reading for a while gets everything when it reads again, on the same socket', async () => {
  await untilSettled(app.database.pool);
  const { orders } = await app.client.request<{ orders: { eventCursor: string } }>('{ orders { eventCursor } }');
  // About 13 kilobytes for each event: three times what a client may have to read.
  const wide = Array.from({ length: 45 }, (_, number) => `${'a'.repeat(200)}${number}: cursor`).join(' ');
  const query = `subscription($after: EventCursor!) { event: merchantEvents(after: $after) { sequence ${wide} orderNumber } }`;
  const socket = new WebSocket(`${app.app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const count = Math.ceil((3 * unreadBytesMax) / 13_000);
  const heard: string[] = [];
  let bytes = 0;
  const all = new Promise<void>((resolve, reject) => {
    socket.on('close', (code) => reject(new Error(`The socket was closed: ${code}`)));
    socket.on('message', (data) => {
      const { type, payload } = JSON.parse(String(data));
      if (type === 'connection_ack') {
        socket.send(
          JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables: { after: orders.eventCursor } } }),
        );
        return;
      }
      bytes += String(data).length;
      heard.push(payload.data.event.orderNumber);
      if (heard.length === 1) socket.pause();
      if (heard.length === count) resolve();
    });
  });
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${app.token}` } }));
  const numbers = Array.from({ length: count }, (_, made) => `wide-${made}`);
  for (const number of numbers) await createOrder(app, { number });
  await untilSettled(app.database.pool);
  socket.resume();
  await all;
  expect(heard).toEqual(numbers);
  expect(bytes).toBeGreaterThan(2 * unreadBytesMax);
  socket.removeAllListeners('close');
  socket.terminate();
});
