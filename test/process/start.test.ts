import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { developmentKeysFile } from '../../src/development-keys.ts';
import {
  type Home,
  makeHome,
  projectRoot,
  runScript,
  type ServerProcess,
  spawnServer,
  startServerProcess,
} from '../support/server-process.ts';

let home: Home;
let server: ServerProcess;
beforeAll(async () => {
  home = await makeHome();
  rmSync(developmentKeysFile(home.dataDir)); // the first start makes them
  server = await startServerProcess(home);
});
afterAll(() => server.kill());

/** Starts another process that is expected to give up. */
async function complaintOf(other: Home): Promise<{ code: number | null; complaint: string }> {
  const second = spawnServer(other);
  let complaint = '';
  second.stderr?.on('data', (chunk) => {
    complaint += String(chunk);
  });
  const [code] = await once(second, 'exit');
  return { code, complaint };
}

test('a start says where the demo shop, the dashboard and GraphiQL are, what the database is, who stands in for the providers, and a token that works', async () => {
  expect(server.banner[0]).toBe(`Shop       ${server.url}/shop`);
  expect(server.banner[1]).toBe(`Dashboard  ${server.url}/dashboard#token=${server.token}`);
  expect(server.banner[2]).toMatch(/^GraphiQL +http:\/\/127\.0\.0\.1:\d+\/graphql$/);
  expect(server.banner[3]).toMatch(
    home.databaseUrl === null ? /embedded .*survives kill -9, not a power cut/ : /PostgreSQL/,
  );
  expect(server.banner[4]).toMatch(/sandbox .* no real money/);
  expect(await server.client.request('{ orders { nodes { id } } }')).toEqual({ orders: { nodes: [] } });
});

test('GraphiQL opens with the operations of a first walk, and loads nothing from elsewhere', async () => {
  const page = await fetch(`${server.url}/graphql`, { headers: { accept: 'text/html' } });
  const html = await page.text();
  for (const operation of ['createOrder', 'orderEvents', 'payOrder', 'merchantEvents'])
    expect(html).toContain(operation);
  expect(html).not.toMatch(/(src|href)="https?:/);
});

test('no page of another site, and nobody by another name, gets the token from GraphiQL', async () => {
  const page = async (headers: Record<string, string>) => {
    const response = await fetch(`${server.url}/graphql`, { headers: { accept: 'text/html', ...headers } });
    return { text: await response.text(), status: response.status };
  };
  expect((await page({})).text).toContain(server.token);
  const foreign = await page({ origin: 'https://evil.example' });
  expect(foreign.status).toBe(403);
  expect(foreign.text).not.toContain(server.token);
});

test('whoever balances load can ask whether it lives and whether it is ready', async () => {
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
});

test('a second process on the same data directory ends at once and says who holds it', async () => {
  if (home.databaseUrl !== null) return expect(home.databaseUrl).toMatch(/^postgres/); // any number of nodes there
  const { code, complaint } = await complaintOf({ ...home, port: 0, sandboxPort: 0 });
  expect(code).toBe(1);
  expect(complaint).toMatch(/process \d+|pid \d+/i);
  expect(complaint).not.toMatch(/at .*\.ts/);
});

test('reconciling beside a server on the embedded database is refused; one on PostgreSQL goes on', async () => {
  const { code, complaint } = await runScript(home, 'reconcile', ['--provider', 'stripe', '--date', '2026-11-20']);
  if (home.databaseUrl === null) expect(complaint).toContain('The data directory is in use by process');
  expect(code).toBe(home.databaseUrl === null ? 1 : 0);
});

test('another process is told how to reach the sandbox, whatever its port, and the token', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/print-sandbox-env.ts'], {
    cwd: projectRoot,
    env: { PATH: process.env.PATH, DATA_DIR: home.dataDir },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exports = await text(child.stdout);
  expect(exports).toContain(`export STRIPE_API_BASE='${server.sandboxUrl}'\n`);
  expect(exports).toContain(`export ALIPAY_GATEWAY='${server.sandboxUrl}/gateway.do'\n`);
  expect(exports).toContain(`export DEV_API_KEY='${server.token}'\n`);
});

test('stopped and started again, it is the same: the same token opens it', async () => {
  const { token } = server;
  expect(await server.stop()).toBe(0);
  server = await startServerProcess(home);
  expect(server.token).toBe(token);
});
