import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttpServer } from '../../src/http/server.ts';
import { openRaw, rawRequest } from '../support/raw-http.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

async function read(url: string, path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url + path);
  return { status: response.status, body: await response.json() };
}

const ready = { status: 200, body: { status: 'ready' } };
const unready = (reason: string) => ({
  status: 503,
  body: { status: 'not ready', reason, message: expect.stringMatching(/^(The server|The database|Migrations) .+\.$/) },
});

test('a starting server is alive, not ready, and tells clients to retry', async () => {
  const server = createHttpServer({});
  const url = await server.listen(0, '127.0.0.1');
  expect(await read(url, '/healthz')).toEqual({ status: 200, body: { status: 'ok' } });
  const message = 'The server is starting.'; // it waits for its database or a provider
  expect(await read(url, '/readyz')).toEqual({
    status: 503,
    body: { status: 'not ready', reason: 'STARTING', message },
  });
  const response = await fetch(`${url}/graphql`, { method: 'POST', body: '{}' });
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('1');
  expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'OVERLOADED', retryAfterMs: 1000 } }] });
  expect((await fetch(`${url}/webhooks/stripe`, { method: 'POST', body: '{}' })).status).toBe(503);
  await server.close();
});

test('while the database does not answer the server is alive and not ready, and ready again afterwards', async () => {
  expect(await read(app.app.url, '/readyz')).toEqual(ready);
  const client = await app.database.pool.connect();
  await client.query('BEGIN');
  await client.query('LOCK TABLE _prisma_migrations IN ACCESS EXCLUSIVE MODE');
  const asked = await Promise.all(['/readyz', '/readyz', '/healthz'].map((path) => read(app.app.url, path)));
  expect(asked).toEqual([
    unready('DATABASE_UNAVAILABLE'),
    unready('DATABASE_UNAVAILABLE'),
    { status: 200, body: { status: 'ok' } },
  ]);
  await client.query('ROLLBACK');
  client.release();
  expect(await read(app.app.url, '/readyz')).toEqual(ready);
});

test('on a database that lacks a migration the server is not ready, and the log names what is missing', async () => {
  app.logged.length = 0;
  const { rows } = await app.database.pool.query<{ name: string }>(
    `UPDATE _prisma_migrations SET rolled_back_at = now()
     WHERE migration_name = (SELECT max(migration_name) FROM _prisma_migrations) RETURNING migration_name AS name`,
  );
  expect(await read(app.app.url, '/readyz')).toEqual(unready('MIGRATIONS_PENDING'));
  expect(await read(app.app.url, '/readyz')).toEqual(unready('MIGRATIONS_PENDING'));
  const told = app.logged.filter(({ message }) => message === 'not ready');
  expect(told).toMatchObject([{ level: 'warn', fields: { pending: rows.map(({ name }) => name) } }]);
  await app.database.pool.query('UPDATE _prisma_migrations SET rolled_back_at = NULL');
  expect(await read(app.app.url, '/readyz')).toEqual(ready);
});

// This must be the last test: the app is closed afterwards.
test('a server that shuts down is not ready, and closes its remaining connections', async () => {
  const connection = await openRaw(app.app.url);
  connection.send(rawRequest({ method: 'GET', target: '/healthz' }));
  await connection.answer();
  connection.send('GET /readyz HTTP/1.1\r\nhost: x\r\n');
  // Once this is answered, the server has read everything that was sent before.
  await read(app.app.url, '/healthz');
  const stopped = app.app.stopAccepting();
  connection.send('\r\n');
  const answer = await connection.answer();
  expect(answer).toMatchObject({ status: 503, headers: { connection: 'close' } });
  expect(JSON.parse(answer?.body ?? '')).toMatchObject({ reason: 'STOPPING' });
  await connection.closed;
  await stopped;
});
