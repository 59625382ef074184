import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange, rawRequest } from '../support/raw-http.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const html = '<!doctype html><title>The dashboard</title>';
const script = 'console.log("built")';

function writeBuilt(directory: string, path: string, text: string): void {
  const file = join(directory, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  writeFileSync(`${file}.br`, brotliCompressSync(text));
  writeFileSync(`${file}.gz`, gzipSync(text));
}

describe('the built pages', () => {
  let app: TestApp;
  let directory: string;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'paystream-pages-'));
    writeBuilt(directory, 'dashboard/index.html', html);
    writeBuilt(directory, 'assets/index-1a2b3c.js', script);
    writeFileSync(join(directory, 'assets/logo-1a2b3c.png'), 'a picture');
    writeFileSync(join(directory, 'secret.key'), 'not a file of a page');
    app = await startTestApp({ pagesDirectory: directory });
  });
  afterAll(async () => {
    await app.close();
    rmSync(directory, { recursive: true });
  });
  const get = (path: string, init: RequestInit = {}) => fetch(`${app.app.url}${path}`, { redirect: 'manual', ...init });

  test.each(['/dashboard', '/dashboard/', '/dashboard/orders/ord_1?status=OPEN', '/dashboard/a/b/c'])(
    '%s shows the dashboard, which finds its own way from there',
    async (path) => {
      const answer = await get(path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(await answer.text()).toBe(html);
    },
  );

  test('a page is asked for again each time, and allows no inline script, style or frame', async () => {
    const { headers } = await get('/dashboard');
    expect(headers.get('cache-control')).toBe('no-cache');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
  });

  test('a browser that has the page gets no body', async () => {
    const first = await get('/dashboard');
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]+"$/);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await get('/dashboard/orders', { headers: { 'if-none-match': known } });
      expect(again.status).toBe(304);
      expect(await again.text()).toBe('');
    }
    expect((await get('/dashboard', { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  });

  test('files with a hash are kept for a year', async () => {
    const answer = await get('/assets/index-1a2b3c.js');
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(answer.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(await answer.text()).toBe(script);
    expect((await get('/assets/logo-1a2b3c.png')).headers.get('content-type')).toBe('image/png');
  });

  test.each<[string, string | null]>([
    ['br, gzip', 'br'],
    ['gzip, deflate, br;q=0.1', 'br'],
    ['gzip;q=1.0, br;q=0', 'gzip'],
    ['GZIP', 'gzip'],
    ['deflate', null],
    ['identity', null],
    ['', null],
  ])('with accept-encoding %j the coding is %s', async (accepted, coding) => {
    const answer = await exchange(
      app.app.url,
      rawRequest({ method: 'GET', target: '/assets/index-1a2b3c.js', headers: [`accept-encoding: ${accepted}`] }),
    );
    expect(answer).toMatchObject({ status: 200, headers: { vary: 'accept-encoding' } });
    expect(answer?.headers['content-encoding'] ?? null).toBe(coding);
  });

  test('each copy has a tag of its own, and is the same text', async () => {
    const tags = new Set<string | null>();
    for (const coding of ['br', 'gzip', 'identity']) {
      const answer = await get('/assets/index-1a2b3c.js', { headers: { 'accept-encoding': coding } });
      tags.add(answer.headers.get('etag'));
      expect(await answer.text()).toBe(script);
    }
    expect(tags.size).toBe(3);
  });

  test('HEAD has the headers of GET and no body', async () => {
    const answer = await get('/dashboard', { method: 'HEAD', headers: { 'accept-encoding': 'identity' } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-length')).toBe(String(html.length));
    expect(await answer.text()).toBe('');
  });

  test.each(['POST', 'PUT', 'DELETE'])('%s is not allowed', async (method) => {
    const answer = await get('/dashboard', { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
  });

  test.each([
    '/assets/other.js',
    '/assets/',
    '/assets/..%2fsecret.key',
    '/assets/index-1a2b3c.js.br',
    '/secret.key',
    '/dashboards',
    '/dashboard.html',
  ])('%s does not exist', async (path) => {
    const answer = await get(path);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toEqual({ error: expect.any(String) });
  });

  test('the root leads to the dashboard', async () => {
    const answer = await get('/');
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/dashboard']);
  });

  test('a page that was not built says so', async () => {
    const answer = await get('/checkout/ord_1');
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ error: expect.stringContaining('npm run build') });
  });
});

test('the pages are built for production, whatever the process that builds them is for', () => {
  const directory = new URL('../../.build/web/assets/', import.meta.url);
  const scripts = readdirSync(directory).filter((name) => name.endsWith('.js'));
  expect(scripts.length).toBeGreaterThan(3);
  // A sentence of React's development version.
  expect(scripts.filter((name) => readFileSync(new URL(name, directory), 'utf8').includes('React DevTools'))).toEqual(
    [],
  );
});

test('a server without built pages says so, and serves the API', async () => {
  const app = await startTestApp({ pagesDirectory: join(tmpdir(), 'paystream-no-pages') });
  const answer = await fetch(`${app.app.url}/dashboard`);
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ error: expect.stringContaining('npm run build') });
  expect((await fetch(`${app.app.url}/healthz`)).status).toBe(200);
  await app.close();
});
