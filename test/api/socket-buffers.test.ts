import { getDefaultHighWaterMark, setDefaultHighWaterMark } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { backlogBytesMax, drainBytesMin } from '../../src/http/limits.ts';
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
  app = await startTestApp();
});
afterAll(async () => {
  setDefaultHighWaterMark(false, ourDefault);
  await app.close();
});

test('a subscriber gets all of a burst, however many bytes Node buffers before it says that a connection has drained', async () => {
  expect(drainBytesMin).toBeLessThan(backlogBytesMax);
  await untilSettled(app.database.pool);
  const { orders } = await app.client.request<{ orders: { eventCursor: string } }>('{ orders { eventCursor } }');
  const count = 60;
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
