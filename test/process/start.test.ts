import { once } from 'node:events';
import { expect, test } from 'vitest';
import { makeHome, spawnServer, startServerProcess } from '../support/server-process.ts';

test('a start says where GraphiQL is, what the database is, who stands in for the providers, and a token that works', async () => {
  const home = await makeHome();
  const server = await startServerProcess(home);
  expect(server.banner[0]).toMatch(/^GraphiQL +http:\/\/127\.0\.0\.1:\d+\/graphql$/);
  expect(server.banner[1]).toMatch(
    home.databaseUrl === null ? /embedded .*survives kill -9, not a power cut/ : /PostgreSQL/,
  );
  expect(server.banner[2]).toMatch(/sandbox .* no real money/);
  expect(await server.client.request('{ orders { nodes { id } } }')).toEqual({ orders: { nodes: [] } });
  const page = await fetch(`${server.url}/graphql`, { headers: { accept: 'text/html' } });
  const html = await page.text();
  expect(html).toContain('createOrder');
  expect(html).not.toMatch(/(src|href)="https?:/); // nothing is loaded from elsewhere
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  expect(await server.stop()).toBe(0);

  const again = await startServerProcess(home);
  expect(again.token).toBe(server.token);
  await again.stop();
});

test('a second process on the same data directory ends at once and says who holds it', async () => {
  const home = await makeHome();
  if (home.databaseUrl !== null) return expect(home.databaseUrl).toMatch(/^postgres/); // any number of nodes there
  const server = await startServerProcess(home);
  const second = spawnServer({ ...home, port: 0, sandboxPort: 0 });
  let complaint = '';
  second.stderr?.on('data', (chunk) => {
    complaint += String(chunk);
  });
  const [code] = await once(second, 'exit');
  expect(code).toBe(1);
  expect(complaint).toMatch(/process \d+|pid \d+/i);
  expect(complaint).not.toMatch(/at .*\.ts/);
  await server.stop();
});

test('a port that is taken is named', async () => {
  const home = await makeHome();
  const server = await startServerProcess(home);
  const second = spawnServer({ ...(await makeHome()), port: home.port, sandboxPort: 0 });
  let complaint = '';
  second.stderr?.on('data', (chunk) => {
    complaint += String(chunk);
  });
  const [code] = await once(second, 'exit');
  expect(code).toBe(1);
  expect(complaint).toContain(`port ${home.port}`);
  await server.stop();
});
