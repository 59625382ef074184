import { EventSource } from 'eventsource';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openFragileLine } from '../support/fragile-line.ts';
import { createOrder, payOrder } from '../support/orders.ts';
import { untilSettled } from '../support/settled.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const fields = 'sequence type cursor';

/** The address of a subscription for an EventSource, which can only GET. */
function addressOf(query: string, variables: object = {}): string {
  const parameters = new URLSearchParams({ query, variables: JSON.stringify(variables) });
  return `${app.app.url}/graphql?${parameters}`;
}

function orderAddress(orderId: string, after: string | null): string {
  const query = `subscription($id: ID!, $after: EventCursor) { event: orderEvents(orderId: $id, after: $after) { ${fields} } }`;
  return addressOf(query, { id: orderId, after });
}

const withToken = (init: RequestInit) => ({
  ...init,
  headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${app.token}` },
});

test('the id of each message is the cursor of its event, in an order’s events and in the merchant’s', async () => {
  const { id, eventCursor } = await createOrder(app);
  await untilSettled(app.database.pool); // then the order is before the cursor of the list
  const { orders } = await app.client.request<{ orders: { eventCursor: string } }>('{ orders { eventCursor } }');
  await payOrder(app, id);
  const merchant = `subscription($after: EventCursor) { event: merchantEvents(after: $after) { ${fields} } }`;
  for (const address of [
    orderAddress(id, eventCursor),
    addressOf(merchant, { after: orders.eventCursor }),
    addressOf(
      `subscription($after: EventCursor) { ...Root } fragment Root on Subscription { event: merchantEvents(after: $after) { ${fields} } }`,
      { after: orders.eventCursor },
    ),
  ]) {
    const source = new EventSource(address, { fetch: (url, init) => fetch(url, withToken(init as RequestInit)) });
    const heard: { lastEventId: string; data: string }[] = [];
    await new Promise<void>((resolve) => {
      source.addEventListener('next', (message) => {
        heard.push(message);
        if (heard.length === 2) resolve();
      });
    });
    source.close();
    const events = heard.map(({ data }) => JSON.parse(data).data.event);
    expect(events.map(({ type }) => type)).toEqual(['PAYMENT_STARTED', 'PAYMENT_ACTION_REQUIRED']);
    expect(heard.map(({ lastEventId }) => lastEventId)).toEqual(events.map(({ cursor }) => cursor));
  }
});

test('an EventSource whose line breaks goes on after its last event, and not after the cursor of its address', async () => {
  const { id, eventCursor } = await createOrder(app);
  await payOrder(app, id);
  const line = await openFragileLine(() => app.app.url);
  const resumed: (string | null)[] = [];
  const source = new EventSource(orderAddress(id, eventCursor).replace(app.app.url, line.url), {
    fetch: (url, init) => {
      resumed.push(new Headers(init.headers).get('last-event-id'));
      return fetch(url, withToken(init as RequestInit));
    },
  });
  const heard: { sequence: number; cursor: string }[] = [];
  await new Promise<void>((resolve, reject) => {
    source.addEventListener('next', ({ data }) => {
      heard.push(JSON.parse(data).data.event);
      if (heard.length === 2) {
        line.cut();
        payOrder(app, id).catch(reject);
      }
      if (heard.length === 6) resolve();
    });
  });
  source.close();
  await line.close();
  expect(heard.map(({ sequence }) => sequence)).toEqual([2, 3, 4, 5, 6, 7]);
  expect(resumed.slice(0, 2)).toEqual([null, heard[1]?.cursor]);
});

test.each([
  ['without a token', {}, 'UNAUTHENTICATED'],
  ['with a wrong token', { authorization: 'Bearer wrong' }, 'UNAUTHENTICATED'],
  ['with a Last-Event-ID that is no cursor', { 'last-event-id': 'nonsense' }, 'Last-Event-ID: is not a cursor'],
])('an EventSource %s is told why in a message without an id', async (_name, headers, text) => {
  const { id } = await createOrder(app);
  const authorization = 'last-event-id' in headers ? `Bearer ${app.token}` : '';
  const response = await fetch(orderAddress(id, null), {
    headers: { accept: 'text/event-stream', authorization, ...headers } as Record<string, string>,
  });
  const body = await response.text();
  expect(body).toMatch(/^event: complete$/m);
  expect(body).toContain(text);
  expect(body).not.toMatch(/^id:/m);
});

test('an empty Last-Event-ID stands for none', async () => {
  const { id, eventCursor } = await createOrder(app);
  await payOrder(app, id);
  const response = await fetch(orderAddress(id, eventCursor), {
    headers: { accept: 'text/event-stream', authorization: `Bearer ${app.token}`, 'last-event-id': '' },
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('PAYMENT_STARTED')) text += (await reader?.read())?.value ?? '';
  await reader?.cancel();
});
