import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import WebSocket from 'ws';
import type { Limits } from '../../src/limits/limits.ts';
import { startTestApp, type TestApp, unlimited } from '../support/test-app.ts';

let app: TestApp;
afterEach(() => app.close());

const start = async (limits: Partial<Limits>) => {
  app = await startTestApp({ config: { limits: { ...unlimited, ...limits }, trustedProxies: 1 } });
};

/** Opens a socket from an address; with a token also initializes it. Resolves when the server has answered, or closed it. */
async function open(address: string, token: string | null = app.token) {
  const socket = new WebSocket(`${app.app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    headers: { 'x-forwarded-for': address },
  });
  const closed = once(socket, 'close').then(([code, reason]) => `${code} ${reason}`);
  await once(socket, 'open');
  if (token !== null)
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
  const answered = token === null ? once(socket, 'pong') : once(socket, 'message');
  if (token === null) socket.ping();
  const first = await Promise.race([closed, answered.then(() => 'open')]);
  const close = async () => {
    socket.close();
    await closed;
  };
  return { socket, first, close };
}

test('an address has a limited number of sockets, and another address is not concerned', async () => {
  await start({ socketsPerAddress: 2 });
  const [one] = [await open('198.51.100.1'), await open('198.51.100.1')];
  expect((await open('198.51.100.1')).first).toBe('4429 This address has 2 sockets, the maximum');
  expect((await open('198.51.100.2')).first).toBe('open');
  await one?.close();
  await expect.poll(async () => (await open('198.51.100.1')).first).toBe('open');
});

test('an address has a limited number of sockets without a valid token', async () => {
  await start({ anonymousSocketsPerAddress: 2 });
  for (let opened = 0; opened < 4; opened += 1) expect((await open('198.51.100.1')).first).toBe('open');
  for (let opened = 0; opened < 2; opened += 1) expect((await open('198.51.100.1', null)).first).toBe('open');
  expect((await open('198.51.100.1', null)).first).toMatch(/^4429 .* without a valid token/);
});

test('a caller has a limited number of sockets, from whatever address', async () => {
  await start({ socketsPerPrincipal: 2 });
  expect((await open('198.51.100.1')).first).toBe('open');
  expect((await open('198.51.100.2')).first).toBe('open');
  expect((await open('198.51.100.3')).first).toBe('4429 The caller has 2 sockets, the maximum');
});

test('a socket whose client does not begin is closed with 4408, and one that has begun stays', async () => {
  await start({});
  const silent = await open('198.51.100.1', null);
  const begun = await open('198.51.100.1');
  const [code, reason] = await once(silent.socket, 'close');
  expect(`${code} ${reason}`).toBe('4408 Connection initialisation timeout');
  // Its time would have ended by now as well, had it not begun.
  expect((await open('198.51.100.1')).first).toBe('open');
  const other = await open('198.51.100.1', null);
  await once(other.socket, 'close');
  expect(begun.socket.readyState).toBe(WebSocket.OPEN);
});

/** Subscribes, and resolves to the code of the error, or to `null` once the subscription has been accepted. */
async function subscribe(socket: WebSocket, id: string): Promise<string | null> {
  const query = 'subscription { merchantEvents { id } }';
  const answered = new Promise<string | null>((resolve) => {
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as {
        id?: string;
        type: string;
        payload: { errors?: { extensions: { code: string } }[] };
      };
      if (message.id === id && message.type === 'next') resolve(message.payload.errors?.[0]?.extensions.code ?? null);
      if (message.type === 'pong') resolve(null);
    });
  });
  socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query } }));
  await expect.poll(() => socket.bufferedAmount).toBe(0);
  return Promise.race([answered, untilListening(socket)]);
}

/** Subscriptions have no answer of their own. A query that is sent afterwards is answered after they have been decided. */
async function untilListening(socket: WebSocket): Promise<null> {
  const id = `after-${Math.random()}`;
  const payload = { query: '{ merchant { id } }' };
  const answered = new Promise<null>((resolve) => {
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as { id?: string; type: string };
      if (message.id === id && message.type === 'complete') resolve(null);
    });
  });
  socket.send(JSON.stringify({ id, type: 'subscribe', payload }));
  return answered;
}

test('a socket has a limited number of subscriptions, and an ended one leaves its place', async () => {
  await start({ subscriptionsPerSocket: 2 });
  const { socket } = await open('198.51.100.1');
  expect(await subscribe(socket, '1')).toBeNull();
  expect(await subscribe(socket, '2')).toBeNull();
  expect(await subscribe(socket, '3')).toBe('RATE_LIMITED');
  socket.send(JSON.stringify({ id: '1', type: 'complete' }));
  await expect.poll(async () => subscribe(socket, String(Math.random()))).toBeNull();
  const other = await open('198.51.100.1');
  expect(await subscribe(other.socket, '1')).toBeNull();
});

test('a caller has a limited number of subscriptions, over WebSocket and SSE together', async () => {
  await start({ subscriptionsPerPrincipal: 2 });
  const { socket } = await open('198.51.100.1');
  expect(await subscribe(socket, '1')).toBeNull();
  const follow = async (signal: AbortSignal) => {
    const { status, body } = await fetch(`${app.app.url}/graphql`, {
      ...{ method: 'POST', signal },
      headers: {
        ...{ 'content-type': 'application/json', accept: 'text/event-stream' },
        authorization: `Bearer ${app.token}`,
      },
      body: JSON.stringify({ query: 'subscription { merchantEvents { id } }' }),
    });
    return { status, body };
  };
  const held = new AbortController();
  expect(await follow(held.signal)).toMatchObject({ status: 200 });
  const { status, body } = await follow(new AbortController().signal);
  expect(status).toBe(429);
  await body?.cancel();
  expect(await subscribe(socket, '2')).toBe('RATE_LIMITED');
  held.abort();
  await expect.poll(async () => subscribe(socket, String(Math.random()))).toBeNull();
});
